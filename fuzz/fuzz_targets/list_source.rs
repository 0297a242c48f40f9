//! How a source file is cut never changes what is read, and every entry stands in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| s3bouncer::list::check_source(data));
