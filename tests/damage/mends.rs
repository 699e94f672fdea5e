//! A repair of a damaged store, held against what the sound one says: it keeps nothing that was never
//! there, says what it could not keep, and one that cannot be made leaves the file as it is.

use image_store::{ErrorKind, ImageStore, Lookup, RepairOptions, VerifyOptions};

use crate::original::Original;

/// One damaged file of so many is repaired, too.
const ONE_OF: u64 = 16;

pub fn repair(original: &Original, damaged: &[u8], seed: u64) {
    // Each way to damage a file has its turn.
    if !(seed / 8).is_multiple_of(ONE_OF) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    std::fs::write(&path, damaged).unwrap();
    let repaired = ImageStore::options().repair(&path, &RepairOptions::new(), |_| {});
    let summary = match repaired {
        Ok(summary) => summary,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "seed {seed}: {error:?}");
            let left = std::fs::read(&path).unwrap();
            assert!(left == damaged, "seed {seed}: a refused repair changed it");
            assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "seed {seed}");
            return;
        }
    };
    let store = ImageStore::open(&path).unwrap();
    let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
    assert!(report.is_clean(), "seed {seed}: {:?}", report.findings);
    let mut complete = true;
    for image in store.images().unwrap() {
        let image = image.unwrap();
        let mut right = original.images[&image.id].clone();
        for (key, item) in &image.big_data {
            if item.content.is_none() {
                right.big_data.get_mut(key).unwrap().content = None;
                complete = false;
            }
        }
        assert!(image == right, "seed {seed}: {image:?}");
        for key in &image.big_data_names {
            match store.big_data(&image.id, key) {
                Ok(bytes) => {
                    let item = (image.id.clone(), key.clone());
                    assert!(bytes == original.items[&item], "seed {seed}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::BigDataUnknown, "seed {seed}");
                }
            }
        }
    }
    complete &= store.len().unwrap() == original.images.len() as u64;
    let told = !summary.lost.is_empty();
    assert!(complete || told, "seed {seed}: lost without a word");
}
