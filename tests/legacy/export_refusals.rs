//! Promise: what the legacy layout cannot hold is refused by name before anything is written, and
//! an export destroys nothing that is no images directory.

use std::fs;
use std::os::unix::fs::symlink;

use image_store::legacy::{self, ExportMode, ExportOptions};
use image_store::{Error, ImageStore, Lookup, ManifestDigest, NewImage};
use tempfile::TempDir;

use crate::export_support::{export, import, names};
use crate::fixtures::Fixture;

const MODES: [ExportMode; 3] = [ExportMode::New, ExportMode::Replace, ExportMode::Live];

fn store(folder: &TempDir) -> ImageStore {
    ImageStore::open(folder.path().join("images.redb")).unwrap()
}

#[test]
fn what_cannot_be_held_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    for id in ["../evil", "sub/dir", "..", "images.json", "images.lock"] {
        store.create(NewImage::new().id(id)).unwrap();
    }
    for (id, key) in [
        ("dot", "."),
        ("dots", ".."),
        ("slash", "???>>>"),
        ("nul", "x\0"),
    ] {
        store.create(NewImage::new().id(id)).unwrap();
        let digest = ManifestDigest::Sha256;
        store.set_big_data(id, key, b"bytes", digest).unwrap();
    }
    store.create(NewImage::new().id("twice")).unwrap();
    for key in ["end", "end/"] {
        let digest = ManifestDigest::Sha256;
        store.set_big_data("twice", key, b"", digest).unwrap();
    }
    store
        .create(
            NewImage::new()
                .id("good")
                .big_data("manifest", b"{}".as_slice()),
        )
        .unwrap();

    let live = folder.path().join("live");
    fs::create_dir(&live).unwrap();
    fs::write(live.join("images.json"), "[]").unwrap();
    for mode in MODES {
        let target = match mode {
            ExportMode::New => folder.path().join("new"),
            _ => live.clone(),
        };
        let mut named = Vec::new();
        let options = ExportOptions::default()
            .mode(mode)
            .on_finding(|finding| named.push((finding.kind(), finding.to_string())));
        let refused = legacy::export(&store.read().unwrap(), &target, options).unwrap_err();
        let Error::NotRepresentable { images, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(images, 10);
        let expected = [
            ("id-not-a-name", "../evil"),
            ("id-not-a-name", "sub/dir"),
            ("id-not-a-name", ".."),
            ("id-reserved", "images.json"),
            ("id-reserved", "images.lock"),
            ("key-not-a-name", "dot"),
            ("key-not-a-name", "dots"),
            ("key-with-slash", "slash"),
            ("key-not-a-name", "nul"),
            ("keys-one-file", "twice"),
        ];
        assert_eq!(named.len(), expected.len(), "{named:#?}");
        for ((kind, text), (expected_kind, id)) in named.iter().zip(expected) {
            assert_eq!(*kind, expected_kind);
            assert!(text.contains(&format!("{id:?}")), "{text}");
        }
        assert_eq!(names(folder.path()), ["images.redb", "live"]);
        assert_eq!(names(&live), ["images.json"]);
    }

    let target = folder.path().join("skipped");
    let options = ExportOptions::default().skip_unrepresentable(true);
    let summary = legacy::export(&store.read().unwrap(), &target, options).unwrap();
    assert_eq!((summary.images, summary.left_out), (1, 10));
    assert_eq!(summary.finding_count(), 10);
    assert_eq!(names(&target), ["good", "images.json", "images.lock"]);
}

/// The legacy store loads no image of a directory in which one manifest's digest is malformed.
#[test]
fn a_digest_that_keeps_the_legacy_store_from_loading_is_refused() {
    let fixture = Fixture::with_records(
        r#"[{"id":"a","digest":"sha256:cut"},
            {"id":"b","big-data-digests":{"manifest-x":"bad","config":"bad too"}},{"id":"c"}]"#,
    );
    let store = import(&fixture);
    let target = fixture.store_path().with_file_name("exported");
    let refused = export(&store, &target, ExportMode::New).unwrap_err();
    let message = refused.to_string();
    assert!(message.contains("2 of the images") && message.contains("sha256:cut"));
    assert!(message.contains("manifest-x") && !message.contains("bad too"));
    assert!(!target.exists());
}

#[test]
fn what_is_at_the_target_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("precious"), "precious").unwrap();
    symlink(&home, folder.path().join("link")).unwrap();
    fs::write(folder.path().join("file"), "precious").unwrap();
    for name in ["home", "link", "file"] {
        let target = folder.path().join(name);
        let new = export(&store, &target, ExportMode::New);
        assert!(matches!(new, Err(Error::AlreadyExists { .. })), "{name}");
        for mode in [ExportMode::Replace, ExportMode::Live] {
            let other = export(&store, &target, mode);
            assert!(matches!(other, Err(Error::LegacySource { .. })), "{name}");
        }
    }
    let missing = export(&store, &folder.path().join("none"), ExportMode::Live);
    assert!(matches!(missing, Err(Error::LegacySource { .. })));
    assert_eq!(
        names(folder.path()),
        ["file", "home", "images.redb", "link"]
    );
    assert_eq!(names(&home), ["precious"]);
}

#[test]
fn an_images_directory_is_replaced_whole() {
    let fixture = Fixture::podman("B");
    let store = import(&fixture);
    store.create(NewImage::new().id("mine")).unwrap();
    fs::write(fixture.images.join("stray"), "").unwrap();
    let beside = names(fixture.images.parent().unwrap());
    export(&store, &fixture.images, ExportMode::Replace).unwrap();
    assert!(fixture.records().len() == 2 && !fixture.images.join("stray").exists());
    assert_eq!(names(fixture.images.parent().unwrap()), beside);

    let target = fixture.store_path().with_file_name("new");
    export(&store, &target, ExportMode::Replace).unwrap();
    assert_eq!(store.len().unwrap(), 2);
    assert!(target.join("images.json").exists());
}

#[test]
fn a_directory_that_holds_the_store_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir_all(images.join("deep/er")).unwrap();
    fs::write(images.join("images.json"), "[]").unwrap();
    symlink(&images, folder.path().join("link")).unwrap();
    for path in ["images/images.redb", "images/deep/er/s", "link/linked.redb"] {
        let path = folder.path().join(path);
        let store = ImageStore::open(&path).unwrap();
        store.create(NewImage::new().id("precious")).unwrap();
        let refused = export(&store, &images, ExportMode::Replace).unwrap_err();
        assert!(matches!(refused, Error::LegacySource { .. }), "{refused:?}");
        assert!(refused.to_string().contains("move it out"), "{refused}");
        assert!(path.exists());
        // What stays where it is may.
        export(&store, &images, ExportMode::Live).unwrap();
        assert!(path.exists());
    }
    assert!(images.join("images.json").exists());
}
