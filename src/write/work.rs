//! What a write transaction works on.

use std::path::Path;

use redb::WriteTransaction;

use crate::engine::Outcome;
use crate::model::Image;
use crate::tables::WriteTables;
use crate::write::create::{PreparedImage, create};
use crate::write::pending::Pending;

/// So many index rows wait at most. They take some ten megabytes, and never much more than a
/// hundred however long they are: what does not fit waits in files.
const MOST: usize = 100_000;

/// The tables of a write transaction, and the images that were created in it and are not in all of
/// them yet.
///
/// A transaction often creates many images one after the other. Their index rows are written
/// together, before anything else is asked or done: in the order of their keys this takes a
/// fraction of the time.
pub(crate) struct Work<'txn> {
    tables: WriteTables<'txn>,
    pending: Pending,
}

impl<'txn> Work<'txn> {
    /// Opens the tables. What does not fit into memory waits in files in `folder`, without names.
    pub(crate) fn open(transaction: &'txn WriteTransaction, folder: &Path) -> Outcome<Self> {
        Ok(Self {
            tables: WriteTables::open(transaction)?,
            pending: Pending::new(folder),
        })
    }

    /// Records every change from now on.
    pub(crate) fn record(&mut self) {
        self.tables.record();
    }

    /// Takes what was recorded, and records anew.
    pub(crate) fn take_recorded(&mut self) -> Option<Vec<u8>> {
        self.tables
            .recorded()
            .and_then(|mut changes| changes.take())
    }

    /// Creates an image.
    pub(crate) fn create(&mut self, image: &PreparedImage) -> Outcome<Image> {
        if self.pending.index_rows() >= MOST {
            self.settled()?;
        }
        create(&mut self.tables, &mut self.pending, image)
    }

    /// Whether the tables hold everything.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// The tables, which hold everything.
    pub(crate) fn settled(&mut self) -> Outcome<&mut WriteTables<'txn>> {
        self.pending.settle(&mut self.tables)?;
        Ok(&mut self.tables)
    }

    /// The tables as they are.
    pub(crate) const fn tables(&self) -> &WriteTables<'txn> {
        &self.tables
    }
}
