//! Whatever happens to the bytes of a store, opening it, every read and `verify` end with a right
//! answer or with `corrupt`. What is checked is what `tests/damage` checks; here a fuzzer looks for
//! the damage that leads furthest.

#![no_main]
#![allow(unreachable_pub)]

#[path = "../../tests/damage/edits.rs"]
mod edits;
#[path = "../../tests/damage/original.rs"]
mod original;
#[path = "../../tests/damage/reads.rs"]
mod reads;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

use crate::original::Original;

fn sound() -> &'static Original {
    static SOUND: OnceLock<Original> = OnceLock::new();
    SOUND.get_or_init(Original::build)
}

/// The fuzzer aborts at every panic, also at those of the engine that the store contains. Those
/// are left to it: one that it does not contain reaches the fuzzer all the same.
fn let_the_store_contain_panics() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_ours = |file: &str| file.contains("tests/damage") || file.contains("fuzz_targets");
        if panic.location().is_none_or(|at| is_ours(at.file())) {
            abort(panic);
        }
    }));
}

fuzz_target!(
    init: {
        let_the_store_contain_panics();
        sound();
    },
    |bytes: &[u8]| {
        let Some((first, edits)) = bytes.split_first() else {
            return;
        };
        // The first says whether it is opened to be written to.
        let damaged = edits::edit(&sound().bytes, edits);
        reads::read_everything(sound(), &damaged, u64::from(first % 2));
    }
);
