//! Which images lookups found before: an index in memory, beside those of the file.
//!
//! What is remembered is a hint and nothing more. Whoever is told a number here reads the record of
//! that number in the state it looks at, and goes by what the record says. So nothing has to be
//! forgotten when images come and go, through whichever process, and one memory serves all states.
//!
//! It is a table of places, in one of which the hash of a key puts its number; what was there
//! before is forgotten. An index of the file takes several times the memory for each of its keys,
//! since the engine keeps pages, and of keys that nobody asks for as well.

use std::array;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many places take memory together: as much as a page of it.
const CHUNK: usize = 512;

/// More chunks than these are not taken, however much memory there may be: 64 MiB, places for the IDs
/// and names of millions of images.
const MOST_CHUNKS: usize = 16 << 10;

type Chunk = [AtomicU64; CHUNK];

/// The bits of a place that hold the number after an image's: zero is an empty place. The others
/// hold a part of the key's hash, so that next to no record is read in vain.
const NUMBER: u64 = (1 << 40) - 1;

/// Image numbers by the names and IDs that were asked for.
pub struct Remembered {
    hasher: RandomState,
    /// How many chunks there may be.
    most: usize,
    chunks: OnceLock<Box<[OnceLock<Box<Chunk>>]>>,
}

impl Remembered {
    /// Takes about so many bytes of memory at most, as it is needed.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            most: (bytes / size_of::<Chunk>()).min(MOST_CHUNKS),
            chunks: OnceLock::new(),
        }
    }

    /// Where `key` is remembered in a store of so many images. The places of a small store lie close
    /// together; where it has twice as many images, what was remembered before is not found.
    pub(crate) fn place(&self, key: &str, images: u64) -> Place<'_> {
        let most = (self.most * CHUNK) as u64;
        let wanted = images.saturating_mul(2).checked_next_power_of_two();
        let places = wanted.map_or(most, |wanted| wanted.min(most));
        let hash = self.hasher.hash_one(key);
        let index = (u128::from(hash) * u128::from(places)) >> 64;
        Place {
            memory: self,
            // There is no memory for more places than that.
            index: usize::try_from(index).unwrap_or(usize::MAX),
            tag: hash << NUMBER.count_ones(),
        }
    }

    fn chunks(&self) -> &[OnceLock<Box<Chunk>>] {
        let chunks = || (0..self.most).map(|_| OnceLock::new()).collect();
        self.chunks.get_or_init(chunks)
    }
}

/// Where a key is remembered.
pub(crate) struct Place<'a> {
    memory: &'a Remembered,
    index: usize,
    /// The part of the key's hash that is kept with the number.
    tag: u64,
}

impl Place<'_> {
    /// The number that was remembered for the key.
    pub(crate) fn number(&self) -> Option<u64> {
        let chunk = self.memory.chunks.get()?.get(self.index / CHUNK)?.get()?;
        let held = chunk.get(self.index % CHUNK)?.load(Ordering::Relaxed);
        (held & !NUMBER == self.tag).then(|| (held & NUMBER).checked_sub(1))?
    }

    /// Remembers the number of an image for the key.
    pub(crate) fn note(&self, number: u64) {
        let empty = || Box::new(array::from_fn(|_| AtomicU64::new(0)));
        let chunk = self.memory.chunks().get(self.index / CHUNK);
        let chunk = chunk.map(|chunk| chunk.get_or_init(empty));
        let place = chunk.and_then(|chunk| chunk.get(self.index % CHUNK));
        if let (Some(place), Some(after @ 1..=NUMBER)) = (place, number.checked_add(1)) {
            place.store(self.tag | after, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NUMBER, Remembered};

    #[test]
    fn a_key_is_remembered_until_another_takes_its_place() {
        let remembered = Remembered::new(4 << 10);
        assert_eq!(remembered.place("a", 1_000).number(), None);
        remembered.place("a", 1_000).note(7);
        assert_eq!(remembered.place("a", 1_000).number(), Some(7));
        remembered.place("a", 1_000).note(0);
        assert_eq!(remembered.place("a", 1_000).number(), Some(0));
        for number in 0..10_000 {
            remembered.place(&format!("b{number}"), 1_000).note(number);
        }
        assert_eq!(remembered.place("a", 1_000).number(), None);
        let found =
            |number: &u64| remembered.place(&format!("b{number}"), 1_000).number() == Some(*number);
        let count = (0..10_000).filter(found).count();
        assert!((400..=512).contains(&count), "{count}");
    }

    #[test]
    fn what_has_room_is_remembered() {
        let remembered = Remembered::new(1 << 20);
        for number in 0..1_000 {
            remembered.place(&number.to_string(), 1_000).note(number);
        }
        let found =
            |number: &u64| remembered.place(&number.to_string(), 1_000).number() == Some(*number);
        let count = (0..1_000).filter(found).count();
        assert!(count > 700, "{count}");
    }

    #[test]
    fn a_small_store_takes_little_of_the_memory() {
        let remembered = Remembered::new(64 << 20);
        for number in 0..10_000 {
            remembered.place(&number.to_string(), 1_000).note(number);
        }
        let chunks = remembered.chunks.get().unwrap();
        let taken = chunks.iter().filter(|chunk| chunk.get().is_some()).count();
        assert_eq!(taken, 4);
    }

    #[test]
    fn there_is_an_end_to_the_memory_whatever_is_said() {
        let remembered = Remembered::new(usize::MAX);
        remembered.place("a", u64::MAX).note(7);
        assert_eq!(remembered.place("a", u64::MAX).number(), Some(7));
        assert_eq!(remembered.chunks.get().unwrap().len(), 16 << 10);
    }

    #[test]
    fn without_memory_and_of_numbers_beyond_all_nothing_is_remembered() {
        let none = Remembered::new(0);
        none.place("a", 1).note(1);
        assert_eq!(none.place("a", 1).number(), None);

        let remembered = Remembered::new(1 << 20);
        for number in [NUMBER, NUMBER + 7, u64::MAX] {
            remembered.place("a", u64::MAX).note(number);
            assert_eq!(remembered.place("a", u64::MAX).number(), None);
        }
        remembered.place("a", u64::MAX).note(NUMBER - 1);
        assert_eq!(remembered.place("a", u64::MAX).number(), Some(NUMBER - 1));
    }
}
