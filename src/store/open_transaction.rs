//! A write transaction of the engine that was begun, with its tables open.

use std::path::Path;

use redb::WriteTransaction;
use self_cell::self_cell;

use crate::engine::{Outcome, contain};
use crate::write::Work;

self_cell!(
    /// A write transaction of the engine with its tables open.
    pub(super) struct OpenTransaction {
        owner: WriteTransaction,
        #[not_covariant]
        dependent: Work,
    }
);

impl OpenTransaction {
    /// Opens the tables of a transaction. What does not fit into memory waits in `folder`; `records`
    /// says whether all changes are recorded.
    pub(super) fn open(
        transaction: WriteTransaction,
        folder: &Path,
        records: bool,
    ) -> Outcome<Self> {
        contain(|| {
            Self::try_new(transaction, |owner| {
                let mut work = Work::open(owner, folder)?;
                if records {
                    work.record();
                }
                Ok(work)
            })
        })
    }

    /// Takes what was recorded, and records anew.
    pub(super) fn take_recorded(&mut self) -> Option<Vec<u8>> {
        self.with_dependent_mut(|_, work| work.take_recorded())
    }
}
