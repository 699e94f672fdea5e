//! Reading a table in spite of damage in it.

use redb::{AccessGuard, Key, ReadableTable, StorageError, Value};

use crate::engine::{Outcome, contain};

/// Calls `each` for every row from the beginning of a table to its end; where damage is in the way, to
/// the damage, and then from the end back to it.
///
/// `each` must contain what it reads itself: what fails in it would be taken for damage of this table.
///
/// # Errors
///
/// That of the damage, once both ends were read.
pub(super) fn both_ends<K: Key + 'static, V: Value + 'static>(
    table: &impl ReadableTable<K, V>,
    mut each: impl for<'a> FnMut(K::SelfType<'a>, V::SelfType<'a>),
) -> Outcome<()> {
    let mut read = |rows: &mut dyn Iterator<Item = RowOf<'_, K, V>>| {
        for row in rows {
            let (key, value) = row?;
            each(key.value(), value.value());
        }
        Ok(())
    };
    match contain(|| read(&mut table.iter()?)) {
        Ok(()) => Ok(()),
        // It ends where the same damage begins, if not earlier.
        Err(damage) => {
            let _ = contain(|| read(&mut table.iter()?.rev()));
            Err(damage)
        }
    }
}

type RowOf<'a, K, V> = Result<(AccessGuard<'a, K>, AccessGuard<'a, V>), StorageError>;
