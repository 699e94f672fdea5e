//! A table of a write transaction whose changes can be recorded.
//!
//! In exclusive access a transaction is made durable by its changes, in the redo log, and not by
//! the pages that they touch. Every row is written through here, so none can be missing there.

use std::borrow::Borrow;
use std::mem;
use std::ops::{Bound, Deref, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{
    AccessGuard, CursorError, CursorMut, Key, ReadableTableMetadata as _, StorageError, Table,
    Value,
};

use crate::codec::{Change, Changes, TableTag};
use crate::engine::Outcome;

/// What is recorded of a transaction; all its tables share one.
pub(crate) type Record = Arc<Mutex<Changes>>;

/// The changes that are recorded.
pub(crate) fn changes(record: &Record) -> MutexGuard<'_, Changes> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

fn record_insert<K: Key + 'static, V: Value + 'static>(
    record: Option<&Record>,
    tag: TableTag,
    key: &K::SelfType<'_>,
    value: &V::SelfType<'_>,
) {
    if let Some(record) = record {
        let (key, value) = (K::as_bytes(key), V::as_bytes(value));
        changes(record).insert(tag, key.as_ref(), value.as_ref());
    }
}

/// So many rows are worth a cursor. Fewer would leave more pages that are not full than an insert
/// of each does: a store whose images are replaced one by one grew by half as much again.
const MANY: usize = 64;

/// A table of a write transaction. It reads as the engine's own.
pub(crate) struct Recorded<'txn, K: Key + 'static, V: Value + 'static> {
    table: Table<'txn, K, V>,
    tag: TableTag,
    record: Option<Record>,
    /// How many rows were written or removed.
    changed: u64,
}

impl<'txn, K: Key + 'static, V: Value + 'static> Recorded<'txn, K, V> {
    pub(crate) const fn new(table: Table<'txn, K, V>, tag: TableTag) -> Self {
        Self {
            table,
            tag,
            record: None,
            changed: 0,
        }
    }

    /// Records every change from now on.
    pub(crate) fn record(&mut self, record: &Record) {
        self.record = Some(Arc::clone(record));
    }

    /// How many rows were written or removed since this was asked for last.
    pub(crate) const fn take_changed(&mut self) -> u64 {
        mem::replace(&mut self.changed, 0)
    }

    /// The end of the table, to add rows there.
    pub(crate) fn end(&mut self) -> Result<End<'_, K, V>, StorageError> {
        let unbounded = Bound::<K::SelfType<'_>>::Unbounded;
        Ok(End {
            cursor: self.table.upper_bound_mut(unbounded)?,
            tag: self.tag,
            record: self.record.as_ref(),
            changed: &mut self.changed,
        })
    }

    /// Adds rows after all others, in the order of their keys. `row` is the key and the value of one.
    pub(crate) fn append<'r, R>(
        &mut self,
        rows: &'r [R],
        row: impl Fn(&'r R) -> (K::SelfType<'r>, V::SelfType<'r>),
    ) -> Outcome<()> {
        if rows.len() < MANY {
            for (key, value) in rows.iter().map(row) {
                self.insert(key, value)?;
            }
            return Ok(());
        }
        let mut end = self.end()?;
        for (key, value) in rows.iter().map(row) {
            end.insert(key, value)?;
        }
        Ok(end.close()?)
    }

    /// As [`Table::insert`].
    pub(crate) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<Option<AccessGuard<'_, V>>, StorageError> {
        record_insert::<K, V>(self.record.as_ref(), self.tag, key.borrow(), value.borrow());
        self.changed += 1;
        self.table.insert(key, value)
    }

    /// As [`Table::remove`].
    pub(crate) fn remove<'k>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<Option<AccessGuard<'_, V>>, StorageError> {
        if let Some(record) = &self.record {
            let key = K::as_bytes(key.borrow());
            changes(record).remove(self.tag, key.as_ref());
        }
        self.changed += 1;
        self.table.remove(key)
    }

    /// Removes the rows of a range of keys.
    pub(crate) fn remove_range<'k, B>(
        &mut self,
        range: impl RangeBounds<B> + 'k,
    ) -> Result<(), StorageError>
    where
        B: Borrow<K::SelfType<'k>> + 'k,
    {
        let (tag, record, changed) = (self.tag, &self.record, &mut self.changed);
        self.table.retain_in(range, |key, _| {
            *changed += 1;
            if let Some(record) = record {
                changes(record).remove(tag, K::as_bytes(&key).as_ref());
            }
            false
        })
    }

    /// Removes all rows.
    pub(crate) fn clear(&mut self) -> Result<(), StorageError> {
        if let Some(record) = &self.record {
            changes(record).clear(self.tag);
        }
        self.changed += self.table.len()?;
        self.table.retain(|_, _| false)
    }
}

impl<K: Key + 'static, V: Value + 'static> Recorded<'_, K, V> {
    /// Does to the table what was recorded of one.
    pub(crate) fn apply(&mut self, change: Change<'_>) -> Result<(), StorageError> {
        match change {
            Change::Insert(_, key, value) => self
                .insert(K::from_bytes(key), V::from_bytes(value))
                .map(drop),
            Change::Remove(_, key) => self.remove(K::from_bytes(key)).map(drop),
            Change::Clear(_) => self.clear(),
        }
    }
}

/// The end of a table. Rows that come in the order of their keys are added here in a fraction of
/// the time that an insert takes, and into full pages.
pub(crate) struct End<'a, K: Key + 'static, V: Value + 'static> {
    cursor: CursorMut<'a, K, V>,
    tag: TableTag,
    record: Option<&'a Record>,
    changed: &'a mut u64,
}

impl<K: Key + 'static, V: Value + 'static> End<'_, K, V> {
    /// Adds a row, whose key must come after those of all others.
    pub(crate) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<(), CursorError> {
        record_insert::<K, V>(self.record, self.tag, key.borrow(), value.borrow());
        *self.changed += 1;
        self.cursor.insert_before(key, value)
    }

    /// Brings the rows into the table.
    pub(crate) fn close(self) -> Result<(), StorageError> {
        self.cursor.close()
    }
}

impl<'txn, K: Key, V: Value> Deref for Recorded<'txn, K, V> {
    type Target = Table<'txn, K, V>;

    fn deref(&self) -> &Self::Target {
        &self.table
    }
}
