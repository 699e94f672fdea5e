//! The schema of the file, one file a version. `README.md` beside this file specifies the format.

mod v0001_initial;
mod v0002_packed_keys;

use redb::{ReadTransaction, TableError, WriteTransaction};

use crate::engine::{Failure, Outcome};
use crate::meta;
use crate::tables::{META, open_meta};

/// The schema that this version of the library reads and writes.
pub(crate) const CURRENT: u32 = 2;

/// The schema of a database, without changing it; `None` where it is not ours.
pub(crate) fn inspect(transaction: &ReadTransaction) -> Outcome<Option<u32>> {
    match transaction.open_table(META) {
        Ok(table) => meta::schema(&table),
        Err(TableError::Storage(error)) => Err(error.into()),
        // There is no such table, or it is one of other types.
        Err(_) => Ok(None),
    }
}

/// Brings an older database, or a new one, to [`CURRENT`] within one write transaction.
///
/// The schema is read again here: another process may have migrated since it was inspected. Whether
/// there was anything to do.
pub(crate) fn migrate(transaction: &WriteTransaction) -> Outcome<bool> {
    let table = transaction.open_table(META)?;
    let found = meta::schema(&table)?.unwrap_or(0);
    drop(table);
    if found >= CURRENT {
        return Ok(false);
    }
    for version in found..CURRENT {
        match version {
            0 => v0001_initial::apply(transaction)?,
            1 => v0002_packed_keys::apply(transaction)?,
            unknown => {
                return Err(Failure::corrupt(format!(
                    "there is no way from schema {unknown}"
                )));
            }
        }
    }
    meta::set_schema(&mut open_meta(transaction)?, CURRENT)?;
    Ok(true)
}
