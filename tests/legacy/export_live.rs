//! Promise: an export into a live directory leaves just what is in the store, under the lock of the
//! engine, changes the engine's token, and writes nothing outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use image_store::legacy::{self, ExportFinding, ExportMode, ExportOptions};
use image_store::{Error, ImageStore, Lookup, ManifestDigest, NewImage};

use crate::export_support::{export, import, names, tree};
use crate::fixtures::Fixture;
use crate::holder::Holder;

/// Removes, changes and adds images of a store that came from podman.
fn change(store: &ImageStore) {
    let ids: Vec<_> = store
        .images()
        .unwrap()
        .map(|image| image.unwrap().id)
        .collect();
    store.delete(&ids[0]).unwrap();
    let digest = ManifestDigest::Sha256;
    store
        .set_big_data(&ids[1], "manifest", b"changed", digest)
        .unwrap();
    let digest = ManifestDigest::Sha256;
    store
        .set_big_data(&ids[2], "added", b"added", digest)
        .unwrap();
    store
        .create(
            NewImage::new()
                .id("new")
                .big_data("manifest", b"{}".as_slice()),
        )
        .unwrap();
}

#[test]
fn the_directory_is_what_a_new_one_would_be() {
    let fixture = Fixture::podman("A5");
    let store = import(&fixture);
    change(&store);
    let fresh = fixture.store_path().with_file_name("fresh");
    let expected = export(&store, &fresh, ExportMode::New).unwrap();
    let token = fs::read(fixture.images.join("images.lock")).unwrap();

    let summary = export(&store, &fixture.images, ExportMode::Live).unwrap();
    assert!(tree(&fixture.images) == tree(&fresh));
    assert_eq!(summary.findings, []);
    assert_eq!(
        (summary.items, summary.images),
        (expected.items, expected.images)
    );
    // The changed, the added, and the item of the new image.
    assert_eq!(summary.unchanged_items, summary.items - 3);
    let changed = fs::read(fixture.images.join("images.lock")).unwrap();
    assert!(changed.len() == 64 && changed != token);

    // The storage root with one images directory is a way to name it too.
    let root = fixture.images.parent().unwrap();
    let again = export(&store, root, ExportMode::Live).unwrap();
    assert_eq!(again.unchanged_items, again.items);
    assert!(tree(&fixture.images) == tree(&fresh));
}

#[test]
fn a_fresh_directory_and_damaged_records_are_replaced_too() {
    let source = Fixture::podman("B");
    let store = import(&source);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("images.lock"), "").unwrap();
    export(&store, folder.path(), ExportMode::Live).unwrap();
    assert!(tree(folder.path()) == tree(&source.images));

    fs::write(folder.path().join("images.json"), "[{\"id\":\"a1\"},\0\0\0").unwrap();
    for orphan in ["a1", "unknown"] {
        fs::create_dir(folder.path().join(orphan)).unwrap();
    }
    let summary = export(&store, folder.path(), ExportMode::Live).unwrap();
    let kinds: Vec<_> = summary.findings.iter().map(ExportFinding::kind).collect();
    assert_eq!(kinds, ["old-records"]);
    // What could be read was an image's; the other may be anything.
    assert!(!folder.path().join("a1").exists() && folder.path().join("unknown").exists());
}

#[test]
fn links_are_not_followed_and_what_is_in_the_way_is_named_before_anything_changes() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let fixture = Fixture::with_records(r#"[{"id":"old"}]"#).file("old/manifest", b"old");
    let store = ImageStore::open(fixture.store_path()).unwrap();
    for id in ["old", "linked"] {
        let image = NewImage::new().id(id);
        store
            .create(image.big_data("manifest", b"new".as_slice()))
            .unwrap();
    }
    symlink(outside.path(), fixture.images.join("linked")).unwrap();
    let before = fixture.json();
    let refused = export(&store, &fixture.images, ExportMode::Live).unwrap_err();
    match &refused {
        Error::Io { path, source, .. } => {
            assert!(path.ends_with("vfs-images/linked"), "{}", path.display());
            assert!(source.to_string().contains("symbolic link"), "{source}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(fixture.json(), before);
    assert_eq!(
        names(&fixture.images),
        ["images.json", "images.lock", "linked", "old"]
    );

    // A link in the place of a file is replaced itself.
    fs::remove_file(fixture.images.join("linked")).unwrap();
    fs::remove_file(fixture.images.join("old/manifest")).unwrap();
    symlink(
        outside.path().join("secret"),
        fixture.images.join("old/manifest"),
    )
    .unwrap();
    symlink(outside.path(), fixture.images.join("old/link")).unwrap();
    export(&store, &fixture.images, ExportMode::Live).unwrap();
    assert_eq!(names(&fixture.images.join("old")), ["manifest"]);
    assert_eq!(
        fs::read(fixture.images.join("old/manifest")).unwrap(),
        b"new"
    );
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");

    // Nor is a link in the place of the lock.
    fs::remove_file(fixture.images.join("images.lock")).unwrap();
    symlink(
        outside.path().join("secret"),
        fixture.images.join("images.lock"),
    )
    .unwrap();
    assert!(export(&store, &fixture.images, ExportMode::Live).is_err());
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[test]
fn an_engine_that_holds_the_lock_is_waited_for() {
    let fixture = Fixture::podman("B");
    let store = import(&fixture);
    let holder = Holder::start(&fixture.images.join("images.lock"));

    let before = tree(&fixture.images);
    let timeout = Duration::from_millis(200);
    let options = ExportOptions::default()
        .mode(ExportMode::Live)
        .lock_timeout(timeout);
    let busy = legacy::export(&store.read().unwrap(), &fixture.images, options).unwrap_err();
    match busy {
        Error::LegacyLocked { path, waited } => {
            assert!(path.ends_with("images.lock") && waited >= timeout);
        }
        other => panic!("{other}"),
    }
    assert!(tree(&fixture.images) == before);

    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        holder.end();
    });
    export(&store, &fixture.images, ExportMode::Live).unwrap();
    release.join().unwrap();
}
