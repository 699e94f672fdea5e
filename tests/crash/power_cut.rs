//! Promise: after a power cut at any moment, every operation that was acknowledged is there, none
//! is there in part, and all of the store agrees with itself.
//!
//! Operations run on a disk that remembers every write, sync and change of length. For each sync
//! the disk is rebuilt as a power cut may have left it: with none, all, some, in any order, or torn
//! pieces of what was not synced. Each is opened, as a program would open it.
//!
//! `IMAGE_STORE_CRASH_IMAGES` sets how many disks are tried (20,000), `IMAGE_STORE_CRASH_SEED`
//! where the random choices begin.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image_store::legacy::{self, Existing, ImportOptions, OnConflict};
use image_store::{Access, ImageStore, NewImage};

use crate::disk::{Bytes, Cut, Disk, Event, Moment, Part, moments};
use crate::place::{Place, new_store, on};
use crate::state::{State, state, verified};
use crate::workload::{Step, workload, write_directory};

/// The operations of one run, and the states between them.
struct Recording {
    access: Access,
    seed: u64,
    /// The state after so many operations.
    states: Vec<State>,
    moments: Vec<Moment>,
}

/// Who looks at the store while it is written to. In exclusive access it commits when somebody does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    AfterEachStep,
    Never,
}

fn record(seed: u64, access: Access, looks: Looks, steps: &[Step]) -> Recording {
    record_from(new_store(), seed, access, looks, steps, |log| log)
}

/// The same on a store of schema 1 with a redo log, which has to be migrated first.
fn record_migration(seed: u64, access: Access, steps: &[Step]) -> Recording {
    let kept = |file: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stores");
        std::fs::read(folder.join(file)).unwrap()
    };
    let start = Bytes {
        store: kept("schema-1-killed.redb"),
        redo: kept("schema-1-killed.redb-redo"),
    };
    let recording = record_from(start, seed, access, Looks::AfterEachStep, steps, |log| log);
    assert_eq!(recording.states[0].len(), 11);
    recording
}

fn record_from(
    start: Bytes,
    seed: u64,
    access: Access,
    looks: Looks,
    steps: &[Step],
    change: impl FnOnce(Vec<Event>) -> Vec<Event>,
) -> Recording {
    let mut states = Vec::new();
    let place = Place::of(&start);
    let twin = Disk::new(start.clone());
    perform(&twin, &place, access, steps, |_, store| {
        states.push(state(store).unwrap());
    });
    let disk = Disk::recording(start.clone());
    let place = Place::of(&start);
    let store = perform(&disk, &place, access, steps, |done, store| {
        if looks == Looks::AfterEachStep {
            assert_eq!(state(store).unwrap(), states[done]);
        }
        disk.record(Event::Acknowledged(done));
    });
    if looks == Looks::AfterEachStep {
        verified(&store).unwrap();
    }
    store.close();
    disk.record(Event::Sync(Part::Store));
    Recording {
        access,
        seed,
        states,
        moments: moments(start, &change(disk.take_log())),
    }
}

/// Does all steps, and calls `after` with how many are done: none, and after each.
fn perform(
    disk: &Disk,
    place: &Place,
    access: Access,
    steps: &[Step],
    mut after: impl FnMut(usize, &ImageStore),
) -> ImageStore {
    let open = || on(disk, access).open(&place.path).unwrap();
    let mut store = open();
    after(0, &store);
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Do(_) => step.run(&store).unwrap(),
            Step::Reopen => {
                store.close();
                store = open();
            }
            Step::Import(images) => {
                store.close();
                let folder = tempfile::tempdir().unwrap();
                write_directory(folder.path(), images);
                let options = ImportOptions::default()
                    .existing(Existing::Merge(OnConflict::Replace))
                    .threads(1)
                    .engine(on(disk, access));
                legacy::import(folder.path(), &place.path, options).unwrap();
                store = open();
            }
            Step::Compact => {
                store.close();
                on(disk, access).compact(&place.path).unwrap();
                store = open();
            }
        }
        after(index + 1, &store);
    }
    store
}

impl Recording {
    /// What may be there at a moment: all that was acknowledged, and the next one or not.
    fn allowed(&self, moment: &Moment) -> &[State] {
        let from = moment.acknowledged;
        &self.states[from..(from + 2).min(self.states.len())]
    }

    /// Opens the disk that a power cut left and checks it; gives what opening did to it.
    fn check(
        &self,
        moment: &Moment,
        image: Bytes,
        place: &Place,
        more: bool,
    ) -> Result<Vec<Event>, String> {
        let disk = Disk::recording(image);
        place.put_redo();
        // A crash of one access may be mended by the other.
        let access = match self.access {
            Access::Exclusive if moment.event.is_multiple_of(3) => Access::Shared,
            access => access,
        };
        let store = on(&disk, access)
            .open(&place.path)
            .map_err(|error| format!("it does not open: {error:?}"))?;
        let found = verified(&store)?;
        if !self.allowed(moment).contains(&found) {
            let at = self.states.iter().position(|state| *state == found);
            return Err(format!(
                "{} operations were acknowledged, and the state is that after {at:?}",
                moment.acknowledged
            ));
        }
        let opening = disk.take_log();
        if more {
            usable(store, &disk, place, access)?;
        }
        Ok(opening)
    }
}

/// A store that was recovered can be written to, closed, opened, and satisfies the engine's check.
fn usable(store: ImageStore, disk: &Disk, place: &Place, access: Access) -> Result<(), String> {
    let said = |error: image_store::Error| format!("after recovery: {error:?}");
    // As many as it takes for a new redo log to be used.
    for number in 0..4 {
        let new = NewImage::new()
            .id(format!("afterwards {number}"))
            .big_data("config", vec![number; 10_000]);
        store.create(new).map_err(said)?;
    }
    let before = verified(&store)?;
    store.close();
    let mut engine = redb::Builder::new()
        .create_with_backend(disk.clone())
        .map_err(|error| format!("the engine does not open it: {error:?}"))?;
    if !engine
        .check_integrity()
        .map_err(|error| format!("{error:?}"))?
    {
        return Err("the engine's own check found something".to_owned());
    }
    drop(engine);
    let store = on(disk, access).open(&place.path).map_err(said)?;
    if verified(&store)? != before {
        return Err("what was written after recovery is not there".to_owned());
    }
    Ok(())
}

#[test]
fn what_was_acknowledged_survives_power_cuts_whole() {
    let wanted: usize = number("IMAGE_STORE_CRASH_IMAGES").unwrap_or(20_000);
    let first_seed = number("IMAGE_STORE_CRASH_SEED").unwrap_or(1) as u64;
    let mut recordings = Vec::new();
    // Some hundred moments in each; many cuts of one moment gain less than more moments.
    for seed in first_seed..first_seed + (wanted / 7_000).clamp(1, 40) as u64 {
        for (access, looks) in [
            (Access::Shared, Looks::AfterEachStep),
            (Access::Exclusive, Looks::AfterEachStep),
            (Access::Exclusive, Looks::Never),
        ] {
            recordings.push(record(seed, access, looks, &workload(seed, 40)));
        }
    }
    try_all(&recordings, wanted);
}

#[test]
fn a_migration_survives_power_cuts_whole() {
    let wanted: usize = number("IMAGE_STORE_CRASH_IMAGES").unwrap_or(20_000) / 20;
    let recordings = [Access::Shared, Access::Exclusive]
        .map(|access| record_migration(1, access, &workload(1, 3)));
    try_all(&recordings, wanted);
}

/// Opens so many disks that power cuts may leave of these.
fn try_all(recordings: &[Recording], wanted: usize) {
    let jobs: Vec<(&Recording, &Moment)> = recordings
        .iter()
        .flat_map(|recording| {
            recording
                .moments
                .iter()
                .map(move |moment| (recording, moment))
        })
        .collect();
    // Moments at which little or nothing is pending take fewer cuts than they are offered.
    let count = |cuts| -> usize {
        jobs.iter()
            .map(|(_, moment)| moment.cuts(cuts, 0).len())
            .sum()
    };
    let cuts = (8..10_000).find(|cuts| count(*cuts) >= wanted).unwrap();
    let tally = run(&jobs, cuts);
    println!(
        "{} runs, {} moments, up to {cuts} cuts each: {} disk images opened, {} of them cut a second \
         time while they were recovered",
        recordings.len(),
        jobs.len(),
        tally.images.load(Ordering::Relaxed),
        tally.second.load(Ordering::Relaxed),
    );
    let failures = tally.failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} failures, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
    let images = tally.images.into_inner();
    assert!(images >= wanted, "only {images} disk images");
}

/// The simulator must be able to fail: where syncs do nothing, operations get lost.
#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    let failures = without_syncs(Access::Shared, Part::Store);
    assert!(failures > 10, "only {failures} failures");
}

/// And it must look at the redo log: what only that has is lost with it.
#[test]
fn a_redo_log_that_is_not_synced_is_noticed() {
    let failures = without_syncs(Access::Exclusive, Part::Redo);
    assert!(failures > 10, "only {failures} failures");
}

/// How many disks are found wrong where two of three syncs of a file do nothing.
fn without_syncs(access: Access, part: Part) -> usize {
    // The engine panics on many such disks, and the store contains it.
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some("image-store-open") {
            loud(panic);
        }
    }));
    let mut syncs = 0;
    let looks = Looks::AfterEachStep;
    let recording = record_from(
        new_store(),
        3,
        access,
        looks,
        &workload(3, 12),
        |mut log| {
            log.retain(|event| {
                let is_one = matches!(event, Event::Sync(synced) if *synced == part);
                syncs += usize::from(is_one);
                !is_one || syncs % 3 == 0
            });
            log
        },
    );
    let jobs: Vec<_> = recording
        .moments
        .iter()
        .map(|moment| (&recording, moment))
        .collect();
    run(&jobs, 10).failures.into_inner().unwrap().len()
}

#[derive(Default)]
struct Tally {
    images: AtomicUsize,
    second: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

fn run(jobs: &[(&Recording, &Moment)], cuts: usize) -> Tally {
    let tally = Tally::default();
    let next = AtomicUsize::new(0);
    let work = || {
        let place = Place::new();
        while let Some((recording, moment)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for (index, cut) in moment.cuts(cuts, recording.seed).into_iter().enumerate() {
                if let Err(failure) = tally.try_cut(recording, moment, cut, index, &place) {
                    let at = (recording.access, recording.seed, moment.event, cut);
                    tally
                        .failures
                        .lock()
                        .unwrap()
                        .push(format!("{at:?}: {failure}"));
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    tally
}

impl Tally {
    fn try_cut(
        &self,
        recording: &Recording,
        moment: &Moment,
        cut: Cut,
        index: usize,
        place: &Place,
    ) -> Result<(), String> {
        let image = moment.image(cut);
        self.images.fetch_add(1, Ordering::Relaxed);
        let opening = recording.check(moment, image.clone(), place, index.is_multiple_of(8))?;
        if index % 16 != 1 || opening.is_empty() {
            return Ok(());
        }
        // The power fails again while the store is being recovered.
        for again in moments(image, &opening) {
            for cut in again.cuts(4, recording.seed) {
                self.images.fetch_add(1, Ordering::Relaxed);
                self.second.fetch_add(1, Ordering::Relaxed);
                recording
                    .check(moment, again.image(cut), place, false)
                    .map_err(|failure| {
                        format!("and again at {} {cut:?}: {failure}", again.event)
                    })?;
            }
        }
        Ok(())
    }
}

fn number(variable: &str) -> Option<usize> {
    let text = std::env::var(variable).ok()?;
    Some(text.replace('_', "").parse().expect(variable))
}
