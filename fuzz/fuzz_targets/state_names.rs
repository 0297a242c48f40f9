//! A name of the multipart state tells only what would be written under that very name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| s3bouncer::state::check_names(data));
