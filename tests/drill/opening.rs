//! Promise: opening a store that is there never fails, whatever others open, close and die of
//! meanwhile.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{Batch, create};

const TIME: Duration = Duration::from_secs(8);

#[test]
fn opening_in_a_tight_loop_never_fails() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("images.redb");
    Batch::writer(&store).end();
    let end = Instant::now() + TIME;
    let (opens, kills) = thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| open_again_and_again(Batch::reader(&store), end)))
            .collect();
        let writer = scope.spawn(|| open_again_and_again(Batch::writer(&store), end));
        let dying = (0..2).map(|number| {
            let store = &store;
            scope.spawn(move || die_again_and_again(store, number, end))
        });
        let dying: Vec<_> = dying.collect();
        let mut opens = writer.join().unwrap();
        opens += readers
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum::<usize>();
        let kills = dying
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum::<usize>();
        (opens, kills)
    });
    println!("{opens} opens, {kills} kills beside them");
    assert!(opens > 50 && kills > 10, "{opens} opens, {kills} kills");
}

fn open_again_and_again(mut batch: Batch, end: Instant) -> usize {
    let mut opens = 0;
    while Instant::now() < end {
        batch.ok(&json!({"op": "reopen"}));
        batch.ok(&json!({"op": "exists", "id": "none"}));
        opens += 1;
    }
    batch.end();
    opens
}

/// Writes, and is killed with its requests on the way.
fn die_again_and_again(store: &Path, number: usize, end: Instant) -> usize {
    let mut kills = 0;
    while Instant::now() < end {
        let mut batch = Batch::writer(store);
        for request in 0..rand::random_range(1..20) {
            let id = format!("dying-{number}-{kills}-{request}");
            batch.send(&create(&id, 100)).unwrap();
        }
        thread::sleep(Duration::from_micros(rand::random_range(0..60_000)));
        batch.kill();
        kills += 1;
    }
    kills
}

/// Many processes find no store and create it at once: one of them does, all use it.
#[test]
fn many_creators_end_up_with_one_store() {
    for round in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("images.redb");
        let mut batches: Vec<_> = (0..6).map(|_| Batch::writer(&store)).collect();
        for (number, batch) in batches.iter_mut().enumerate() {
            batch.send(&create(&format!("from-{number}"), 10)).unwrap();
        }
        for batch in &mut batches {
            let reply = batch.receive().expect("a creator died");
            assert!(reply.get("ok").is_some(), "round {round}: {reply}");
        }
        let images = batches[0].ok(&json!({"op": "images"}));
        assert_eq!(images.as_array().unwrap().len(), 6, "round {round}");
        batches.into_iter().for_each(Batch::end);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "round {round}"
        );
    }
}

/// Where the store is cannot be told as an absolute path then, which only a log needs.
#[test]
fn a_store_is_opened_from_a_folder_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    Batch::writer(&folder.path().join("images.redb")).end();
    let script = r#"rmdir ../gone; "$0" --store ../images.redb create --id abc"#;
    let output = Command::new("sh")
        .args(["-ec", script, env!("CARGO_BIN_EXE_image-store")])
        .current_dir(&gone)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(output.stdout, b"abc\n");
}
