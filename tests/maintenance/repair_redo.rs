//! What a redo log holds up to where it is damaged was acknowledged, so a repair keeps it, in order, and
//! says how much that was; opening the store still takes all of a log or nothing.

use std::fs;

use image_store::{Error, Finding, ImageStore, Lookup as _};

use crate::repair::{assert_clean, killed_after, repair};

/// The unit of a log: its header has the first, and each of these small entries one.
const BLOCK: usize = 4_096;

const IDS: [&str; 7] = ["one", "two", "three", "four", "five", "six", "seven"];

/// How many images are in the store's own file.
const IN_FILE: usize = 3;

/// What is done to the bytes of a log.
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

#[test]
fn what_comes_before_the_damage_of_a_log_is_kept() {
    let in_entry = |entry: usize| move |log: &mut Vec<u8>| log[BLOCK * (entry + 1) + 100] ^= 1;
    let in_header = |log: &mut Vec<u8>| log[20] ^= 1;
    let no_header = |log: &mut Vec<u8>| log[..BLOCK].fill(0);
    let cut = |log: &mut Vec<u8>| log.truncate(3 * BLOCK + 100);
    let damages: [(&str, Damage<'_>, u64); 6] = [
        ("the first entry", &in_entry(0), 0),
        ("the second entry", &in_entry(1), 1),
        ("the third entry", &in_entry(2), 2),
        ("the header", &in_header, 4),
        ("all of the header", &no_header, 4),
        ("cut in the third entry", &cut, 2),
    ];
    for (what, damage, entries) in damages {
        let (_folder, path, log) = killed_after(&IDS);
        let mut bytes = fs::read(&log).unwrap();
        damage(&mut bytes);
        fs::write(&log, &bytes).unwrap();
        let refused = ImageStore::open(&path).unwrap_err();
        let is_missing = matches!(refused, Error::RedoLogMissing { .. });
        assert!(is_missing, "{what}: {refused}");

        let summary = repair(&path);
        let log_lost = match entries {
            0 => Finding::RedoLogLost { log: log.clone() },
            entries => Finding::RedoLogDamaged {
                log: log.clone(),
                entries,
            },
        };
        assert_eq!(summary.lost, std::slice::from_ref(&log_lost), "{what}");
        assert!(summary.before.findings.contains(&log_lost), "{what}");
        let kept = IN_FILE + usize::try_from(entries).unwrap();
        assert_eq!(summary.images, kept as u64, "{what}");
        // Whoever can make more of the log has all of it.
        let aside = summary.set_aside.unwrap().join("000001.bytes");
        assert!(fs::read(aside).unwrap() == bytes, "{what}");
        let mut beside_backup = summary.backup.unwrap().into_os_string();
        beside_backup.push("-redo");
        assert!(fs::read(beside_backup).unwrap() == bytes, "{what}");
        assert!(!log.exists(), "{what}");

        let store = ImageStore::open(&path).unwrap();
        assert_clean(&store);
        let ids: Vec<_> = store
            .images()
            .unwrap()
            .map(|image| image.unwrap().id)
            .collect();
        assert_eq!(ids, IDS[..kept], "{what}");
        store.big_data(IDS[kept - 1], "manifest").unwrap();
    }
}

/// What is read in part is not written to either, so the damaged file and the log are what they were.
#[test]
fn a_damaged_log_that_is_found_whole_again_undoes_the_repair() {
    let (_folder, path, log) = killed_after(&IDS);
    let whole = fs::read(&log).unwrap();
    let mut damaged = whole.clone();
    damaged[BLOCK * 2 + 100] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let backup = repair(&path).backup.unwrap();
    let mut beside_backup = backup.clone().into_os_string();
    beside_backup.push("-redo");
    fs::write(beside_backup, &whole).unwrap();
    let store = ImageStore::open(&backup).unwrap();
    assert_clean(&store);
    assert_eq!(store.len().unwrap(), IDS.len() as u64);
}
