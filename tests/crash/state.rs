//! What a store holds, to compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use image_store::{ContentHash, Image, ImageStore, Lookup, Result, VerifyOptions};

/// All images with all they have. The bytes of the items are in it through their hashes, which
/// [`verified`] checks.
pub type State = Arc<Vec<Image>>;

pub fn state(store: &ImageStore) -> Result<State> {
    store.images()?.collect::<Result<Vec<_>>>().map(Arc::new)
}

/// The state, once records, indexes, reference counts and bytes agree with each other.
pub fn verified(store: &ImageStore) -> Result<State, String> {
    let said = |error: image_store::Error| format!("{error:?}");
    let snapshot = store.read().map_err(said)?;
    let options = VerifyOptions::new().engine(false);
    let report = snapshot.verify(&options, |_| {}).map_err(said)?;
    if !report.is_clean() {
        return Err(format!("verify: {:?}", report.findings));
    }
    let state = state(store).map_err(said)?;
    // Not on the word of `verify` alone: names are unique, every lookup leads to its image, and
    // every item is read as a caller reads it.
    let mut holders = BTreeMap::new();
    for image in state.iter() {
        for name in &image.names {
            if let Some(other) = holders.insert(name, &image.id) {
                return Err(format!("{name} is a name of {other} and of {}", image.id));
            }
            let found = snapshot.get(name).map_err(said)?.id;
            // An ID wins over a name.
            if found != image.id && found != *name {
                return Err(format!("{name} does not lead to {}", image.id));
            }
        }
        for digest in &image.digests {
            let mut found = snapshot.by_digest(digest).map_err(said)?;
            if !found.any(|found| found.is_ok_and(|found| found.id == image.id)) {
                return Err(format!("{digest} does not lead to {}", image.id));
            }
        }
        for (key, item) in &image.big_data {
            // Of some items a legacy directory had no bytes.
            if item.content.is_none() {
                continue;
            }
            let bytes = snapshot.big_data(&image.id, key).map_err(said)?;
            if Some(ContentHash::of(&bytes)) != item.content {
                return Err(format!("the bytes of {key} of {} are others", image.id));
            }
        }
    }
    Ok(state)
}
