//! Schema 1: the eight tables, empty, and when the store was created.

use redb::WriteTransaction;

use crate::engine::Outcome;
use crate::meta;
use crate::model::Timestamp;
use crate::tables::WriteTables;

pub(super) fn apply(transaction: &WriteTransaction) -> Outcome<()> {
    let mut tables = WriteTables::open(transaction)?;
    meta::set_created(&mut tables.meta, Timestamp::now())
}
