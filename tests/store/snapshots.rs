//! Promise: a snapshot stays as it was taken, whatever threads and processes write meanwhile, and
//! no listing ever shows a name on two images.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{
    Access, Error, Image, ImageStore, Lookup, ManifestDigest, NewImage, Prefix, Snapshot,
};

use crate::support::bytes::random_bytes;
use crate::support::child::{Child, say, wait_for_parent};
use crate::support::{Place, all_images, invariants};

const IMAGES: usize = 5;
const NAMES: [&str; 3] = ["latest", "stable", "edge"];

fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    for number in 0..IMAGES {
        let image = NewImage::new()
            .id(format!("id{number}"))
            .top_layer("layer")
            .big_data("manifest", random_bytes(number as u64, 5_000));
        transaction.create(image).unwrap();
    }
    transaction.set_names("id0", &NAMES).unwrap();
    transaction.commit().unwrap();
    place
}

/// Everything that a source shows.
#[derive(Debug, PartialEq)]
struct Seen {
    generation: u64,
    images: Vec<Image>,
    names: Vec<(String, String)>,
    bytes: Vec<Vec<u8>>,
}

fn see(lookup: &impl Lookup) -> Seen {
    let images = all_images(lookup);
    let names = lookup.names(Prefix::all()).unwrap().map(Result::unwrap);
    let bytes = images.iter().flat_map(|image| {
        let keys = image.big_data.keys();
        keys.map(|key| lookup.big_data(&image.id, key).unwrap())
    });
    Seen {
        generation: lookup.generation().unwrap(),
        names: names.map(|entry| (entry.name, entry.id)).collect(),
        bytes: bytes.collect(),
        images,
    }
}

/// Changes everything that a snapshot shows, in `rounds` transactions.
fn churn(store: &ImageStore, rounds: usize) {
    for round in 0..rounds {
        let mut transaction = store.write().unwrap();
        let id = format!("id{}", round % IMAGES);
        let data = random_bytes(round as u64, 20_000);
        transaction.delete(&id).unwrap();
        transaction.create(NewImage::new().id(&id)).unwrap();
        let digest = ManifestDigest::Sha256;
        transaction
            .set_big_data(&id, "manifest", &data, digest)
            .unwrap();
        transaction.set_names(&id, &NAMES).unwrap();
        transaction.commit().unwrap();
    }
}

/// Task `churn`: 40 transactions at the parent's word.
pub(crate) fn churn_in_child(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    say("ready");
    wait_for_parent();
    churn(&store, 40);
    say("churned");
}

/// Task `keep-snapshot`: takes a snapshot, says so, and at the parent's word sees the same in it.
pub(crate) fn keep_snapshot(path: &Path) {
    let writable = ImageStore::open(path).unwrap();
    let read_only = ImageStore::options().read_only(true).open(path).unwrap();
    let snapshots: [Snapshot; 2] = [writable.read().unwrap(), read_only.read().unwrap()];
    let seen = snapshots.each_ref().map(see);
    say("taken");
    wait_for_parent();
    for (snapshot, seen) in snapshots.iter().zip(seen) {
        assert_eq!(see(snapshot), seen);
        assert_ne!(see(&read_only), seen);
    }
    say("unchanged");
}

#[test]
fn a_snapshot_stays_while_a_thread_writes() {
    let place = filled();
    let store = place.open();
    let other_handle = place.open();
    thread::scope(|scope| {
        let snapshot = store.read().unwrap();
        let seen = see(&snapshot);
        let writer = scope.spawn(|| churn(&other_handle, 40));
        while !writer.is_finished() {
            assert_eq!(see(&snapshot), seen);
        }
        writer.join().unwrap();
        assert_eq!(see(&snapshot), seen);
        assert_eq!(see(&snapshot.clone()), seen);
        assert_ne!(see(&store), seen);
    });
    invariants::check(&place.path());
}

#[test]
fn a_snapshot_stays_while_another_process_writes() {
    let place = filled();
    let store = place.open();
    let mut child = Child::start("churn", &place.path());
    child.expect("ready");
    let snapshot = store.read().unwrap();
    let seen = see(&snapshot);
    child.say("go");
    for _ in 0..20 {
        assert_eq!(see(&snapshot), seen);
    }
    child.expect("churned");
    assert_eq!(see(&snapshot), seen);
    assert_ne!(see(&store), seen);
    child.end();
    assert_eq!(see(&snapshot), seen);
    invariants::check(&place.path());
}

#[test]
fn another_process_keeps_its_snapshot_while_this_one_writes() {
    let place = filled();
    let store = place.open();
    let mut child = Child::start("keep-snapshot", &place.path());
    child.expect("taken");
    churn(&store, 40);
    child.say("look");
    child.expect("unchanged");
    child.end();
}

#[test]
fn a_snapshot_and_its_readers_outlive_the_handle() {
    let place = filled();
    let store = place.open();
    let snapshot = store.read().unwrap();
    let seen = see(&snapshot);
    let mut listing = snapshot.images().unwrap();
    listing.next().unwrap().unwrap();
    store.close();
    churn(&place.open(), 5);
    assert_eq!(see(&snapshot), seen);
    assert_eq!(listing.map(Result::unwrap).count(), IMAGES - 1);
}

#[test]
fn a_listing_goes_on_in_the_state_it_began_in() {
    let place = filled();
    let store = place.open();
    let mut images = store.images().unwrap();
    let mut names = store.names(Prefix::all()).unwrap();
    let first = images.next().unwrap().unwrap();
    let first_name = names.next().unwrap().unwrap();
    store.wipe().unwrap();
    assert_eq!((first.id.as_str(), first_name.id.as_str()), ("id0", "id0"));
    assert_eq!(images.count(), IMAGES - 1);
    assert_eq!(names.count(), NAMES.len() - 1);
    assert!(store.is_empty().unwrap());
}

#[test]
fn images_under_one_key_are_those_of_the_call() {
    // A page has 8 rows; what is not longer is read without holding a state.
    for count in [1, 7, 8, 9, 30] {
        let place = Place::new();
        let store = place.open();
        let ids: Vec<String> = (0..count).map(|number| format!("id{number}")).collect();
        let image = |id: &str| NewImage::new().id(id).top_layer("layer").digest(DIGEST);
        for id in &ids {
            store.create(image(id)).unwrap();
        }
        let mut layered = store.by_top_layer("layer").unwrap();
        let mut digested = store.by_digest(DIGEST).unwrap();
        let first = [layered.next(), digested.next()].map(|image| image.unwrap().unwrap());
        store.create(image("later")).unwrap();
        for id in &ids {
            store.delete(id).unwrap();
        }
        let [layered, digested] = [
            ids_of(first[0].clone(), layered),
            ids_of(first[1].clone(), digested),
        ];
        assert_eq!((layered, digested), (ids.clone(), ids));
        assert_eq!(store.by_top_layer("layer").unwrap().count(), 1);
        assert_eq!(store.by_digest(DIGEST).unwrap().count(), 1);
    }
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn ids_of(first: Image, rest: impl Iterator<Item = image_store::Result<Image>>) -> Vec<String> {
    let rest = rest.map(Result::unwrap);
    std::iter::once(first)
        .chain(rest)
        .map(|image| image.id)
        .collect()
}

/// Longer than what is read in one thread.
const LONG: usize = 5_000;

fn long() -> Place {
    let place = Place::new();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    for number in 0..LONG {
        let image = NewImage::new()
            .id(format!("id{number}"))
            .name(format!("n{number}"))
            .digest(digest(number));
        transaction.create(image).unwrap();
    }
    transaction.commit().unwrap();
    place
}

fn digest(number: usize) -> String {
    format!("sha256:{number:064}")
}

/// All digests of [`long`], in their order, with the images that have them.
fn digests() -> impl Iterator<Item = (String, String)> {
    (0..LONG).map(|number| (digest(number), format!("id{number}")))
}

#[test]
fn a_long_listing_goes_on_in_the_state_it_began_in() {
    let place = long();
    let store = place.open();
    let ids = || (0..LONG).map(|number| format!("id{number}"));
    let transaction = store.write().unwrap();
    assert!(
        all_images(&transaction)
            .into_iter()
            .map(|image| image.id)
            .eq(ids())
    );
    drop(transaction);
    let listings = [0, 1_000, 2_500].map(|read| {
        let mut images = store.images().unwrap();
        let first: Vec<Image> = images.by_ref().take(read).map(Result::unwrap).collect();
        (first, images)
    });
    let mut sorted: Vec<String> = ids().collect();
    sorted.sort_unstable();
    let name = |id: &String| id.replace("id", "n");
    let names: Vec<(String, String)> = sorted.iter().map(|id| (name(id), id.clone())).collect();
    let mut by_key = (
        store.ids(Prefix::all()).unwrap(),
        store.names(Prefix::all()).unwrap(),
        store.digests(Prefix::all()).unwrap(),
    );
    let first = (by_key.0.next(), by_key.1.next(), by_key.2.next());
    store.wipe().unwrap();
    let (all_ids, all_names, all_digests) = (
        first.0.into_iter().chain(by_key.0).map(Result::unwrap),
        first.1.into_iter().chain(by_key.1).map(Result::unwrap),
        first.2.into_iter().chain(by_key.2).map(Result::unwrap),
    );
    assert!(all_ids.eq(sorted.iter().cloned()));
    assert!(all_names.map(|entry| (entry.name, entry.id)).eq(names));
    assert!(
        all_digests
            .map(|entry| (entry.digest, entry.id))
            .eq(digests())
    );
    for (mut images, rest) in listings {
        images.extend(rest.map(Result::unwrap));
        assert!(images.iter().map(|image| image.id.clone()).eq(ids()));
        assert!(
            images
                .iter()
                .all(|image| !image.read_only && image.names.len() == 1)
        );
    }
    assert_eq!(store.images().unwrap().count(), 0);
}

#[test]
fn a_long_listing_that_is_dropped_leaves_nothing_open() {
    let place = long();
    let options = ImageStore::options()
        .access(Access::Exclusive)
        .lock_wait(Duration::ZERO);
    for read in (0..LONG).step_by(250) {
        let store = options.clone().open(place.path()).unwrap();
        let snapshot = store.read().unwrap();
        let mut images = snapshot.images().unwrap();
        assert_eq!(images.by_ref().take(read).count(), read);
        store.close();
        let error = options.clone().open(place.path()).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        drop(images);
        drop(snapshot);
    }
}

/// Moves all names from image to image until it is told to stop; returns how often.
fn move_names(store: &ImageStore, go_on: impl Fn() -> bool) -> u64 {
    let mut moves = 0;
    while go_on() {
        let id = format!("id{}", moves % IMAGES as u64);
        store.add_names(&id, &NAMES).unwrap();
        moves += 1;
    }
    moves
}

/// Task `move-names`: for one and a half seconds.
pub(crate) fn move_names_in_child(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    say("ready");
    let end = Instant::now() + Duration::from_millis(1_500);
    let moves = move_names(&store, || Instant::now() < end);
    assert!(moves > 0);
    say("moved");
}

/// Each name is on one image, in the images and in the listing of names alike.
fn assert_each_name_once(lookup: &impl Lookup) {
    let mut holders: BTreeMap<String, String> = BTreeMap::new();
    for image in all_images(lookup) {
        for name in &image.names {
            let twice = holders.insert(name.clone(), image.id.clone());
            assert_eq!(twice, None, "{name:?} is on {:?} too", image.id);
        }
    }
    assert_eq!(holders.len(), NAMES.len(), "a name is on no image");
    let listed = lookup.names(Prefix::all()).unwrap().map(Result::unwrap);
    let mut listed: Vec<_> = listed.map(|entry| entry.name).collect();
    listed.dedup();
    assert_eq!(listed.len(), NAMES.len());
}

#[test]
fn no_listing_shows_a_name_on_two_images_while_names_move() {
    let place = filled();
    let store = place.open();
    let reader = ImageStore::options()
        .read_only(true)
        .open(place.path())
        .unwrap();
    let child = Child::start("move-names", &place.path());
    child.expect("ready");
    let moving = AtomicBool::new(true);
    thread::scope(|scope| {
        let mover = scope.spawn(|| move_names(&store, || moving.load(Ordering::Relaxed)));
        let end = Instant::now() + Duration::from_millis(1_500);
        while Instant::now() < end {
            assert_each_name_once(&store);
            assert_each_name_once(&reader);
            let snapshot = reader.read().unwrap();
            assert_each_name_once(&snapshot);
            let seen = see(&snapshot);
            let named: Vec<&Image> = seen.images.iter().filter(|i| !i.names.is_empty()).collect();
            assert_eq!(named.len(), 1, "they move together");
            assert!(seen.names.iter().all(|(_, id)| *id == named[0].id));
        }
        child.expect("moved");
        moving.store(false, Ordering::Relaxed);
        assert!(mover.join().unwrap() > 0);
    });
    child.end();
    invariants::check(&place.path());
}
