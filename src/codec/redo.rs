//! The redo log as bytes: its header, its entries, and the changes of rows in them.
//!
//! `migrations/README.md` specifies the format. The file is cut into blocks. The header is the
//! first; each entry begins on a block of its own, so that an append never writes to a block that
//! holds what is already acknowledged.

use std::mem;

use sha2::{Digest as _, Sha256};

use crate::engine::{Failure, Outcome};

/// The unit of the file.
pub(crate) const BLOCK: usize = 4096;

/// What tells one log from every other.
pub(crate) type LogId = [u8; 16];

const MAGIC: &[u8; 16] = b"image-store redo";
const FORMAT_1: u8 = 1;
const CHECK: usize = 16;

/// Length, check, generation.
const ENTRY_HEAD: usize = 4 + CHECK + 8;

/// The longest payload of an entry: a transaction that changes more goes to the store's own file.
pub(crate) const LONGEST: usize = 256 << 10;

/// The header of a new log: one block.
pub(crate) fn encode_header(id: &LogId) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    block.extend_from_slice(MAGIC);
    block.push(FORMAT_1);
    block.extend_from_slice(id);
    let check = check(&[&block]);
    block.extend_from_slice(&check);
    block.resize(BLOCK, 0);
    block
}

/// Whether a file of which these are the first bytes, up to a block, may be a log, if only one that was
/// never written to its end: nothing else has that beginning.
pub(crate) fn may_be_log(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC) || beginning.iter().all(|byte| *byte == 0)
}

/// The identity in a header; `None` where these bytes are no header.
pub(crate) fn decode_header(block: &[u8]) -> Option<LogId> {
    let (magic, rest) = block.split_first_chunk()?;
    let (format, rest) = rest.split_first()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (found, _) = rest.split_first_chunk::<CHECK>()?;
    let is_header = magic == MAGIC && *format == FORMAT_1;
    (is_header && *found == check(&[magic, &[*format], id])).then_some(*id)
}

/// An entry as whole blocks: the changes of one transaction on the state of a generation.
pub(crate) fn encode_entry(id: &LogId, generation: u64, changes: &[u8]) -> Outcome<Vec<u8>> {
    let length = u32::try_from(changes.len())
        .ok()
        .filter(|length| *length as usize <= LONGEST)
        .ok_or_else(|| Failure::corrupt("too many changes for one entry of the redo log"))?;
    let generation = generation.to_le_bytes();
    let mut entry = Vec::with_capacity(blocks(changes.len()));
    entry.extend_from_slice(&length.to_le_bytes());
    entry.extend_from_slice(&check(&[id, &generation, changes]));
    entry.extend_from_slice(&generation);
    entry.extend_from_slice(changes);
    entry.resize(blocks(changes.len()), 0);
    Ok(entry)
}

/// The bytes in the file of an entry with so many bytes of changes.
pub(crate) const fn blocks(changes: usize) -> usize {
    (ENTRY_HEAD + changes).next_multiple_of(BLOCK)
}

/// An entry that was written whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The generation of the store that the changes were made on.
    pub(crate) generation: u64,
    pub(crate) changes: &'a [u8],
}

/// The entry at the beginning of `bytes`; `None` where none was written whole, of this log.
pub(crate) fn decode_entry<'a>(id: &LogId, bytes: &'a [u8]) -> Option<Entry<'a>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (found, rest) = rest.split_first_chunk::<CHECK>()?;
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let changes = rest.get(..length).filter(|_| length <= LONGEST)?;
    let is_whole = *found == check(&[id, generation, changes]);
    is_whole.then(|| Entry {
        generation: u64::from_le_bytes(*generation),
        changes,
    })
}

/// A hash and no checksum: what a cut left of several entries must not pass for one.
fn check(parts: &[&[u8]]) -> [u8; CHECK] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let mut check = [0; CHECK];
    let hash = hasher.finalize();
    for (to, from) in check.iter_mut().zip(hash.iter()) {
        *to = *from;
    }
    check
}

/// What one transaction did to the rows, in its order.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    bytes: Vec<u8>,
    rows: u64,
    /// Whether it was more than an entry may hold, and was let go.
    overflowed: bool,
}

/// The table of a change. The numbers are the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableTag {
    Meta = 0,
    Images = 1,
    Ids = 2,
    Names = 3,
    Digests = 4,
    Layers = 5,
    Contents = 6,
    Blobs = 7,
}

impl TableTag {
    const ALL: [Self; 8] = [
        Self::Meta,
        Self::Images,
        Self::Ids,
        Self::Names,
        Self::Digests,
        Self::Layers,
        Self::Contents,
        Self::Blobs,
    ];
}

const INSERT: u8 = 0;
const REMOVE: u8 = 1;
const CLEAR: u8 = 2;

impl Changes {
    pub(crate) fn insert(&mut self, table: TableTag, key: &[u8], value: &[u8]) {
        self.push(&[INSERT, table as u8], &[key, value]);
    }

    pub(crate) fn remove(&mut self, table: TableTag, key: &[u8]) {
        self.push(&[REMOVE, table as u8], &[key]);
    }

    /// All rows of the table are removed.
    pub(crate) fn clear(&mut self, table: TableTag) {
        self.push(&[CLEAR, table as u8], &[]);
    }

    /// How many rows were changed; a table that was cleared counts as one.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// All changes; `None` where they were too many.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        (!self.overflowed).then_some(self.bytes.as_slice())
    }

    /// Takes all changes out; `None` where there are none, or they were too many.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let Self {
            bytes, overflowed, ..
        } = mem::take(self);
        (!overflowed && !bytes.is_empty()).then_some(bytes)
    }

    fn push(&mut self, head: &[u8], texts: &[&[u8]]) {
        self.rows += 1;
        let more: usize = texts.iter().map(|text| text.len() + 4).sum();
        if self.overflowed || self.bytes.len() + head.len() + more > LONGEST {
            self.overflowed = true;
            self.bytes = Vec::new();
            return;
        }
        self.bytes.extend_from_slice(head);
        for text in texts {
            // Shorter than the longest entry, so it fits.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.bytes.extend_from_slice(&length.to_le_bytes());
            self.bytes.extend_from_slice(text);
        }
    }
}

/// One change of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    Insert(TableTag, &'a [u8], &'a [u8]),
    Remove(TableTag, &'a [u8]),
    Clear(TableTag),
}

/// Gives each change of an entry to `apply`, in order.
///
/// # Errors
///
/// [`Failure::Corrupt`] where the bytes are no changes; those of `apply`.
pub(crate) fn each_change(
    mut bytes: &[u8],
    mut apply: impl FnMut(Change<'_>) -> Outcome<()>,
) -> Outcome<()> {
    while !bytes.is_empty() {
        let (change, rest) = split_change(bytes)
            .ok_or_else(|| Failure::corrupt("an entry of the redo log holds no changes"))?;
        apply(change)?;
        bytes = rest;
    }
    Ok(())
}

fn split_change(bytes: &[u8]) -> Option<(Change<'_>, &[u8])> {
    let (&[kind, table], rest) = bytes.split_first_chunk()?;
    let table = TableTag::ALL.get(usize::from(table)).copied()?;
    match kind {
        INSERT => {
            let (key, rest) = split_text(rest)?;
            let (value, rest) = split_text(rest)?;
            Some((Change::Insert(table, key, value), rest))
        }
        REMOVE => {
            let (key, rest) = split_text(rest)?;
            Some((Change::Remove(table, key), rest))
        }
        CLEAR => Some((Change::Clear(table), rest)),
        _ => None,
    }
}

fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::{
        BLOCK, Change, Changes, Entry, LONGEST, TableTag, decode_entry, decode_header, each_change,
        encode_entry, encode_header,
    };

    const ID: [u8; 16] = [7; 16];

    fn changes() -> Changes {
        let mut changes = Changes::default();
        changes.insert(TableTag::Names, b"app", &[1, 0]);
        changes.remove(TableTag::Images, &[9]);
        changes.clear(TableTag::Blobs);
        changes
    }

    /// The bytes of the format. If this test fails, a log in the field is no longer replayed.
    #[test]
    fn golden_bytes() {
        let header = encode_header(&ID);
        assert_eq!(
            hex::encode(&header[..49]),
            "696d6167652d73746f7265207265646f0107070707070707070707070707070707\
             710611f0988f146bd7199fd37723f075"
        );
        assert_eq!(header.len(), BLOCK);
        let changes = changes();
        let entry = encode_entry(&ID, 5, changes.whole().unwrap()).unwrap();
        assert_eq!(
            hex::encode(&entry[..52]),
            "180000003b88dd107c073604150b11d7d62beb690500000000000000\
             000303000000617070020000000100010101000000090207"
        );
        assert_eq!(entry.len(), BLOCK);
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode_header(&encode_header(&ID)), Some(ID));
        let changes = changes();
        let bytes = changes.whole().unwrap();
        let entry = encode_entry(&ID, 5, bytes).unwrap();
        let expected = Entry {
            generation: 5,
            changes: bytes,
        };
        assert_eq!(decode_entry(&ID, &entry), Some(expected));
        let mut found = Vec::new();
        each_change(bytes, |change| {
            found.push(format!("{change:?}"));
            Ok(())
        })
        .unwrap();
        let expected = [
            Change::Insert(TableTag::Names, b"app", &[1, 0]),
            Change::Remove(TableTag::Images, &[9]),
            Change::Clear(TableTag::Blobs),
        ];
        assert_eq!(found, expected.map(|change| format!("{change:?}")));
    }

    #[test]
    fn any_changed_bit_or_another_log_is_noticed() {
        let changes = changes();
        let bytes = changes.whole().unwrap();
        let entry = encode_entry(&ID, 5, bytes).unwrap();
        let used = bytes.len() + 28;
        for bit in 0..used * 8 {
            let mut damaged = entry.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_entry(&ID, &damaged), None, "bit {bit}");
        }
        assert_eq!(decode_entry(&[8; 16], &entry), None);
        for length in 0..used {
            assert_eq!(decode_entry(&ID, &entry[..length]), None, "length {length}");
        }
        assert_eq!(decode_entry(&ID, &[0; 2 * BLOCK]), None);
        let mut header = encode_header(&ID);
        header[20] ^= 1;
        assert_eq!(decode_header(&header), None);
    }

    #[test]
    fn bytes_that_are_no_changes_are_damage() {
        for bytes in [&[3, 0][..], &[0, 8], &[1], &[0, 1, 9, 0, 0, 0, 1]] {
            assert!(each_change(bytes, |_| Ok(())).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn one_below_at_and_above_the_longest_entry() {
        for (length, fits) in [
            (LONGEST - 11, true),
            (LONGEST - 10, true),
            (LONGEST - 9, false),
        ] {
            let mut changes = Changes::default();
            changes.insert(TableTag::Blobs, &[], &vec![1; length]);
            assert_eq!(changes.whole().is_some(), fits, "{length}");
            if let Some(bytes) = changes.whole() {
                assert!(encode_entry(&ID, 1, bytes).is_ok());
            }
        }
    }
}
