//! Promise: an import that fails leaves nothing, and one that succeeds leaves the source as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use image_store::Error;
use image_store::legacy::{self, ImportOptions};

use crate::fixtures::Fixture;

fn import(fixture: &Fixture) -> Result<legacy::ImportSummary, Error> {
    let options = ImportOptions::default();
    legacy::import(&fixture.images, &fixture.store_path(), options)
}

#[test]
fn records_that_cannot_be_read_leave_nothing_and_are_told_with_their_place() {
    for (json, place) in [
        (r#"[{"id":"a"},{"id":5}]"#, (1, 19, 18)),
        ("[{\"id\":\"a\"},\n{\"id\":", (2, 7, 19)),
        ("[{\"id\":\"a\"}]\0", (1, 13, 12)),
        ("{}", (1, 1, 0)),
    ] {
        let fixture = Fixture::with_records(json);
        match import(&fixture).unwrap_err() {
            Error::LegacyRecords {
                path,
                line,
                column,
                offset,
                ..
            } => {
                assert_eq!((line, column, offset), place, "{json}");
                assert_eq!(path, fixture.images.join("images.json"));
            }
            other => panic!("{json}: {other}"),
        }
        assert_eq!(fixture.beside(), [""; 0], "{json}");
    }
}

#[test]
fn what_is_at_the_destination_is_left_alone() {
    let fixture = Fixture::with_records("[]");
    fs::write(fixture.store_path(), "precious").unwrap();
    assert!(matches!(import(&fixture), Err(Error::AlreadyExists { .. })));
    assert_eq!(fs::read(fixture.store_path()).unwrap(), b"precious");
    assert_eq!(fixture.beside(), ["images.redb"]);
}

#[test]
fn a_source_that_is_none_is_refused_before_anything_is_made() {
    let fixture = Fixture::with_records("[]");
    for source in [fixture.images.join("nothing"), fixture.images.join("empty")] {
        let _ = fs::create_dir(fixture.images.join("empty"));
        let options = ImportOptions::default();
        assert!(legacy::import(&source, &fixture.store_path(), options).is_err());
    }
    assert_eq!(fixture.beside(), [""; 0]);
}

#[test]
fn the_source_is_not_written_to() {
    let fixture = Fixture::podman("E");
    let before = state(&fixture.images);
    import(&fixture).unwrap();
    assert_eq!(state(&fixture.images), before);
}

#[test]
fn a_storage_root_and_the_file_itself_are_sources_too() {
    let fixture = Fixture::podman("B");
    let root = fixture.images.parent().unwrap();
    for source in [root.to_owned(), fixture.images.join("images.json")] {
        let options = ImportOptions::default();
        let summary = legacy::import(&source, &fixture.store_path(), options).unwrap();
        assert_eq!(summary.images, 1);
        assert!(summary.items > 0 && summary.findings.is_empty());
        fs::remove_file(fixture.store_path()).unwrap();
    }
}

/// When everything below `folder` was written last.
fn state(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut state = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            state.insert(path, metadata.modified().unwrap());
        }
        state.insert(
            folder.clone(),
            folder.metadata().unwrap().modified().unwrap(),
        );
    }
    state
}
