//! New images on their way into the tables.

use std::path::Path;

use crate::content::PendingContents;
use crate::engine::Outcome;
use crate::index::{PendingRows, Rows};
use crate::tables::WriteTables;
use crate::write::put::{next_number, number_after};

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
    records: Vec<(u64, Vec<u8>)>,
    waiting: usize,
    /// How many images there are whose rows wait.
    images: usize,
    /// The number of the next image, once it is known.
    next: Option<u64>,
}

impl Pending {
    /// What does not fit into memory waits in files beside this one, without names.
    pub(super) fn new(beside: &Path) -> Self {
        Self {
            contents: PendingContents::default(),
            rows: PendingRows::new(beside),
            records: Vec::new(),
            waiting: 0,
            images: 0,
            next: None,
        }
    }

    /// How many images there are whose rows wait.
    pub(super) const fn images(&self) -> usize {
        self.images
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
        record: Vec<u8>,
        rows: &Rows<'_>,
    ) -> Outcome<()> {
        self.next = Some(number_after(number)?);
        self.images += 1;
        for (hash, more) in &rows.contents {
            self.contents.refer(tables, hash, *more)?;
        }
        self.rows.add(number, rows)?;
        self.waiting += record.len();
        self.records.push((number, record));
        if self.waiting + self.contents.waiting() >= WAITING {
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
        tables.images.append(&self.records, |(number, record)| {
            (*number, record.as_slice())
        })?;
        self.records.clear();
        self.waiting = 0;
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
        self.images = 0;
        self.next = None;
        Ok(())
    }
}
