//! Promise: at any moment of its creation there is either no store or a whole one, and nothing in
//! the way of the next attempt.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{Error, ErrorKind, ImageStore, Lookup};

use crate::faults::{ERRORS, system_error};
use crate::layers::{CALLS, Fault, Faulty};
use crate::state::verified;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn each_step_of_the_engine_may_fail() {
    let mut trials = 0;
    for call in CALLS {
        for nth in 0.. {
            let errno = ERRORS[nth % ERRORS.len()];
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("images.redb");
            let fault = Fault::new(call, nth, errno.raw_os_error());
            let plan = fault.clone();
            let opened = ImageStore::options()
                .storage(move |inner| {
                    let fault = plan.clone();
                    Box::new(Faulty { inner, fault })
                })
                .open(&path);
            let what = format!("{call:?} {nth} {errno:?}");
            let Err(error) = opened else {
                if fault.happened() {
                    trials += 1;
                    continue;
                }
                break;
            };
            trials += 1;
            assert_eq!(error.kind(), ErrorKind::Io, "{what}: {error:?}");
            assert_eq!(
                system_error(&error),
                Some(errno.raw_os_error()),
                "{what}: {error:?}"
            );
            // It failed before it had its name, or was whole when it got it.
            assert!(
                matches!(names(folder.path()).as_slice(), []) || path.exists(),
                "{what}: {:?}",
                names(folder.path())
            );
            let store = ImageStore::open(&path).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            verified(&store).unwrap();
            assert_eq!(names(folder.path()), ["images.redb"], "{what}");
        }
    }
    println!("{trials} calls failed");
    assert!(trials > 20, "only {trials}");
}

#[test]
fn a_place_where_nothing_can_be_created_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let long = folder.path().join("n".repeat(300));
    let missing = folder.path().join("missing/images.redb");
    for path in [file.join("images.redb"), long, missing] {
        let error = ImageStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        assert!(
            matches!(error, Error::Io { .. } | Error::FolderMissing { .. }),
            "{error:?}"
        );
        let named = path.parent().unwrap().to_str().unwrap();
        assert!(error.to_string().contains(named), "{error}");
    }
    assert_eq!(names(folder.path()), ["file"]);
}

/// A process is killed at any time from its start until its first answer.
#[test]
fn a_kill_leaves_no_store_or_a_whole_one() {
    let patience = Instant::now() + Duration::from_secs(60);
    let (mut killed, mut whole, mut left) = (0, 0, 0);
    // How long creating takes here, so that the kills fall into it.
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut child = program(&folder.path().join("images.redb"));
    assert!(child.wait().unwrap().success());
    let usual = begun.elapsed();
    while killed < 100 && Instant::now() < patience {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.redb");
        for _ in 0..8 {
            let mut child = program(&path);
            thread::sleep(usual.mul_f64(rand::random::<f64>() * 1.1));
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            left += names(folder.path())
                .iter()
                .filter(|name| name.starts_with('.'))
                .count();
            if path.exists() {
                // A reader finds a whole store.
                let store = ImageStore::options().read_only(true).open(&path).unwrap();
                assert!(store.is_empty().unwrap());
                whole += 1;
                break;
            }
        }
        let store = ImageStore::open(&path).unwrap();
        verified(&store).unwrap();
    }
    println!(
        "{killed} kills: {whole} left a whole store, the others none; {left} temporary files were seen"
    );
    assert!(
        killed >= 20 && whole > 0 && whole < killed,
        "{killed} kills, {whole} whole"
    );
}

fn program(path: &Path) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_image-store"))
        .arg("--store")
        .arg(path)
        .arg("batch")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
