//! Promise: what the fuzz targets hold for any input holds for their kept corpus, and for changes of
//! it, without a fuzzer.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test may say plainly what must hold"
)]

#[path = "../fuzz/src/images_json.rs"]
mod images_json;
#[path = "../fuzz/src/item_names.rs"]
mod item_names;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = folder.join(target).read_dir().unwrap();
    let inputs = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    inputs.collect()
}

/// What breaks texts most: brackets, quotes and the like, put in, or in the place of something.
fn change() -> impl Strategy<Value = (Index, usize, Vec<u8>)> {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "\\",
        "\0",
        "\n",
        "null",
        "{\"id\":\"",
        "=",
        "/",
        "..",
        "\u{feff}",
    ];
    let token = select(tokens.to_vec()).prop_map(|token| token.as_bytes().to_vec());
    let bytes = prop_oneof![token, vec(any::<u8>(), 0..4)];
    (any::<Index>(), 0..20_usize, bytes)
}

/// Checks the inputs of a corpus, and a number of changes of them.
fn hold(target: &str, cases: u32, check: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(inputs.len() > 20, "the corpus of {target} is gone");
    for input in &inputs {
        check(input);
    }
    let strategy = (select(inputs), vec(change(), 1..6));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let outcome = TestRunner::new(config).run(&strategy, |(mut text, changes)| {
        for (place, removed, bytes) in changes {
            let begin = place.index(text.len() + 1);
            let end = text.len().min(begin + removed);
            text.splice(begin..end, bytes);
        }
        check(&text);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn images_json_of_any_text() {
    hold("images_json", 400, images_json::check);
}

#[test]
fn item_names_of_any_text() {
    hold("item_names", 5_000, item_names::check);
}
