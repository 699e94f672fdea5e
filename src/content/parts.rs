//! How the stored bytes of a content are cut into parts.

use std::io::{self, Write};

use crate::codec::{SEAL_LENGTH, Sealed, seal};
use crate::engine::{Failure, Outcome};
use crate::tables::WriteTables;

/// The stored bytes up to which a content is cut into small parts.
const SMALL: usize = 16 << 10;

/// The length of a small part. A page of the engine is 4 KiB and a value that does not fit takes
/// two; parts of 1,300 to 1,900 bytes were measured to fill pages best.
const SMALL_PART: usize = 1_900 - SEAL_LENGTH;

/// The length of a large part: what with its key and seal fills sixteen pages, so that a gigabyte
/// is 16,400 parts and not half a million.
const LARGE_PART: usize = (64 << 10) - 64 - SEAL_LENGTH;

/// The part length for a content of so many stored bytes.
const fn part_length(stored: usize) -> usize {
    if stored <= SMALL {
        SMALL_PART
    } else {
        LARGE_PART
    }
}

/// A row of a part: the number of its content, its own, and its sealed bytes.
pub(super) type PartRow = (u64, u32, Vec<u8>);

/// The rows of the parts of a content, from its stored bytes.
pub(super) fn part_rows(number: u64, stored: &[u8]) -> impl Iterator<Item = PartRow> {
    let parts = (0..).zip(parts(stored));
    parts.map(move |(part, bytes)| (number, part, seal(Sealed::Part(number, part), bytes)))
}

/// Cuts stored bytes into parts, of which there is at least one, be it empty.
fn parts(stored: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = stored.is_empty().then_some(stored);
    empty
        .into_iter()
        .chain(stored.chunks(part_length(stored.len())))
}

/// The part length for a content whose stored length is not known before it ends.
pub(super) const STREAM_PART: usize = LARGE_PART;

/// Writes the parts of one content, one after the other.
pub(super) struct PartWriter<'t, 'txn> {
    tables: &'t mut WriteTables<'txn>,
    number: u64,
    next: u32,
    part: Vec<u8>,
    part_length: usize,
    written: u64,
    /// Why the engine failed, for which [`Write`] has no place.
    failure: Option<Failure>,
}

impl<'t, 'txn> PartWriter<'t, 'txn> {
    pub(super) fn new(tables: &'t mut WriteTables<'txn>, number: u64, part_length: usize) -> Self {
        Self {
            tables,
            number,
            next: 0,
            part: Vec::with_capacity(part_length),
            part_length,
            written: 0,
            failure: None,
        }
    }

    /// Writes the last part and returns how many bytes were stored. A content has at least one
    /// part, be it empty, so that its number is taken.
    pub(super) fn finish(mut self) -> Outcome<u64> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if !self.part.is_empty() || self.next == 0 {
            self.write_part()?;
        }
        Ok(self.written)
    }

    /// The engine's failure behind an error of [`Write::write`].
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    fn write_part(&mut self) -> Outcome<()> {
        let part = self.next;
        self.next = part
            .checked_add(1)
            .ok_or_else(|| Failure::corrupt("a content would have more than 2^32 parts"))?;
        let sealed = seal(Sealed::Part(self.number, part), &self.part);
        self.tables
            .blobs
            .insert((self.number, part), sealed.as_slice())?;
        self.written += self.part.len() as u64;
        self.part.clear();
        Ok(())
    }
}

impl Write for PartWriter<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.part_length - self.part.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.part.extend_from_slice(taken);
        if self.part.len() == self.part_length {
            self.write_part().map_err(|failure| {
                self.failure = Some(failure);
                io::Error::other("the storage engine failed")
            })?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
