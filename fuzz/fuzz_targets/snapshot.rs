//! A snapshot answers as a map of its entries does, and a damaged one misleads nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| s3bouncer::list::check_snapshot(data));
