//! Promise: an item of any length goes in and out through the streaming calls in bounded memory: no
//! more than 32 MiB beyond the engine's cache.

use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use image_store::{ImageStore, Lookup as _, ManifestDigest, NewImage};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::Place;
use crate::support::child::{Child, say};

/// What a stream may take beyond the cache.
const ALLOWED: u64 = 32 << 20;
/// The engine's cache in the child.
const CACHE: usize = 8 << 20;

/// MiB of the item; the promise was tried with 1024, which takes minutes without optimization.
const SIZE: &str = "IMAGE_STORE_LARGE_ITEM_MIB";
const DEFAULT_SIZE: u64 = 192;

fn size() -> u64 {
    let mebibytes = std::env::var(SIZE).map_or(DEFAULT_SIZE, |size| size.parse().unwrap());
    mebibytes << 20
}

/// The memory of this process in bytes: `VmHWM` is its peak, `VmRSS` what it is now.
fn memory(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    let kibibytes = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    kibibytes.parse::<u64>().unwrap() << 10
}

/// Yields so many bytes: blocks of noise, of which each is new, or the last one but for 64 bytes.
struct Pattern {
    left: u64,
    compresses: bool,
    random: SmallRng,
    block: Vec<u8>,
    next: usize,
}

impl Pattern {
    fn new(length: u64, compresses: bool) -> Self {
        let block = vec![b'x'; 1 << 20];
        Self {
            left: length,
            compresses,
            random: SmallRng::seed_from_u64(length),
            next: block.len(),
            block,
        }
    }

    /// The next bytes, at most `most`; none at the end.
    fn next(&mut self, most: usize) -> &[u8] {
        if self.next == self.block.len() {
            let fresh = if self.compresses {
                64
            } else {
                self.block.len()
            };
            self.random.fill(&mut self.block[..fresh]);
            self.next = 0;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = most.min(left).min(self.block.len() - self.next);
        let bytes = &self.block[self.next..self.next + length];
        self.next += length;
        self.left -= length as u64;
        bytes
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// Task `large-item`: puts one in and takes it out, and says how much memory that took.
pub(crate) fn in_and_out(path: &Path, compresses: bool) {
    let length = size();
    let store = ImageStore::options().cache_size(CACHE).open(path).unwrap();
    store.create(NewImage::new().id("ab")).unwrap();
    let mut pattern = Pattern::new(length, compresses);
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let sha = ManifestDigest::Sha256;
    store
        .set_big_data_from("ab", "large", &mut pattern, sha)
        .unwrap();
    let written = begun.elapsed();
    assert_eq!(pattern.left, 0);
    assert_eq!(store.big_data_size("ab", "large").unwrap(), length);

    let begun = Instant::now();
    let mut expected = Pattern::new(length, compresses);
    let mut reader = store.big_data_reader("ab", "large").unwrap();
    assert_eq!(reader.size(), length);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = reader.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        let mut bytes = &buffer[..read];
        while !bytes.is_empty() {
            let next = expected.next(bytes.len());
            assert!(
                !next.is_empty() && bytes.starts_with(next),
                "other bytes came back"
            );
            bytes = &bytes[next.len()..];
        }
    }
    assert_eq!(expected.left, 0, "too few bytes came back");
    let read = begun.elapsed();

    let beyond = memory("VmHWM:").saturating_sub(before + CACHE as u64);
    eprintln!(
        "{} MiB that {}: in {written:.1?}, out {read:.1?}, file {} MiB, {:.1} MiB beyond the cache",
        length >> 20,
        if compresses {
            "compress"
        } else {
            "do not compress"
        },
        std::fs::metadata(path).unwrap().len() >> 20,
        beyond as f64 / f64::from(1 << 20),
    );
    say(&beyond.to_string());
}

fn assert_bounded(task: &str) {
    let place = Place::new();
    let child = Child::start(task, &place.path());
    let beyond: u64 = child.hear().parse().unwrap();
    child.end();
    assert!(beyond <= ALLOWED, "{} KiB beyond the cache", beyond >> 10);
}

#[test]
fn that_does_not_compress() {
    assert_bounded("large-random-item");
}

#[test]
fn that_compresses() {
    assert_bounded("large-sparse-item");
}

/// A reader that fails after much was written leaves nothing of it.
#[test]
fn that_is_cut_off_leaves_nothing() {
    struct Fails(Pattern);
    impl Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("cut off")),
                read => Ok(read),
            }
        }
    }
    let place = Place::in_memory();
    let store = place.open();
    store
        .create(
            NewImage::new()
                .id("ab")
                .big_data("index", b"kept".as_slice()),
        )
        .unwrap();
    let before = crate::support::raw::Raw::read(&place.path()).without_generation();
    for compresses in [false, true] {
        let mut input = Fails(Pattern::new(6 << 20, compresses));
        let mut transaction = store.write().unwrap();
        let sha = ManifestDigest::Sha256;
        assert!(
            transaction
                .set_big_data_from("ab", "index", &mut input, sha)
                .is_err()
        );
        transaction.set_metadata("ab", "changed").unwrap();
        transaction.set_metadata("ab", "").unwrap();
        transaction.commit().unwrap();
        let after = crate::support::raw::Raw::read(&place.path()).without_generation();
        assert_eq!(after, before);
    }
}
