//! What pins the room of a file is seen: pages that a kept snapshot holds are counted, and given back
//! after it is dropped.

use image_store::{ImageStore, ManifestDigest};

use crate::damage::{noise, store};

#[test]
fn a_kept_snapshot_is_seen_to_make_the_file_grow() {
    let (_dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    let write = |round: u8| {
        let bytes = [noise(50_000), vec![round]].concat();
        store
            .set_big_data("one", "large", &bytes, ManifestDigest::Sha256)
            .unwrap();
    };
    for round in 0..20 {
        write(round);
    }
    let before = store.stats().unwrap();

    let kept = store.read().unwrap();
    for round in 20..60 {
        write(round);
    }
    let during = store.stats().unwrap();
    // Forty rounds, of which each wrote 50 KB that none later needs.
    assert!(
        during.kept_bytes > before.kept_bytes.map(|kept| kept + 39 * 50_000),
        "{during:?}"
    );
    assert!(during.used_bytes < before.used_bytes + 50_000);

    drop(kept);
    for round in 60..64 {
        write(round);
    }
    let after = store.stats().unwrap();
    assert!(
        after.kept_bytes < before.kept_bytes.map(|kept| kept + 4 * 50_000),
        "{after:?}"
    );
}
