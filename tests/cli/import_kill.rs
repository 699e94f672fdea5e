//! Promise: an import that is killed leaves no store or a whole one, the old store or the new one,
//! the store before a merge or after it; and nothing that the next import does not clean up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image_store::legacy::{self, ExportOptions, ImportOptions};
use image_store::{Image, ImageStore, Lookup, ManifestDigest, NewImage, VerifyOptions};
use tempfile::TempDir;

use crate::support::{Kills, data, program};

/// How many runs of each of the three kinds are killed. With those of the exports these are 230.
const KILLS: u32 = 30;

/// Two directories that differ, and the stores that they make.
struct Places {
    folder: TempDir,
    sources: [PathBuf; 2],
    states: [Vec<Image>; 2],
}

impl Places {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let first = data("podman/vfs-images");
        let second = folder.path().join("second-images");
        let path = folder.path().join("made.redb");
        legacy::import(&first, &path, ImportOptions::default()).unwrap();
        let before = state(&path);
        let store = ImageStore::open(&path).unwrap();
        change(&store);
        let options = ExportOptions::default();
        legacy::export(&store.read().unwrap(), &second, options).unwrap();
        drop(store);
        let after = state(&path);
        fs::remove_file(path).unwrap();
        Self {
            folder,
            sources: [first, second],
            states: [before, after],
        }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("images.redb")
    }

    fn command(&self, source: usize, options: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("--store")
            .arg(self.store())
            .arg("import")
            .arg(&self.sources[source])
            .args(options)
            .arg("--quiet")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs to the end, and says how long that takes.
    fn run(&self, source: usize, options: &[&str]) -> Duration {
        let begun = Instant::now();
        assert!(self.command(source, options).status().unwrap().success());
        begun.elapsed()
    }

    /// Kills runs, and lets `check` look after each.
    fn kill(
        &self,
        options: &[&str],
        length: Duration,
        mut source: impl FnMut(u32) -> usize,
        mut check: impl FnMut(usize, Duration),
    ) {
        let mut kills = Kills::new(KILLS);
        while let Some((tries, part)) = kills.next() {
            // Half of them come late, when the store gets its name.
            let part = if tries % 2 == 0 {
                part
            } else {
                1.0 - part * part * 0.5
            };
            let after = length.mul_f64(part);
            let source = source(tries);
            let child = self.command(source, options).spawn().unwrap();
            thread::sleep(after);
            kills.kill(child);
            check(source, after);
        }
    }

    /// What lies beside the source and the store.
    fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let own = ["images.redb", "second-images", "base.redb"];
        names.filter(|name| !own.contains(&name.as_str())).collect()
    }
}

/// All images of a store, which must be sound; their records have the hashes of their items.
#[track_caller]
fn state(path: &Path) -> Vec<Image> {
    let store = ImageStore::options().create(false).open(path).unwrap();
    let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    let images = store.images().unwrap();
    images.map(Result::unwrap).collect()
}

/// Removes, changes and adds images.
fn change(store: &ImageStore) {
    let images = store.images().unwrap();
    let ids: Vec<_> = images.map(|image| image.unwrap().id).collect();
    for (number, id) in ids.iter().enumerate() {
        let digest = ManifestDigest::Sha256;
        match number % 3 {
            0 => store.delete(id).unwrap(),
            1 => store.set_big_data(id, "added", b"added", digest).unwrap(),
            _ => store.set_metadata(id, "changed").unwrap(),
        }
        let new = NewImage::new().id(format!("new-{number}"));
        store
            .create(new.big_data("manifest", id.as_bytes()))
            .unwrap();
    }
}

#[test]
fn a_new_store_is_there_whole_or_not_at_all() {
    let places = Places::new();
    let length = places.run(0, &[]);
    fs::remove_file(places.store()).unwrap();
    let (mut whole, mut none) = (0, 0);
    places.kill(
        &[],
        length,
        |_| 0,
        |_, after| {
            if places.store().exists() {
                assert!(state(&places.store()) == places.states[0], "{after:?}");
                fs::remove_file(places.store()).unwrap();
                whole += 1;
            } else {
                none += 1;
            }
            places.run(0, &[]);
            assert_eq!(places.beside(), [""; 0], "{after:?}");
            fs::remove_file(places.store()).unwrap();
        },
    );
    println!("{whole} whole, {none} none");
    assert!(none > 0);
}

#[test]
fn a_replaced_store_is_the_old_or_the_new_one() {
    let places = Places::new();
    places.run(0, &[]);
    let length = places.run(0, &["--replace"]);
    let mut seen = [0, 0];
    let mut now = 0;
    places.kill(
        &["--replace"],
        length,
        |tries| tries as usize % 2,
        |source, after| {
            let found = state(&places.store());
            let which = places.states.iter().position(|state| *state == found);
            let which = which.expect("one of the two stores");
            assert!(which == source || which == now, "{after:?}");
            seen[usize::from(which == source)] += 1;
            // The next one goes through, and cleans up; the one after it brings the other store.
            now = source;
            places.run(now, &["--replace"]);
            assert_eq!(places.beside(), [""; 0], "{after:?}");
            assert!(state(&places.store()) == places.states[now]);
        },
    );
    println!("old {}, new {}", seen[0], seen[1]);
}

#[test]
fn a_merge_is_done_whole_or_not_at_all() {
    let places = Places::new();
    let base = places.folder.path().join("base.redb");
    let store = ImageStore::open(&base).unwrap();
    for number in 0..20 {
        let mine = NewImage::new().id(format!("mine-{number}"));
        store
            .create(mine.big_data("manifest", b"{}".as_slice()))
            .unwrap();
    }
    drop(store);
    let before = state(&base);
    let after = [before.clone(), places.states[0].clone()].concat();
    fs::copy(&base, places.store()).unwrap();
    let length = places.run(0, &["--merge"]);
    assert!(state(&places.store()) == after);
    fs::copy(&base, places.store()).unwrap();

    let mut seen = [0, 0];
    places.kill(
        &["--merge"],
        length,
        |_| 0,
        |_, moment| {
            let found = state(&places.store());
            assert!(found == before || found == after, "{moment:?}");
            seen[usize::from(found == after)] += 1;
            places.run(0, &["--merge"]);
            assert!(state(&places.store()) == after, "{moment:?}");
            assert_eq!(places.beside(), [""; 0], "{moment:?}");
            fs::copy(&base, places.store()).unwrap();
        },
    );
    println!("before {}, after {}", seen[0], seen[1]);
}
