//! Promise: waiting for another process ends at the limit that was set, with `busy`, and the wait
//! ends as soon as the other does.

use std::thread;
use std::time::{Duration, Instant};

use image_store::{Access, Error, ErrorKind, ImageStore};
use serde_json::json;

use crate::program::Batch;

const LIMIT: Duration = Duration::from_millis(300);
/// What a busy machine may add; without a limit it would be forever.
const MUCH_LATER: Duration = Duration::from_secs(20);

#[test]
fn waits_for_another_process_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.redb");
    let mut batch = Batch::writer(&path);
    let options = ImageStore::options().lock_wait(LIMIT);
    let store = options.clone().open(&path).unwrap();
    let patient = options
        .clone()
        .lock_wait(MUCH_LATER * 2)
        .open(&path)
        .unwrap();
    batch.ok(&json!({"op": "begin"}));

    for opened in [
        store.write().map(drop),
        options.clone().open(&path).map(drop),
        options.access(Access::Exclusive).open(&path).map(drop),
    ] {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        let Error::Busy { waited, .. } = error else {
            panic!("{error:?}");
        };
        assert!(waited >= LIMIT && waited < MUCH_LATER, "{waited:?}");
    }

    // One who gave up does not stand in the way of the next, who gets the lock when it is free.
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let begun = Instant::now();
            patient.write().map(|_| begun.elapsed())
        });
        thread::sleep(LIMIT);
        batch.ok(&json!({"op": "commit"}));
        let waited = waits.join().unwrap().unwrap();
        assert!(waited < MUCH_LATER, "{waited:?}");
    });
    store.write().unwrap().commit().unwrap();
    batch.end();
}
