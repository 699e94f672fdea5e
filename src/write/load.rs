//! Filling a store that nobody sees yet with many images.

use std::path::Path;

use crate::content::{Encoded, Stored};
use crate::engine::Outcome;
use crate::index::Rows;
use crate::model::{ContentHash, Image};
use crate::tables::WriteTables;
use crate::write::legacy_record::{Displaced, insert_legacy};
use crate::write::pending::Pending;

/// Images on their way into the tables of a store that had none.
///
/// Only what contradicts an image before, its ID or a name, is put into the tables at once, after
/// all that waits.
pub(crate) struct Load(Pending);

impl Load {
    /// Begins to fill an empty store. What does not fit into memory waits in files beside this one,
    /// without names.
    pub(crate) fn new(beside: &Path) -> Self {
        Self(Pending::new(beside))
    }

    /// As [`put_encoded`](super::put_encoded).
    pub(crate) fn put(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Outcome<Stored> {
        self.0.contents.put_encoded(tables, hash, size, encoded)
    }

    /// Whether the bytes of this hash are stored.
    pub(crate) fn has(&mut self, tables: &WriteTables<'_>, hash: &ContentHash) -> Outcome<bool> {
        Ok(self.0.contents.find(tables, hash)?.is_some())
    }

    /// Lets `store` store bytes that are not stored yet, as [`put_content`](super::put_content).
    pub(crate) fn put_stream(
        &mut self,
        tables: &mut WriteTables<'_>,
        store: impl FnOnce(&mut WriteTables<'_>) -> Outcome<Stored>,
    ) -> Outcome<Stored> {
        self.0.contents.put_stream(tables, store)
    }

    /// As [`insert_legacy`], of an image whose digests follow from its record already.
    pub(crate) fn insert(
        &mut self,
        tables: &mut WriteTables<'_>,
        image: Image,
    ) -> Outcome<Displaced> {
        let rows = Rows::of(Some(&image));
        if self.0.rows.note(&rows) {
            self.finish(tables)?;
            return insert_legacy(tables, image);
        }
        let new = self.0.plan(tables, &image, rows)?;
        self.0.add(tables, new)?;
        Ok(Displaced {
            names: Vec::new(),
            image: None,
        })
    }

    /// Writes everything that waits.
    pub(crate) fn finish(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.0.finish(tables)
    }
}
