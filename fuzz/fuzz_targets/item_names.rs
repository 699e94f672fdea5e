//! Whatever an ID and a key are, the path of an item stays inside, and its name leads back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| image_store_fuzz::item_names::check(text));
