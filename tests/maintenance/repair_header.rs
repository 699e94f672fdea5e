//! A file has two commit slots in its header: where the one in use is damaged, the other leads to the state
//! before; and what the header says besides can be made anew. The damaged file is not changed.

use std::fs;
use std::path::Path;

use image_store::{
    ErrorKind, Finding, ImageStore, Lookup as _, RepairOptions, RepairSummary, Result,
};

use crate::damage::{noise, store};
use crate::repair::{assert_clean, killed};

const PAGE: usize = 4_096;

/// Where the slots of the header are, and the flags; the lowest says which slot is in use.
const SLOTS: [usize; 2] = [64, 192];
const SLOT: usize = 128;
const FLAGS: usize = 9;

fn in_use(file: &[u8]) -> usize {
    SLOTS[usize::from(file[FLAGS] & 1)]
}

/// Repairs a file of these bytes, which are kept if it can be, and are left if not. Where it is damaged so
/// that nobody can write to it, a repair does not either.
fn repaired(path: &Path, bytes: &[u8]) -> Result<RepairSummary> {
    fs::write(path, bytes).unwrap();
    let repaired = ImageStore::options().repair(path, &RepairOptions::new(), |_| {});
    let kept = match &repaired {
        Ok(summary) if summary.before.is_clean() => return repaired,
        Ok(summary) => summary.backup.as_deref().unwrap(),
        Err(_) => path,
    };
    let is_kept = fs::read(kept).unwrap() == bytes;
    assert!(is_kept, "the damaged file was changed: {repaired:?}");
    repaired
}

/// The three images of the store, all that is in it.
fn assert_all(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    assert_clean(&store);
    assert_eq!(store.len().unwrap(), 3);
    assert_eq!(store.get("app:2").unwrap().id, "two");
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

/// The last commit of this store is the one of its close, which holds nothing of ours.
#[test]
fn where_the_slot_in_use_is_damaged_the_state_before_is_kept() {
    let (_dir, path) = store();
    let sound = fs::read(&path).unwrap();
    let slot = in_use(&sound);
    for at in (0..SLOT).step_by(5).chain([SLOT - 1]) {
        for change in [0x01, 0xff] {
            let mut bytes = sound.clone();
            bytes[slot + at] ^= change;
            let summary = repaired(&path, &bytes).unwrap();
            assert_eq!(summary.lost, [Finding::LastCommitLost], "byte {at}");
            assert!(summary.before.findings.contains(&Finding::LastCommitLost));
            assert!(summary.set_aside.unwrap().is_dir());
            assert_all(&path);
        }
    }
    let mut bytes = sound;
    bytes[slot..slot + SLOT].fill(0);
    let summary = repaired(&path, &bytes).unwrap();
    assert_eq!(summary.lost, [Finding::LastCommitLost]);
    assert_all(&path);
}

/// The last commit that a killed writer left is that of its last image.
#[test]
fn what_only_the_lost_commit_had_is_gone_and_said_to_be() {
    let (_dir, path) = store();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    store.delete("one").unwrap();
    store.set_metadata("two", "before").unwrap();
    store.set_metadata("two", "after").unwrap();
    fs::copy(&path, &copy).unwrap();
    let mut bytes = fs::read(&copy).unwrap();
    let slot = in_use(&bytes);
    bytes[slot + 20] ^= 1;
    let summary = repaired(&copy, &bytes).unwrap();
    assert_eq!(summary.lost, [Finding::LastCommitLost]);
    let store = ImageStore::open(&copy).unwrap();
    assert_clean(&store);
    assert_eq!(store.get("two").unwrap().metadata, "before");
    assert!(!store.exists("one").unwrap());
}

#[test]
fn what_the_header_says_besides_its_slots_is_made_anew() {
    let (_dir, path) = store();
    let sound = fs::read(&path).unwrap();
    // Of the flags, the one in use tells of another state, which is one as well.
    let others = (0..SLOTS[0]).filter(|at| *at != FLAGS);
    let mut damages: Vec<_> = others.map(|at| at..at + 1).collect();
    damages.push(0..SLOTS[0]);
    damages.push(PAGE - 1_000..PAGE);
    for damage in damages {
        let mut bytes = sound.clone();
        for byte in &mut bytes[damage.clone()] {
            *byte ^= 0xff;
        }
        let summary = repaired(&path, &bytes).unwrap();
        assert!(summary.lost.is_empty(), "{damage:?}: {:?}", summary.lost);
        assert_all(&path);
    }
}

#[test]
fn where_both_slots_are_damaged_nothing_is_read() {
    let (_dir, path) = store();
    let mut bytes = fs::read(&path).unwrap();
    for slot in SLOTS {
        bytes[slot + 10] ^= 1;
    }
    let refused = repaired(&path, &bytes).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
}

/// What a killed writer left has to be recovered, which damage of any page forbids.
#[test]
fn a_file_that_cannot_be_recovered_is_read_as_it_is() {
    // Either way the log cannot be done: which one it is cannot be read, or where its rows would go.
    for text in [&b"applicationcreated"[..], &noise(64)] {
        let (_folder, path, log) = killed();
        let mut bytes = fs::read(&path).unwrap();
        let mut pages = 0;
        for page in bytes.chunks_mut(PAGE).skip(1) {
            if page.windows(text.len()).any(|found| found == text) {
                page.fill(0);
                pages += 1;
            }
        }
        assert!(pages > 0);
        let summary = repaired(&path, &bytes).unwrap();
        assert_eq!(summary.images, 3, "{summary:?}");
        let log_lost = Finding::RedoLogLost { log: log.clone() };
        assert!(summary.lost.contains(&log_lost), "{summary:?}");
        assert!(!summary.lost.contains(&Finding::LastCommitLost));
        assert!(!log.exists());
        let store = ImageStore::open(&path).unwrap();
        assert_clean(&store);
        assert!(store.exists("two").unwrap());
    }
}

/// The commit that is lost is the one that named the log, so nothing else tells of it: the log holds all
/// that was acknowledged since, and would be gone without a word.
#[test]
fn a_log_of_later_commits_than_can_be_read_is_set_aside() {
    let (_folder, path, log) = killed();
    let log_bytes = fs::read(&log).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let slot = in_use(&bytes);
    bytes[slot + 20] ^= 1;
    let summary = repaired(&path, &bytes).unwrap();
    let log_lost = Finding::RedoLogLost { log: log.clone() };
    assert_eq!(summary.lost, [log_lost.clone(), Finding::LastCommitLost]);
    assert!(summary.before.findings.contains(&log_lost));
    let aside = summary.set_aside.unwrap().join("000001.bytes");
    assert!(fs::read(aside).unwrap() == log_bytes);
    assert!(!log.exists());
    assert_clean(&ImageStore::open(&path).unwrap());
}
