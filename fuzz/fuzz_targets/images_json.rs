//! Whatever an `images.json` holds, reading it keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| image_store_fuzz::images_json::check(text));
