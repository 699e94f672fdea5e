//! The header of the engine's file, as far as a repair makes it anew: the one place that knows its bytes
//! (redb 4.6, file format 3; docs/design.md, "Database header" and "Transaction slot", and
//! src/tree_store/page_store/header.rs).
//!
//! Behind what the file is, which never changes but for its flags and its length, there are two slots.
//! A commit is written to the one that is not in use, and a flag then makes it the one that is; so the
//! other leads to the state before. Each has a checksum, which is the engine's to check.

use crate::store::backend::PAGE;

/// What every file of the engine begins with.
pub(super) const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// The length of the header.
pub(super) const LENGTH: usize = SLOTS_AT + 2 * SLOT;

const SLOTS_AT: usize = 64;
const SLOT: usize = 128;

/// Where in a slot the number of its transaction is: eight bytes, little-endian.
const TRANSACTION: std::ops::Range<usize> = 104..112;

/// The flags follow the magic number.
const SECOND_IN_USE: u8 = 1;
const TO_BE_RECOVERED: u8 = 2;
/// The commit was on disk before it came into use, so the engine needs not look whether it is.
const IN_TWO_PHASES: u8 = 4;

/// What the flags and two bytes are followed by: the length of a page, and how many pages of a region
/// are its header and how many hold data. They are those of every file that a store is in.
const GEOMETRY: [[u8; 4]; 3] = [
    4_096_u32.to_le_bytes(),
    0_u32.to_le_bytes(),
    REGION.to_le_bytes(),
];
const GEOMETRY_AT: usize = 12;
const REGION: u32 = 1 << 20;

/// The bytes of one commit slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot([u8; SLOT]);

/// Both slots of a file, the latest first: where what comes before them is sound, that is the one that
/// is in use. `None` where that is no whole header.
pub(super) fn slots(header: &[u8]) -> Option<[Slot; 2]> {
    let (before, slots) = header.split_at_checked(SLOTS_AT)?;
    let (first, slots) = slots.split_first_chunk::<SLOT>()?;
    let (second, _) = slots.split_first_chunk::<SLOT>()?;
    let (first, second) = (Slot(*first), Slot(*second));
    let is_sound =
        before.starts_with(&MAGIC) && before.get(GEOMETRY_AT..)?.starts_with(&GEOMETRY.concat());
    let is_second_later = if is_sound {
        before.get(MAGIC.len())? & SECOND_IN_USE != 0
    } else {
        second.transaction() > first.transaction()
    };
    Some(if is_second_later {
        [second, first]
    } else {
        [first, second]
    })
}

impl Slot {
    fn transaction(&self) -> Option<u64> {
        let bytes = self.0.get(TRANSACTION)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// The header of a file of so many bytes that leads to this commit alone: to be recovered, by a walk
    /// over all pages, or as if it had been closed well.
    pub(super) fn header(&self, length: u64, to_be_recovered: bool) -> Vec<u8> {
        // The header has the first page to itself.
        let pages = (length / PAGE as u64).saturating_sub(1);
        let count = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX).to_le_bytes();
        let regions = count(pages / u64::from(REGION));
        let last_region = count(pages % u64::from(REGION));
        let flags = if to_be_recovered {
            TO_BE_RECOVERED
        } else {
            IN_TWO_PHASES
        };
        let mut header = Vec::with_capacity(LENGTH);
        header.extend_from_slice(&MAGIC);
        header.push(flags);
        header.resize(GEOMETRY_AT, 0);
        header.extend_from_slice(&GEOMETRY.concat());
        header.extend_from_slice(&regions);
        header.extend_from_slice(&last_region);
        header.resize(SLOTS_AT, 0);
        header.extend_from_slice(&self.0);
        header.extend_from_slice(&self.0);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, slots};

    /// The header that the engine writes is the one that is made of it.
    #[test]
    fn a_header_of_the_engine_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("images.redb");
        crate::ImageStore::open(&path).unwrap().close();
        let file = std::fs::read(&path).unwrap();
        let header = &file[..LENGTH];
        let [latest, before] = slots(header).unwrap();
        assert!(latest.transaction() > before.transaction());
        // A header that is damaged before the slots leads to the same one.
        let mut damaged = header.to_vec();
        damaged[..64].fill(0xff);
        assert_eq!(slots(&damaged).unwrap()[0].0, latest.0);

        let anew = latest.header(file.len() as u64, false);
        assert_eq!(anew.len(), LENGTH);
        assert_eq!(anew[..9], header[..9]);
        assert_eq!(anew[10..64], header[10..64]);
        assert!(slots(&header[..LENGTH - 1]).is_none());
    }
}
