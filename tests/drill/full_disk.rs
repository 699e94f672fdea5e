//! Promise: on a full file system a write fails with a clear error, nothing that was acknowledged
//! is lost, and the store goes on when there is room again.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Batch, create, program};

/// Creates images until there is no more room; says which were acknowledged.
fn fill(batch: &mut Batch) -> (usize, Value) {
    for number in 0..10_000 {
        let reply = batch
            .ask(&create(&format!("image-{number}"), 50_000))
            .expect("died");
        if reply.get("ok").is_none() {
            return (number, reply);
        }
    }
    panic!("it never got full");
}

fn check(batch: &mut Batch, images: usize) {
    for number in 0..images {
        let id = format!("image-{number}");
        batch.ok(&json!({"op": "big-data", "id": id, "key": "config"}));
    }
    let all = batch.ok(&json!({"op": "images"}));
    let all = all.as_array().unwrap().len();
    assert!(all == images || all == images + 1, "{all} of {images}");
}

/// A file system of four megabytes, of which something else holds the most.
#[test]
fn a_full_file_system_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inner = program(&folder.path().join("images.redb"), &["batch"]);
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=8m tmpfs \"$0\"; \
                  head -c 4000000 /dev/zero > \"$0/ballast\"; exec \"$@\"";
    command
        .args(["-rm", "sh", "-ec", script])
        .arg(folder.path())
        .arg(inner.get_program())
        .args(inner.get_args());
    let mut batch = Batch::start(command);
    let (images, refused) = fill(&mut batch);
    assert!(images > 2, "only {images} images fit");
    assert_eq!(refused["error"]["kind"], "io", "{refused}");
    let text = refused.to_string();
    assert!(
        text.contains("No space left") || text.contains("images.redb"),
        "{refused}"
    );
    // Room again: the same process goes on after a `reopen`.
    let root = format!(
        "/proc/{}/root{}/ballast",
        batch.id(),
        folder.path().display()
    );
    std::fs::remove_file(Path::new(&root)).unwrap();
    batch.ok(&json!({"op": "reopen"}));
    check(&mut batch, images);
    batch.ok(&create("afterwards", 50_000));
    batch.ok(&json!({"op": "reopen"}));
    batch.ok(&json!({"op": "get", "id": "afterwards"}));
    batch.end();
    println!("full after {images} images: {refused}");
}

/// The same with a limit on the length of files, which any user may be under.
#[test]
fn a_limit_on_file_sizes_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("images.redb");
    let inner = program(&store, &["batch"]);
    let mut command = Command::new("sh");
    command
        // In blocks of 512 bytes.
        .args(["-ec", "trap '' XFSZ; ulimit -f 6000; exec \"$@\"", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    let mut batch = Batch::start(command);
    let (images, refused) = fill(&mut batch);
    assert!(images > 2, "only {images} images fit");
    assert_eq!(refused["error"]["kind"], "io", "{refused}");
    batch.ok(&json!({"op": "reopen"}));
    check(&mut batch, images);
    batch.end();
    // Without the limit.
    let mut batch = Batch::writer(&store);
    check(&mut batch, images);
    batch.ok(&create("afterwards", 50_000));
    batch.end();
    println!("refused after {images} images: {refused}");
}
