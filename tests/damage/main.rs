//! Whatever happens to the bytes of a store, opening it, every read and `verify` end with a right
//! answer or with `corrupt`: never a panic, an abort, an endless loop or gigabytes of memory. `verify`
//! changes none of them, and what `repair` makes of some is right as far as it goes.
//!
//! Each batch of damaged files is read in a process of its own, so that an abort or a hang is the
//! failure of one seed and not of the test runner. `IMAGE_STORE_DAMAGED_FILES` sets how many files
//! are tried.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may say plainly what must hold"
)]

mod damage;
mod edits;
mod mends;
mod original;
mod reads;
mod writes;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Files in the default run: what the promise is kept for in every run of the tests.
const FILES: u64 = 2_000;
/// Files that one process reads.
const BATCH: u64 = 250;
/// No file may take longer; the slowest take some tenths of a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most memory that a process may have had: the cache, the file, and room to breathe.
const MOST_MEMORY_KIB: u64 = 400 << 10;

#[test]
fn every_damaged_file_ends_with_a_right_answer_or_corrupt() {
    let files =
        std::env::var("IMAGE_STORE_DAMAGED_FILES").map_or(FILES, |files| files.parse().unwrap());
    let next = AtomicU64::new(0);
    let work = || {
        let mut outcome = reads::Outcome::default();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= files {
                return outcome;
            }
            outcome += run_batch(first, files.min(first + BATCH));
        }
    };
    let totals = thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut totals = work();
        totals += other.join().unwrap();
        totals
    });
    println!("{files} damaged files: {totals:?}");
    assert_eq!(totals.files, files);
    // The test tests something only if damage is met at all, and survived too.
    assert!(totals.refused > 0 && totals.corrupt_reads > 0 && totals.right_reads > 0);
    assert!(totals.found_by_verify > 0);
}

/// What a fuzzer found worth keeping is tried without one too; fuzz/fuzz_targets/store_file.rs.
#[test]
fn the_corpus_of_the_fuzzer_ends_so_too() {
    let outcome = in_own_process("corpus", "corpus of");
    assert!(outcome.files > 10 && outcome.right_reads > 0, "{outcome:?}");
}

/// Reads files `first` to `last` in a process of its own and watches it.
fn run_batch(first: u64, last: u64) -> reads::Outcome {
    in_own_process("batch", &format!("{first} {last}"))
}

/// Runs an ignored test in a process of its own and watches it.
fn in_own_process(test: &str, batch: &str) -> reads::Outcome {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("BATCH", batch)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        for line in output.lines() {
            if send.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    let mut seed = String::from("none");
    let mut outcome = None;
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => match line.split_once(' ') {
                Some(("seed", now)) => now.clone_into(&mut seed),
                Some(("outcome", text)) => outcome = Some(text.parse().unwrap()),
                _ => {}
            },
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("seed {seed}: reading the damaged file does not end");
            }
        }
    }
    reader.join().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "seed {seed}: {status}");
    outcome.unwrap()
}

#[test]
#[ignore = "one batch of the test above, which runs it in a process of its own"]
fn batch() {
    let range = std::env::var("BATCH").unwrap();
    let (first, last) = range.split_once(' ').unwrap();
    let seeds = first.parse::<u64>().unwrap()..last.parse().unwrap();
    let original = original::Original::build();
    read_all(
        &original,
        seeds.map(|seed| (seed, damage::damage(&original.bytes, seed))),
    );
}

#[test]
#[ignore = "the kept corpus, which a test above has read in a process of its own"]
fn corpus() {
    if std::env::var_os("BATCH").is_none() {
        return;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/store_file");
    let original = original::Original::build();
    let edited = std::fs::read_dir(folder).unwrap().map(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let (first, edits) = bytes.split_first().unwrap();
        (u64::from(first % 2), edits::edit(&original.bytes, edits))
    });
    read_all(&original, edited);
}

/// Reads files and says what came of it.
fn read_all(original: &original::Original, files: impl Iterator<Item = (u64, Vec<u8>)>) {
    // Panics of the engine are contained; their messages would drown the report.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic
            .location()
            .is_none_or(|at| at.file().contains("tests/damage"))
        {
            usual(panic);
        }
    }));
    let mut outcome = reads::Outcome::default();
    for (seed, damaged) in files {
        println!("seed {seed}");
        outcome += reads::read_everything(original, &damaged, seed);
        mends::repair(original, &damaged, seed);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .unwrap();
    let peak: u64 = peak.trim().parse().unwrap();
    assert!(peak < MOST_MEMORY_KIB, "peak memory {peak} KiB");
    println!("outcome {outcome}");
}
