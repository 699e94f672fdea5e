//! What is at a place, to compare: a store or a legacy directory, whichever it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use image_store::legacy::{self, ImportOptions};
use image_store::{ContentHash, ImageStore};

use crate::state::{State, verified};

/// The images of a store or of a legacy directory by what both keep: ID, names, and the bytes of
/// the items.
pub type Look = Option<BTreeMap<String, (Vec<String>, Items)>>;

type Items = BTreeMap<String, Option<ContentHash>>;

/// What is at `path`; `None` where nothing is. An error where it is neither whole nor absent.
pub fn look(path: &Path) -> Result<Look, String> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    if path.is_file() {
        let store = ImageStore::open(path).map_err(|error| format!("it opens not: {error:?}"))?;
        return verified(&store).map(|state| Some(essence(&state)));
    }
    let folder = tempfile::tempdir_in(crate::system::room()).unwrap();
    let store = folder.path().join("images.redb");
    let options = ImportOptions::default().lock_timeout(None).threads(1);
    let summary = legacy::import(path, &store, options)
        .map_err(|error| format!("it loads not: {error:?}"))?;
    if let Some(damage) = summary.findings.iter().find(|finding| finding.is_damage()) {
        return Err(format!("the directory is damaged: {damage}"));
    }
    let store = ImageStore::open(store).unwrap();
    verified(&store).map(|state| Some(essence(&state)))
}

fn essence(state: &State) -> BTreeMap<String, (Vec<String>, Items)> {
    let items = |image: &image_store::Image| {
        let items = image.big_data.iter();
        items
            .map(|(key, item)| (key.clone(), item.content))
            .collect()
    };
    let image =
        |image: &image_store::Image| (image.id.clone(), (image.names.clone(), items(image)));
    state.iter().map(image).collect()
}

/// The names in a folder, but for those of kept copies, of which a second try makes a second one.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names = all_names(folder);
    names.retain(|name| !is_kept_copy(name));
    names.sort();
    names
}

/// Whether there is a copy that a repair kept.
pub fn has_kept_copy(folder: &Path) -> bool {
    all_names(folder).iter().any(|name| is_kept_copy(name))
}

fn is_kept_copy(name: &str) -> bool {
    name.contains(".damaged-")
}

fn all_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}
