//! Item bytes of many new images at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Bound;

use redb::ReadableTableMetadata;

use crate::codec::{Content, Sealed, encode_content, seal};
use crate::content::parts::parts;
use crate::content::references::{lookup, missing};
use crate::content::write::{Encoded, Stored, new_content, number_after};
use crate::engine::Outcome;
use crate::model::ContentHash;
use crate::tables::WriteTables;

/// So many rows are kept in memory; they take some 100 MiB.
const ROWS: usize = 1 << 20;

/// Contents that are not in the tables yet.
#[derive(Default)]
pub(crate) struct LoadedContents {
    /// Rows that are not in the table, or not as they are here.
    rows: HashMap<ContentHash, Content>,
    /// Whether rows that are not here may be in the table.
    in_table: bool,
    parts: Vec<(u64, u32, Vec<u8>)>,
    waiting: usize,
    next: u64,
}

impl LoadedContents {
    /// How many bytes wait to be written.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether it must be flushed.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= ROWS
    }

    /// Stores bytes that another thread has hashed and encoded, unless they are stored already.
    pub(crate) fn put(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Outcome<Stored> {
        if self.find(tables, &hash)?.is_some() {
            let taken = 0;
            return Ok(Stored { hash, size, taken });
        }
        let number = self.next;
        self.next = number_after(number)?;
        for (part, bytes) in (0..).zip(parts(encoded.bytes())) {
            let sealed = seal(Sealed::Part(number, part), bytes);
            self.waiting += sealed.len();
            self.parts.push((number, part, sealed));
        }
        let content = new_content(number, size, encoded.encoding());
        self.rows.insert(hash, content);
        let taken = encoded.len() as u64;
        Ok(Stored { hash, size, taken })
    }

    /// Stores the bytes that `input` yields, in bounded memory however many they are; they are not
    /// stored yet.
    pub(crate) fn put_stream(
        &mut self,
        tables: &mut WriteTables<'_>,
        store: impl FnOnce(&mut WriteTables<'_>) -> Outcome<Stored>,
    ) -> Outcome<Stored> {
        self.flush(tables)?;
        let stored = store(tables)?;
        // The table is to be filled in the order of its keys.
        if let Some(content) = lookup(tables, &stored.hash)? {
            tables.contents.remove(stored.hash.as_bytes())?;
            self.next = self.next.max(number_after(content.number)?);
            self.rows.insert(stored.hash, content);
        }
        Ok(stored)
    }

    /// Counts `more` items that refer to a content, which must be stored.
    pub(crate) fn refer(
        &mut self,
        tables: &WriteTables<'_>,
        hash: &ContentHash,
        more: u64,
    ) -> Outcome<()> {
        let content = self.find(tables, hash)?.ok_or_else(|| missing(hash))?;
        content.references = content.references.saturating_add(more);
        Ok(())
    }

    /// The row of a content, wherever it is.
    pub(crate) fn find(
        &mut self,
        tables: &WriteTables<'_>,
        hash: &ContentHash,
    ) -> Outcome<Option<&mut Content>> {
        Ok(match self.rows.entry(*hash) {
            Entry::Occupied(row) => Some(row.into_mut()),
            Entry::Vacant(row) if self.in_table => {
                lookup(tables, hash)?.map(|content| row.insert(content))
            }
            Entry::Vacant(_) => None,
        })
    }

    /// Writes the bytes that wait.
    pub(crate) fn flush(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        let mut end = tables
            .blobs
            .unrecorded()?
            .upper_bound_mut(Bound::<(u64, u32)>::Unbounded)?;
        for (number, part, sealed) in self.parts.drain(..) {
            end.insert_before((number, part), sealed.as_slice())?;
        }
        end.close()?;
        self.waiting = 0;
        Ok(())
    }

    /// Writes the bytes and all rows.
    pub(crate) fn flush_all(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.flush(tables)?;
        let mut rows: Vec<_> = self.rows.drain().collect();
        rows.sort_unstable_by_key(|(hash, _)| *hash);
        if tables.contents.is_empty()? {
            let mut end = tables
                .contents
                .unrecorded()?
                .upper_bound_mut(Bound::<&[u8; 32]>::Unbounded)?;
            for (hash, content) in &rows {
                let row = encode_content(hash, content)?;
                end.insert_before(hash.as_bytes(), row.as_slice())?;
            }
            end.close()?;
        } else {
            for (hash, content) in &rows {
                let row = encode_content(hash, content)?;
                tables.contents.insert(hash.as_bytes(), row.as_slice())?;
            }
        }
        self.in_table |= !rows.is_empty();
        Ok(())
    }
}
