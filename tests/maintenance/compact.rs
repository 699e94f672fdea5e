//! A compaction gives back room and keeps everything else.

use std::time::Duration;

use image_store::{ErrorKind, ImageStore, Lookup, NewImage};

use crate::damage::{noise, store};

#[test]
fn gains_room_and_loses_nothing() {
    let (_dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    for n in 0..40_u8 {
        let bytes = [noise(60_000), vec![n]].concat();
        store
            .create(NewImage::new().id(format!("x{n}")).big_data("b", bytes))
            .unwrap();
    }
    for n in (0..40).step_by(2) {
        store.delete(&format!("x{n}")).unwrap();
    }
    store.close();
    let summary = ImageStore::options().compact(&path).unwrap();
    assert!(
        summary.length_after * 3 < summary.length_before * 2,
        "{summary:?}"
    );
    let store = ImageStore::open(&path).unwrap();
    assert_eq!(store.len().unwrap(), 23);
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

#[test]
fn is_refused_while_another_has_the_store_open() {
    let (_dir, path) = store();
    let _in_use = ImageStore::open(&path).unwrap();
    let options = ImageStore::options().lock_wait(Duration::from_millis(50));
    assert_eq!(options.compact(&path).unwrap_err().kind(), ErrorKind::Busy);
}
