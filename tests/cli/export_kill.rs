//! Promise: an export that is killed, or that finds the disk full, leaves the directory as it was
//! or as it is to be, and nothing that the next export does not clean up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image_store::legacy::{self, ExportOptions, ImportOptions};
use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
use tempfile::TempDir;

use crate::support::{Kills, data, program};

/// How many runs are killed that make a new directory, and that replace one.
const KILLS: u32 = 40;

/// How many runs are killed that change a live one.
const LIVE_KILLS: u32 = 60;

/// Two stores with the same images but for some that were removed, changed and added, and the
/// directories that they make.
struct Places {
    folder: TempDir,
    trees: [Tree; 2],
}

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Places {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = data("podman/vfs-images");
        let mut trees = [Tree::new(), Tree::new()];
        for (number, tree) in trees.iter_mut().enumerate() {
            let path = folder.path().join(format!("{number}.redb"));
            legacy::import(&source, &path, ImportOptions::default()).unwrap();
            let store = ImageStore::open(&path).unwrap();
            if number == 1 {
                change(&store);
            }
            let target = folder.path().join("fresh");
            let options = ExportOptions::default();
            legacy::export(&store.read().unwrap(), &target, options).unwrap();
            *tree = Self::tree(&target);
            fs::remove_dir_all(&target).unwrap();
        }
        Self { folder, trees }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    /// Everything in a directory, but for the lock.
    fn tree(folder: &Path) -> Tree {
        let mut tree = Tree::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            if path.is_dir() {
                let inner = Self::tree(&path);
                tree.extend(
                    inner
                        .into_iter()
                        .map(|(below, bytes)| (name.join(below), bytes)),
                );
                tree.insert(name, None);
            } else if name != Path::new("images.lock") {
                tree.insert(name, Some(fs::read(&path).unwrap()));
            }
        }
        tree
    }

    fn command(&self, store: usize, options: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("--store")
            .arg(self.folder.path().join(format!("{store}.redb")))
            .arg("export")
            .args(options)
            .arg(self.target())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs to the end, and says how long that takes.
    fn run(&self, store: usize, options: &[&str]) -> Duration {
        let begun = Instant::now();
        assert!(self.command(store, options).status().unwrap().success());
        begun.elapsed()
    }

    /// Runs that are killed after a part of the time that one takes: the number of each, and the
    /// moment.
    fn kill(
        &self,
        options: &[&str],
        length: Duration,
        store: impl Fn(u32) -> usize,
        mut check: impl FnMut(Duration),
    ) {
        let mut kills = Kills::new(KILLS);
        while let Some((tries, part)) = kills.next() {
            let after = length.mul_f64(part);
            let child = self.command(store(tries), options).spawn().unwrap();
            thread::sleep(after);
            kills.kill(child);
            check(after);
        }
    }

    /// What lies beside the stores.
    fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.ends_with(".redb")).collect();
        names.sort();
        names
    }
}

fn change(store: &ImageStore) {
    let images = store.images().unwrap();
    let ids: Vec<_> = images.map(|image| image.unwrap().id).collect();
    for (number, id) in ids.iter().enumerate() {
        let digest = ManifestDigest::Sha256;
        match number % 4 {
            0 => store.delete(id).unwrap(),
            1 => store
                .set_big_data(id, "manifest", b"changed", digest)
                .unwrap(),
            2 => store.set_big_data(id, "added", b"added", digest).unwrap(),
            _ => store.set_metadata(id, "changed").unwrap(),
        }
        let new = NewImage::new().id(format!("new-{number}"));
        store
            .create(new.big_data("manifest", id.as_bytes()))
            .unwrap();
    }
}

#[test]
fn a_new_directory_is_there_whole_or_not_at_all() {
    let places = Places::new();
    let length = places.run(0, &[]);
    fs::remove_dir_all(places.target()).unwrap();
    places.kill(
        &[],
        length,
        |_| 0,
        |after| {
            if places.target().exists() {
                let tree = Places::tree(&places.target());
                assert!(tree == places.trees[0], "{after:?}");
                fs::remove_dir_all(places.target()).unwrap();
            }
        },
    );
    places.run(0, &[]);
    assert_eq!(places.beside(), ["images"]);
}

#[test]
fn a_replaced_directory_is_the_old_or_the_new_one() {
    let places = Places::new();
    places.run(0, &[]);
    let length = places.run(0, &["--replace"]);
    places.kill(
        &["--replace"],
        length,
        |tries| tries as usize % 2,
        |after| {
            let tree = Places::tree(&places.target());
            assert!(places.trees.contains(&tree), "{after:?}");
        },
    );
    places.run(1, &["--replace"]);
    assert_eq!(places.beside(), ["images"]);
    assert!(Places::tree(&places.target()) == places.trees[1]);
}

#[test]
fn a_live_directory_has_all_its_images_whole_at_every_moment() {
    let places = Places::new();
    places.run(0, &[]);
    places.run(1, &["--into-live"]);
    let length = places.run(0, &["--into-live"]);
    let expected = [0, 1].map(|store| {
        let path = places.folder.path().join(format!("{store}.redb"));
        ids(&ImageStore::open(path).unwrap())
    });
    // The first change that others see, and the last that is taken back.
    let begun = places.target().join(".tmp-images.json.owned");
    let mut seen = [0, 0];
    let mut kills = Kills::new(LIVE_KILLS);
    while let Some((tries, part)) = kills.next() {
        let store = tries as usize % 2;
        let mut child = places.command(store, &["--into-live"]).spawn().unwrap();
        // Most come while the images change places; one in four at any moment.
        let after = if tries % 4 == 0 {
            length.mul_f64(part)
        } else {
            while !begun.exists() && child.try_wait().unwrap().is_none() {
                thread::yield_now();
            }
            Duration::from_millis(15).mul_f64(part * part)
        };
        thread::sleep(after);
        kills.kill(child);

        let path = places.folder.path().join("imported.redb");
        let options = ImportOptions::default();
        let summary = legacy::import(&places.target(), &path, options).unwrap();
        let damage = summary.findings.iter().find(|finding| finding.is_damage());
        assert_eq!(damage, None, "{after:?}");
        let found = ids(&ImageStore::open(&path).unwrap());
        let which = expected.iter().position(|ids| *ids == found);
        seen[which.expect("the images of one of the stores")] += 1;
        fs::remove_file(path).unwrap();

        // The next run, of either store, leaves nothing of the killed one.
        places.run(store, &["--into-live"]);
        assert!(
            Places::tree(&places.target()) == places.trees[store],
            "{after:?}"
        );
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
    assert_eq!(places.beside(), ["images"]);
}

fn ids(store: &ImageStore) -> BTreeSet<String> {
    let images = store.images().unwrap();
    images.map(|image| image.unwrap().id).collect()
}

/// A file may not grow beyond 8 KiB here, as if the disk were full; `images.json` is longer.
#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let places = Places::new();
    let run_full = |options: &[&str]| {
        let command = places.command(1, options);
        let output = Command::new("sh")
            .args(["-c", "ulimit -f 16; exec \"$0\" \"$@\""])
            .arg(command.get_program())
            .args(command.get_args())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{stderr}");
        assert!(stderr.contains("could not write "), "{stderr}");
    };
    run_full(&[]);
    assert_eq!(places.beside(), [""; 0]);
    places.run(0, &[]);
    for option in ["--replace", "--into-live"] {
        run_full(&[option]);
        assert!(
            Places::tree(&places.target()) == places.trees[0],
            "{option}"
        );
        assert_eq!(places.beside(), ["images"]);
    }
}
