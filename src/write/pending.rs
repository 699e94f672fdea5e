//! New images on their way into the tables.

use std::ops::Range;
use std::path::Path;

use crate::codec::{Sealed, Unsealed};
use crate::content::{Encoded, PendingContents};
use crate::engine::Outcome;
use crate::index::{PendingRows, Rows};
use crate::model::ContentHash;
use crate::tables::{WriteTables, number_after};
use crate::write::put::next_number;

/// So many bytes of records and items wait to be written together.
const WAITING: usize = 4 << 20;

/// New images, after all others, whose rows are not all in the tables.
///
/// Records and items go to the ends of their tables; rows of indexes wait and are written in the
/// order of their keys, so that each page is changed once however many rows it gets. Between two
/// [`finish`](Self::finish) nobody else may write to the tables.
pub(super) struct Pending {
    pub(super) contents: PendingContents,
    pub(super) rows: PendingRows,
    /// Records that wait, one after the other; the number of each, and where it lies.
    records: Vec<u8>,
    places: Vec<(u64, Range<usize>)>,
    /// How many index rows wait, those of contents included.
    index_rows: usize,
    /// The number of the next image, once it is known.
    next: Option<u64>,
}

impl Pending {
    /// What does not fit into memory waits in files in this folder, without names.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            contents: PendingContents::default(),
            rows: PendingRows::new(folder),
            records: Vec::new(),
            places: Vec::new(),
            index_rows: 0,
            next: None,
        }
    }

    /// How many index rows wait, those of contents included.
    pub(super) const fn index_rows(&self) -> usize {
        self.index_rows
    }

    /// Stores bytes of the next image, unless they are stored already. `ready` is what they are
    /// encoded to, where that is known. Nothing of the image may be refused any more.
    pub(super) fn put(
        &mut self,
        tables: &mut WriteTables<'_>,
        hash: ContentHash,
        bytes: &[u8],
        ready: Option<&Encoded>,
    ) -> Outcome<()> {
        self.contents.put(tables, hash, bytes, ready)?;
        if self.contents.waiting() >= WAITING {
            self.contents.flush(tables)?;
        }
        Ok(())
    }

    /// Whether everything is in the tables.
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// The number of the next image.
    pub(super) fn next_number(&self, tables: &WriteTables<'_>) -> Outcome<u64> {
        self.next.map_or_else(|| next_number(tables), Ok)
    }

    /// Adds the next image, of which no image has the ID or a name. The bytes of its items must be
    /// stored or pending.
    pub(super) fn add(
        &mut self,
        tables: &mut WriteTables<'_>,
        number: u64,
        record: &Unsealed,
        rows: &Rows<'_>,
    ) -> Outcome<()> {
        self.next = Some(number_after(number)?);
        self.index_rows += rows.count();
        for (hash, more) in &rows.contents {
            self.contents.refer(tables, hash, *more)?;
        }
        self.rows.add(number, rows)?;
        let begin = self.records.len();
        record.seal_onto(Sealed::Record(number), &mut self.records);
        self.places.push((number, begin..self.records.len()));
        if self.records.len() + self.contents.waiting() >= WAITING {
            self.flush(tables)?;
        }
        Ok(())
    }

    /// Writes the records and the items that wait.
    fn flush(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.contents.flush(tables)?;
        if self.contents.is_full() {
            self.contents.flush_all(tables)?;
        }
        let records = &self.records;
        tables.images.append(&self.places, |(number, place)| {
            (*number, records.get(place.clone()).unwrap_or_default())
        })?;
        self.records.clear();
        self.places.clear();
        Ok(())
    }

    /// Writes everything that waits, and forgets what was noted: the tables know it.
    pub(super) fn settle(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        if !self.is_empty() {
            self.finish(tables)?;
            self.rows.forget();
        }
        Ok(())
    }

    /// Writes everything that waits.
    pub(super) fn finish(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.flush(tables)?;
        self.contents.flush_all(tables)?;
        self.rows.flush(tables)?;
        self.index_rows = 0;
        self.next = None;
        Ok(())
    }
}
