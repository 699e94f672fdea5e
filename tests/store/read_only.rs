//! Promise: through a store that was opened read-only nothing can be changed, and reading it writes
//! neither to its file nor to its folder.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use image_store::{Access, Error, ErrorKind, ImageStore, Lookup, ManifestDigest, NewImage, Prefix};

use crate::support::bytes::random_bytes;
use crate::support::{Place, all_images};

fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    for number in 0..20 {
        let image = NewImage::new()
            .id(format!("id{number}"))
            .name(format!("name{number}"))
            .top_layer("layer")
            .big_data("manifest", random_bytes(number % 3, 3_000))
            .big_data("index", random_bytes(number, 100_000));
        store.create(image).unwrap();
    }
    place
}

fn read_only(place: &Place) -> ImageStore {
    let options = ImageStore::options().read_only(true);
    options.open(place.path()).unwrap()
}

/// What the system knows of a file or folder.
fn state(path: &Path) -> (u64, u64, u32, i64, i64, i64, i64) {
    let metadata = fs::metadata(path).unwrap();
    (
        metadata.ino(),
        metadata.size(),
        metadata.mode(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[test]
fn every_mutation_is_refused_before_anything_else() {
    let place = filled();
    let store = read_only(&place);
    let none: [&str; 0] = [];
    let digest = ManifestDigest::Missing;
    let mut input = std::io::empty();
    // What each is asked to do would fail in other ways too.
    let refused = [
        store.write().map(drop),
        store.create(NewImage::new().id("id1")).map(drop),
        store.set_names("unknown", &none),
        store.add_names("unknown", &none),
        store.remove_names("unknown", &none),
        store.delete("unknown"),
        store.add_mapped_top_layer("unknown", ""),
        store.remove_mapped_top_layer("unknown", ""),
        store.set_metadata("unknown", ""),
        store.set_big_data("unknown", "", b"", digest),
        store.set_big_data_from("unknown", "", &mut input, digest),
        store.set_flag("unknown", "", true.into()),
        store.clear_flag("unknown", ""),
        store.collect_garbage().map(drop),
        store.wipe().map(drop),
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        assert!(matches!(error, Error::ReadOnly { path } if path == place.path()));
    }
}

#[test]
fn images_say_that_they_are_read_only() {
    let place = filled();
    assert!(
        all_images(&place.open())
            .iter()
            .all(|image| !image.read_only)
    );
    let store = read_only(&place);
    assert!(store.is_read_only());
    assert!(store.get("name7").unwrap().read_only);
    assert!(all_images(&store).iter().all(|image| image.read_only));
    let layered = store.by_top_layer("layer").unwrap();
    assert!(layered.map(Result::unwrap).all(|image| image.read_only));
}

fn read_everything(store: &ImageStore) {
    let snapshot = store.read().unwrap();
    for image in all_images(&snapshot) {
        for key in image.big_data.keys() {
            assert!(store.exists(&image.names[0]).unwrap());
            assert!(!snapshot.big_data(&image.id, key).unwrap().is_empty());
            let mut reader = store.big_data_reader(&image.id, key).unwrap();
            assert!(reader.read_to_end(&mut Vec::new()).unwrap() > 0);
        }
        for digest in &image.digests {
            assert!(store.by_digest(digest).unwrap().count() > 0);
        }
    }
    assert_eq!(snapshot.ids(Prefix::all()).unwrap().count(), 20);
    assert_eq!(snapshot.names(Prefix::new("name")).unwrap().count(), 20);
    assert_eq!(snapshot.digests(Prefix::all()).unwrap().count(), 20);
    assert!(store.get("i").is_err());
}

#[test]
fn reading_leaves_file_and_folder_as_they_were() {
    let place = filled();
    let bytes = fs::read(place.path()).unwrap();
    let before = (state(&place.path()), state(&place.folder()));
    for _ in 0..5 {
        let store = read_only(&place);
        let same = ImageStore::options().access(Access::ReadOnly);
        let same = same.open(place.path()).unwrap();
        read_everything(&store);
        read_everything(&same);
        store.close();
        read_everything(&same);
    }
    assert_eq!((state(&place.path()), state(&place.folder())), before);
    assert!(fs::read(place.path()).unwrap() == bytes);
    assert_eq!(place.entries(), ["images.redb"]);
}

#[test]
fn a_reader_sees_what_a_writer_beside_it_commits() {
    let place = filled();
    let reader = read_only(&place);
    let writer = place.open();
    let snapshot = reader.read().unwrap();
    writer.create(NewImage::new().id("new")).unwrap();
    assert!(reader.exists("new").unwrap());
    assert!(!snapshot.exists("new").unwrap());
    assert!(read_only(&place).exists("new").unwrap());
}
