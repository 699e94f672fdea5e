//! The index rows of many new images at once.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use redb::{Key, ReadableTableMetadata as _, Value};

use super::sorter::Sorter;
use super::{Rows, expect};
use crate::codec::KeyText;
use crate::engine::Outcome;
use crate::recorded::Recorded;
use crate::tables::WriteTables;

/// Index rows of new images that are not in the tables yet: those of the references aside.
///
/// It takes some forty bytes for each image, and a bounded amount of memory for the rest.
pub(crate) struct PendingRows {
    hash: RandomState,
    /// IDs and names that were added, by a hash that nobody outside can foretell. Two texts with one
    /// hash cost time and nothing else.
    seen_ids: HashSet<u64>,
    seen_names: HashSet<u64>,
    ids: Sorter,
    names: Sorter,
    digests: Sorter,
    layers: Sorter,
}

impl PendingRows {
    /// What does not fit into memory waits in files in this folder, without names.
    pub(crate) fn new(folder: &Path) -> Self {
        let folder: Arc<Path> = folder.into();
        Self {
            hash: RandomState::new(),
            seen_ids: HashSet::new(),
            seen_names: HashSet::new(),
            ids: Sorter::new(&folder),
            names: Sorter::new(&folder),
            digests: Sorter::new(&folder),
            layers: Sorter::new(&folder),
        }
    }

    /// Notes the ID and the names of an image. Whether an image before may have one of them; if not,
    /// none has.
    pub(crate) fn note(&mut self, rows: &Rows<'_>) -> bool {
        let mut may_be_held = false;
        if let Some(id) = rows.id {
            may_be_held |= !self.seen_ids.insert(self.hash.hash_one(id));
        }
        for name in &rows.names {
            may_be_held |= !self.seen_names.insert(self.hash.hash_one(name));
        }
        may_be_held
    }

    /// Whether an image that was noted may have this ID; if not, none has.
    pub(crate) fn may_hold_id(&self, id: &str) -> bool {
        !self.seen_ids.is_empty() && self.seen_ids.contains(&self.hash.hash_one(id))
    }

    /// The same of a name.
    pub(crate) fn may_hold_name(&self, name: &str) -> bool {
        !self.seen_names.is_empty() && self.seen_names.contains(&self.hash.hash_one(name))
    }

    /// Forgets what was noted.
    pub(crate) fn forget(&mut self) {
        self.seen_ids.clear();
        self.seen_names.clear();
    }

    /// Adds the rows of an image, of which no image before has the ID or a name.
    pub(crate) fn add(&mut self, number: u64, rows: &Rows<'_>) -> Outcome<()> {
        if let Some(id) = rows.id {
            self.ids.push(id, number)?;
        }
        for name in &rows.names {
            self.names.push(name, number)?;
        }
        for digest in &rows.digests {
            self.digests.push(digest, number)?;
        }
        for layer in &rows.layers {
            self.layers.push(layer, number)?;
        }
        Ok(())
    }

    /// Writes the rows to the tables.
    pub(crate) fn flush(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        let is_large = self.ids.is_large();
        let WriteTables {
            ids,
            names,
            digests,
            layers,
            ..
        } = tables;
        let mut first = || {
            flush(&mut self.ids, ids, "ID", unique)?;
            flush(&mut self.names, names, "name", |name, number| {
                (name, number)
            })
        };
        let mut second = || {
            flush(&mut self.digests, digests, "digest", shared)?;
            flush(&mut self.layers, layers, "layer", shared)
        };
        if !is_large {
            return first().and_then(|()| second());
        }
        // Nobody else has anything to do by now, and the engine lets two threads fill two tables.
        let done = thread::scope(|scope| {
            let thread = thread::Builder::new().name("image-store-index".to_owned());
            let other = thread.spawn_scoped(scope, &mut first).ok()?;
            let second = second();
            let first = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            Some(first.and(second))
        });
        // Where there is no thread to be had, nothing was done.
        done.unwrap_or_else(|| first().and_then(|()| second()))
    }
}

/// Writes to an index, of which `row` makes a row.
fn flush<K: Key + 'static, V: Value + 'static>(
    rows: &mut Sorter,
    table: &mut Recorded<'_, K, V>,
    index: &str,
    row: impl for<'r> Fn(&'r str, u64) -> (K::SelfType<'r>, V::SelfType<'r>),
) -> Outcome<()> {
    if table.is_empty()? {
        let mut end = table.end()?;
        rows.drain(|text, number| {
            let (key, value) = row(text, number);
            Ok(end.insert(key, value)?)
        })?;
        return Ok(end.close()?);
    }
    rows.drain(|text, number| {
        let (key, value) = row(text, number);
        let replaced = table.insert(key, value)?.is_some();
        expect(!replaced, index, text, number)
    })
}

/// A row of the index of IDs.
fn unique(text: &str, number: u64) -> (KeyText<'_>, u64) {
    (KeyText::of(text), number)
}

/// A row of an index whose keys may belong to many images.
fn shared(text: &str, number: u64) -> ((KeyText<'_>, u64), ()) {
    ((KeyText::of(text), number), ())
}
