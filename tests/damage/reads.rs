//! Every read of a damaged store, held against what the sound one says.

use std::fmt;
use std::ops::AddAssign;
use std::path::Path;
use std::str::FromStr;

use image_store::{Error, ErrorKind, ImageStore, Lookup, Prefix, VerifyOptions, VerifyReport};

use crate::original::Original;

/// What came of reading damaged files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub files: u64,
    /// Files that would not open.
    pub refused: u64,
    /// Reads that answered as the sound store does.
    pub right_reads: u64,
    /// Reads that ended with `corrupt`.
    pub corrupt_reads: u64,
    /// Reads that did not find what is there: its index row is in a damaged page.
    pub missed_reads: u64,
    /// Files in which `verify` found damage.
    pub found_by_verify: u64,
}

pub fn read_everything(original: &Original, damaged: &[u8], seed: u64) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    std::fs::write(&path, damaged).unwrap();
    let mut outcome = Outcome {
        files: 1,
        ..Outcome::default()
    };
    let report = verify_untouched(&path, damaged, seed);
    let options = ImageStore::options().create(false);
    let store = match options.read_only(seed.is_multiple_of(2)).open(&path) {
        Ok(store) => store,
        Err(error) => {
            expect_corrupt(&error, seed);
            outcome.refused = 1;
            return outcome;
        }
    };
    let mut reads = Reads {
        original,
        store: &store,
        seed,
        outcome,
    };
    reads.lookups();
    reads.listings();
    let outcome = reads.outcome;
    let outcome = verify(&store, outcome, seed);
    if outcome.corrupt_reads > 0 || outcome.missed_reads > 0 {
        let found = report.is_none_or(|report| !report.is_clean());
        assert!(
            found,
            "seed {seed}: called clean untouched, but {outcome:?}"
        );
    }
    outcome
}

/// Verifies the file as it is, which must not change it: a file that can still be read must not be
/// lost to the question whether it is damaged.
fn verify_untouched(path: &Path, damaged: &[u8], seed: u64) -> Option<VerifyReport> {
    let report = ImageStore::options().verify(path, &VerifyOptions::new(), |_| {});
    assert!(
        std::fs::read(path).unwrap() == damaged,
        "seed {seed}: `verify` changed the file"
    );
    report.map_err(|error| expect_corrupt(&error, seed)).ok()
}

struct Reads<'a> {
    original: &'a Original,
    store: &'a ImageStore,
    seed: u64,
    outcome: Outcome,
}

impl Reads<'_> {
    /// Counts a read that has one right answer.
    fn check<T: PartialEq + fmt::Debug>(&mut self, read: Result<T, Error>, right: &T) {
        match read {
            Ok(answer) => {
                assert_eq!(&answer, right, "seed {}: a wrong answer", self.seed);
                self.outcome.right_reads += 1;
            }
            Err(error) if error.kind() == ErrorKind::ImageUnknown => self.outcome.missed_reads += 1,
            Err(error) => {
                expect_corrupt(&error, self.seed);
                self.outcome.corrupt_reads += 1;
            }
        }
    }

    fn lookups(&mut self) {
        for (id, sound) in &self.original.images {
            let mut right = sound.clone();
            right.read_only = self.store.is_read_only();
            self.check(self.store.get(id), &right);
            if let Some(prefix) = id.get(..20) {
                self.check(self.store.get(prefix), &right);
            }
            for name in &sound.names {
                self.check(self.store.get(name), &right);
            }
            for digest in &sound.digests {
                let found = self.store.by_digest(digest).and_then(|mut images| {
                    // Several images have the digest; one of them is this one.
                    images
                        .find(|image| !image.as_ref().is_ok_and(|image| image.id != *id))
                        .transpose()
                });
                if let Some(found) = found.transpose() {
                    self.check(found, &right);
                } else {
                    self.outcome.missed_reads += 1;
                }
            }
        }
        for ((id, key), bytes) in &self.original.items {
            self.check(self.store.big_data(id, key), bytes);
            let streamed = self.store.big_data_reader(id, key).map(|mut reader| {
                let mut streamed = Vec::new();
                std::io::copy(&mut reader, &mut streamed)
                    .map(|_| streamed)
                    .ok()
            });
            match streamed {
                Ok(Some(streamed)) => assert_eq!(&streamed, bytes, "seed {}", self.seed),
                Ok(None) => self.outcome.corrupt_reads += 1,
                Err(error) => self.check(Err(error), bytes),
            }
        }
    }

    fn listings(&mut self) {
        let mut count = 0;
        match self.store.images() {
            Ok(images) => {
                for image in images {
                    count += 1;
                    assert!(count <= 10_000, "seed {}: images without end", self.seed);
                    let right = image
                        .as_ref()
                        .ok()
                        .and_then(|image| self.original.images.get(&image.id));
                    let right = right.cloned().map(|mut right| {
                        right.read_only = self.store.is_read_only();
                        right
                    });
                    match (image, right) {
                        (Ok(image), Some(right)) => self.check(Ok(image), &right),
                        (Ok(image), None) => {
                            panic!("seed {}: an image {:?} from nowhere", self.seed, image.id)
                        }
                        (Err(error), _) => expect_corrupt(&error, self.seed),
                    }
                }
            }
            Err(error) => expect_corrupt(&error, self.seed),
        }
        for entry in self.store.names(Prefix::all()).into_iter().flatten() {
            count += 1;
            assert!(count <= 20_000, "seed {}: names without end", self.seed);
            match entry {
                Ok(entry) => {
                    let right = &self.original.images[&entry.id].names;
                    assert!(right.contains(&entry.name), "seed {}: {entry:?}", self.seed);
                }
                Err(error) => expect_corrupt(&error, self.seed),
            }
        }
        for id in self.store.ids(Prefix::all()).into_iter().flatten() {
            count += 1;
            assert!(count <= 30_000, "seed {}: IDs without end", self.seed);
            if let Err(error) = id {
                expect_corrupt(&error, self.seed);
            }
        }
    }
}

/// A store that did not say all it should is not called clean.
fn verify(store: &ImageStore, mut outcome: Outcome, seed: u64) -> Outcome {
    let all_right = outcome.corrupt_reads == 0 && outcome.missed_reads == 0;
    match store.verify(&VerifyOptions::new(), |_| {}) {
        Ok(report) => {
            assert!(
                all_right || !report.is_clean(),
                "seed {seed}: called clean, but {outcome:?}"
            );
            outcome.found_by_verify += u64::from(!report.is_clean());
        }
        Err(error) => {
            expect_corrupt(&error, seed);
            outcome.found_by_verify += 1;
        }
    }
    outcome
}

fn expect_corrupt(error: &Error, seed: u64) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "seed {seed}: {error:?}");
}

impl Outcome {
    fn fields(&mut self) -> [&mut u64; 6] {
        [
            &mut self.files,
            &mut self.refused,
            &mut self.right_reads,
            &mut self.corrupt_reads,
            &mut self.missed_reads,
            &mut self.found_by_verify,
        ]
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, mut other: Self) {
        for (sum, more) in self.fields().into_iter().zip(other.fields()) {
            *sum += *more;
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.clone().fields().map(|field| field.to_string());
        f.write_str(&numbers.join(" "))
    }
}

impl FromStr for Outcome {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut outcome = Self::default();
        for (field, number) in outcome.fields().into_iter().zip(text.split(' ')) {
            *field = number.parse()?;
        }
        Ok(outcome)
    }
}
