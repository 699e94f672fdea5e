//! Promise: whatever is killed, what was acknowledged is there, and no reader ever sees half an
//! image or one name on two images.
//!
//! `IMAGE_STORE_DRILL_SECONDS` sets how long it goes on (20).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{Error, ImageStore, Lookup, VerifyOptions};
use serde_json::{Value, json};

use crate::program::{Batch, Dead, create, program};

const WRITERS: usize = 3;

#[derive(Default)]
struct Counts {
    commits: AtomicUsize,
    kills: AtomicUsize,
    looks: AtomicUsize,
}

/// What one writer knows of its images: the metadata, `None` of one that was deleted.
type Known = BTreeMap<String, Option<String>>;

#[test]
fn kills_lose_nothing_and_show_nothing_half_done() {
    let seconds = std::env::var("IMAGE_STORE_DRILL_SECONDS");
    let seconds = seconds.map_or(20, |text| text.parse().expect("a number of seconds"));
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("images.redb");
    let end = Instant::now() + Duration::from_secs(seconds);
    let counts = Counts::default();
    let known = thread::scope(|scope| {
        let (store, counts) = (store.as_path(), &counts);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                scope.spawn(move || write(store, || Batch::writer(store), number, end, counts))
            })
            .collect();
        let readers = [
            scope.spawn(|| look(store, end, counts)),
            scope.spawn(|| look_on(store, end, counts)),
        ];
        for reader in readers {
            reader.join().unwrap();
        }
        let known = writers.into_iter().map(|writer| writer.join().unwrap());
        known.flatten().collect::<Known>()
    });
    let report = ImageStore::open(&store)
        .unwrap()
        .verify(&VerifyOptions::new(), |_| {})
        .unwrap();
    assert!(report.is_clean() && report.engine_checked, "{report:?}");
    let alive = assert_all_there(&store, &known);
    println!(
        "{} acknowledged commits, {} kills, {} looks by readers; {alive} images at the end",
        counts.commits.load(Ordering::Relaxed),
        counts.kills.load(Ordering::Relaxed),
        counts.looks.load(Ordering::Relaxed),
    );
    assert!(counts.kills.into_inner() > 10 && counts.looks.into_inner() > 10);
}

/// Everything that was acknowledged is there, and nothing else; gives how many images.
fn assert_all_there(store: &Path, known: &Known) -> u64 {
    let store = ImageStore::options().read_only(true).open(store).unwrap();
    for (id, metadata) in known {
        match metadata {
            Some(metadata) => assert_eq!(store.metadata(id).unwrap(), *metadata, "{id}"),
            None => assert!(!store.exists(id).unwrap(), "{id} is back"),
        }
    }
    let alive = known.values().flatten().count() as u64;
    assert_eq!(store.len().unwrap(), alive);
    alive
}

/// The same with one writer that keeps the store to itself, and so uses a redo log, while readers
/// come in between its lives and recover what it left.
#[test]
fn kills_of_an_exclusive_writer_lose_nothing() {
    let seconds = std::env::var("IMAGE_STORE_DRILL_SECONDS");
    let seconds: u64 = seconds.map_or(20, |text| text.parse().expect("a number of seconds"));
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("images.redb");
    let counts = Counts::default();
    let end = Instant::now() + Duration::from_secs(seconds / 2);
    let start = || Batch::start(program(&store, &["batch", "--exclusive"]));
    let known = write(&store, start, 0, end, &counts);
    let report = ImageStore::open(&store)
        .unwrap()
        .verify(&VerifyOptions::new(), |_| {})
        .unwrap();
    assert!(report.is_clean() && report.engine_checked, "{report:?}");
    assert_all_there(&store, &known);
    println!(
        "{} acknowledged commits, {} kills",
        counts.commits.load(Ordering::Relaxed),
        counts.kills.load(Ordering::Relaxed),
    );
    assert!(counts.kills.into_inner() > 5);
}

/// Starts a writer, lets it work and kills it, again and again.
fn write(
    store: &Path,
    start: impl Fn() -> Batch,
    number: usize,
    end: Instant,
    counts: &Counts,
) -> Known {
    let mut known = Known::new();
    let mut next = 0;
    while Instant::now() < end {
        let mut batch = start();
        let lives = Duration::from_micros(rand::random_range(1_000..300_000));
        let killer = {
            let process = rustix::process::Pid::from_raw(batch.id() as i32).unwrap();
            thread::spawn(move || {
                thread::sleep(lives);
                // Not waited for yet, so the number is still its own.
                rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
            })
        };
        let unsure = loop {
            let (id, request, after) = operation(number, &mut next, &known);
            match batch.ask(&request) {
                Ok(reply) => {
                    assert!(reply.get("ok").is_some(), "{request}: {reply}");
                    counts.commits.fetch_add(1, Ordering::Relaxed);
                    known.insert(id, after);
                }
                Err(Dead) => break (id, after),
            }
        };
        killer.join().unwrap();
        batch.kill();
        counts.kills.fetch_add(1, Ordering::Relaxed);
        settle(store, unsure, &mut known);
    }
    known
}

/// What it was asked for last was done, or nothing of it was.
///
/// A reader may still see the state before a commit whose process died on the last steps of it; the
/// next writer decides, so this looks as a writer.
fn settle(store: &Path, (id, after): (String, Option<String>), known: &mut Known) {
    let store = ImageStore::open(store).unwrap();
    let decided = store.write().unwrap();
    let found = decided.exists(&id).unwrap();
    let found = found.then(|| decided.metadata(&id).unwrap());
    let before = known.get(&id).cloned().flatten();
    assert!(
        found == before || found == after,
        "{id}: {found:?}, {before:?}, {after:?}"
    );
    if known.contains_key(&id) || found.is_some() {
        known.insert(id, found);
    }
}

fn operation(number: usize, next: &mut usize, known: &Known) -> (String, Value, Option<String>) {
    let mut alive = known
        .iter()
        .filter(|(_, metadata)| metadata.is_some())
        .map(|(id, _)| id);
    let some = alive.nth(rand::random_range(0..20)).cloned();
    match (rand::random_range(0..10), some) {
        (0..2, Some(id)) => (id.clone(), json!({"op": "delete", "id": id}), None),
        (2..4, Some(id)) => {
            *next += 1;
            let metadata = next.to_string();
            let request = json!({"op": "set-metadata", "id": id, "metadata": metadata});
            (id, request, Some(metadata))
        }
        (4..7, Some(id)) => {
            // All writers want the same few names.
            let name = format!("localhost/wanted:{}", rand::random_range(0..4));
            let metadata = known[&id].clone();
            (
                id.clone(),
                json!({"op": "add-names", "id": id, "names": [name]}),
                metadata,
            )
        }
        _ => {
            *next += 1;
            // Of one length, so that none is a prefix of another.
            let id = format!("writer-{number}-{next:06}");
            let length = [100, 3_000, 30_000, 150_000][rand::random_range(0..4)];
            (id.clone(), create(&id, length), Some("0".to_owned()))
        }
    }
}

/// Opens read-only again and again and looks at everything.
fn look(store: &Path, end: Instant, counts: &Counts) {
    let mut seen = false;
    while Instant::now() < end {
        match ImageStore::options().read_only(true).open(store) {
            Ok(opened) => {
                whole(&opened);
                counts.looks.fetch_add(1, Ordering::Relaxed);
                seen = true;
            }
            Err(Error::NotFound { .. }) if !seen => {}
            Err(error) => panic!("a read-only open failed: {error:?}"),
        }
    }
}

/// Looks through one handle for as long as it goes on.
fn look_on(store: &Path, end: Instant, counts: &Counts) {
    let opened = ImageStore::open(store).unwrap();
    while Instant::now() < end {
        whole(&opened);
        counts.looks.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(5));
    }
}

/// On one snapshot, every image has all its bytes, and each name belongs to one image.
fn whole(store: &ImageStore) {
    let snapshot = store.read().unwrap();
    let mut holders = HashMap::new();
    for image in snapshot.images().unwrap() {
        let image = image.unwrap();
        for key in ["manifest", "config"] {
            let bytes = snapshot.big_data(&image.id, key).unwrap();
            assert!(!bytes.is_empty(), "{key} of {}", image.id);
        }
        for name in &image.names {
            assert_eq!(snapshot.get(name).unwrap().id, image.id);
            let other = holders.insert(name.clone(), image.id.clone());
            assert!(other.is_none(), "{name} is on {other:?} and {}", image.id);
        }
    }
}
