//! Promise: a new store appears whole, with mode 0600, however many create it at once, and nothing
//! is left beside it but what a live builder still needs.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use image_store::{Access, ErrorKind, ImageStore, Lookup as _, NewImage};

use crate::support::child::{Child, say, wait_for_parent};
use crate::support::{Place, invariants};

#[test]
fn a_new_store_is_for_its_owner_alone() {
    for access in [Access::Shared, Access::Exclusive] {
        let place = Place::new();
        let store = ImageStore::options().access(access).open(place.path());
        let mode = fs::metadata(place.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(place.entries(), ["images.redb"]);
        drop(store);
        assert_eq!(place.entries(), ["images.redb"]);
        assert!(invariants::check(&place.path()).is_empty());
    }
}

#[test]
fn a_relative_path_is_enough() {
    let place = Place::new();
    let child = Child::start_in("create", Path::new("images.redb"), &place.folder());
    child.expect("ready");
    child.end();
    assert_eq!(place.entries(), ["images.redb"]);
    assert_eq!(place.open().len().unwrap(), 1);
}

/// Task `create`: opens the store at the parent's word and adds an image.
pub(crate) fn create(path: &Path) {
    say("ready");
    wait_for_parent();
    let store = ImageStore::open(path).unwrap();
    store.create(NewImage::new()).unwrap();
}

#[test]
fn many_threads_create_one_store() {
    for _ in 0..10 {
        let place = Place::in_memory();
        let threads = 8;
        let start = Barrier::new(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    start.wait();
                    place.open().create(NewImage::new()).unwrap();
                });
            }
        });
        assert_eq!(place.entries(), ["images.redb"]);
        assert_eq!(invariants::check(&place.path()).len(), threads);
    }
}

#[test]
fn many_processes_create_one_store() {
    let place = Place::new();
    let mut children: Vec<Child> = (0..6)
        .map(|_| Child::start("create", &place.path()))
        .collect();
    for child in &children {
        child.expect("ready");
    }
    for child in &mut children {
        child.say("go");
    }
    children.into_iter().for_each(Child::end);
    assert_eq!(place.entries(), ["images.redb"]);
    assert_eq!(invariants::check(&place.path()).len(), 6);
}

#[test]
fn what_dead_builders_left_goes_and_the_rest_stays() {
    let place = Place::new();
    let beside = |name: &str| place.folder().join(name);
    fs::write(beside(".images.redb.new-dead"), "half a store").unwrap();
    fs::write(beside(".images.redb.new-dead2"), "").unwrap();
    let live = File::create(beside(".images.redb.new-live")).unwrap();
    live.lock().unwrap();
    fs::write(beside(".other.redb.new-dead"), "of another store").unwrap();
    fs::create_dir(beside(".images.redb.new-folder")).unwrap();
    fs::write(beside("images.redb.new-mine"), "no leftover").unwrap();

    place.open();
    let expected = [
        ".images.redb.new-folder",
        ".images.redb.new-live",
        ".other.redb.new-dead",
        "images.redb",
        "images.redb.new-mine",
    ];
    assert_eq!(place.entries(), expected);
}

#[test]
fn an_existing_store_is_never_replaced() {
    let place = Place::new();
    place.open().create(NewImage::new().id("kept")).unwrap();
    for _ in 0..3 {
        assert!(place.open().exists("kept").unwrap());
    }
}

#[test]
fn a_missing_folder_is_named_with_what_to_do() {
    let place = Place::new();
    let folder = place.folder().join("none");
    let error = ImageStore::open(folder.join("images.redb")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(
        error.to_string(),
        format!(
            "there is no folder {}; create it first, or choose another path",
            folder.display()
        )
    );
}
