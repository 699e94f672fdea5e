//! Item bytes of many new images at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;

use redb::ReadableTableMetadata as _;

use crate::codec::{Content, Encoding, encode_content};
use crate::content::encoder::{Encoder, Raw, Ready};
use crate::content::parts::{PartRow, part_rows};
use crate::content::references::{lookup, missing, put};
use crate::content::write::{Encoded, Stored, new_content, next_number};
use crate::engine::Outcome;
use crate::model::ContentHash;
use crate::tables::{WriteTables, number_after};

/// So many rows are kept in memory; they take some 100 MiB.
const ROWS: usize = 1 << 20;

/// So many bytes are encoded together, on another thread where more follow.
const BATCH: usize = 64 << 10;

/// Contents that are not in the tables yet, or not as they are here.
///
/// Between two [`flush_all`](Self::flush_all) nobody else may write to their tables.
#[derive(Default)]
pub(crate) struct PendingContents {
    rows: HashMap<ContentHash, Content>,
    /// What is known of the tables.
    tables: Option<Known>,
    parts: Vec<PartRow>,
    /// Bytes that are not encoded yet, and how many they are.
    raw: Vec<Raw>,
    raw_bytes: usize,
    encoder: Option<Encoder>,
    waiting: usize,
}

#[derive(Clone, Copy)]
struct Known {
    /// Whether they have rows.
    filled: bool,
    /// The number of the next content.
    next: u64,
}

impl PendingContents {
    /// How many bytes wait to be written.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether it must be flushed.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= ROWS
    }

    fn known(&mut self, tables: &WriteTables<'_>) -> Outcome<&mut Known> {
        Ok(match &mut self.tables {
            Some(known) => known,
            unknown @ None => unknown.insert(Known {
                filled: !tables.contents.is_empty()?,
                next: next_number(tables)?,
            }),
        })
    }

    /// Stores bytes whose hash is known, unless they are stored already. `ready` is what they are
    /// encoded to, where that is known.
    pub(crate) fn put(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        bytes: &[u8],
        ready: Option<&Encoded>,
    ) -> Outcome<()> {
        let size = bytes.len() as u64;
        if let Some(encoded) = ready {
            return self.put_encoded(tables, hash, size, encoded).map(drop);
        }
        if self.find(tables, &hash)?.is_some() {
            return Ok(());
        }
        if bytes.len() >= BATCH {
            // It is worth no copy.
            return self.add_encoded(tables, hash, size, &Encoded::new(bytes)?);
        }
        if self.raw_bytes >= BATCH {
            self.send_raw()?;
        }
        // How it is encoded is written to the row when that is known.
        let number = self.add(tables, hash, size, Encoding::Plain)?;
        self.waiting += bytes.len();
        self.raw_bytes += bytes.len();
        let bytes = bytes.to_vec();
        self.raw.push(Raw {
            hash,
            number,
            bytes,
        });
        Ok(())
    }

    /// Lets the bytes that are not encoded be encoded by another thread, where there is one.
    fn send_raw(&mut self) -> Outcome<()> {
        if self.encoder.is_none() {
            self.encoder = Encoder::start();
        }
        match &mut self.encoder {
            Some(encoder) => {
                self.raw_bytes = 0;
                encoder.send(mem::take(&mut self.raw))
            }
            None => self.encode_raw(),
        }
    }

    /// Encodes the bytes that are not, and waits for those that another thread encodes.
    fn encode_raw(&mut self) -> Outcome<()> {
        self.raw_bytes = 0;
        for raw in mem::take(&mut self.raw) {
            let ready = raw.encode()?;
            self.take(ready);
        }
        while let Some(batch) = self.encoder.as_mut().map_or(Ok(None), Encoder::next)? {
            for ready in batch {
                self.take(ready);
            }
        }
        Ok(())
    }

    fn take(&mut self, ready: Ready) {
        if let Some(content) = self.rows.get_mut(&ready.hash) {
            content.encoding = ready.encoding;
        }
        self.parts.extend(ready.parts);
    }

    /// Stores bytes that another thread has hashed and encoded, unless they are stored already.
    pub(crate) fn put_encoded(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Outcome<Stored> {
        let mut taken = 0;
        if self.find(tables, &hash)?.is_none() {
            self.add_encoded(tables, hash, size, encoded)?;
            taken = encoded.len() as u64;
        }
        Ok(Stored { hash, size, taken })
    }

    fn add_encoded(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Outcome<()> {
        let number = self.add(tables, hash, size, encoded.encoding())?;
        self.parts.extend(part_rows(number, encoded.bytes()));
        self.waiting += encoded.len();
        Ok(())
    }

    /// Adds the row of a content, and returns its number.
    fn add(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoding: Encoding,
    ) -> Outcome<u64> {
        let known = self.known(tables)?;
        let number = known.next;
        known.next = number_after(number)?;
        self.rows.insert(hash, new_content(number, size, encoding));
        Ok(number)
    }

    /// Stores the bytes that `store` yields, in bounded memory however many they are; they are not
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
            let known = self.known(tables)?;
            known.next = known.next.max(number_after(content.number)?);
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
        let filled = self.known(tables)?.filled;
        Ok(match self.rows.entry(*hash) {
            Entry::Occupied(row) => Some(row.into_mut()),
            Entry::Vacant(row) if filled => {
                lookup(tables, hash)?.map(|content| row.insert(content))
            }
            Entry::Vacant(_) => None,
        })
    }

    /// Writes the bytes that wait.
    pub(crate) fn flush(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.encode_raw()?;
        // In the order in which they were numbered, whoever has encoded them.
        self.parts
            .sort_unstable_by_key(|(number, part, _)| (*number, *part));
        tables.blobs.append(&self.parts, |(number, part, sealed)| {
            ((*number, *part), sealed.as_slice())
        })?;
        self.parts.clear();
        self.waiting = 0;
        Ok(())
    }

    /// Writes the bytes and all rows.
    pub(crate) fn flush_all(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.flush(tables)?;
        let mut rows: Vec<_> = self.rows.drain().collect();
        rows.sort_unstable_by_key(|(hash, _)| *hash);
        if tables.contents.is_empty()? {
            let mut end = tables.contents.end()?;
            for (hash, content) in &rows {
                let row = encode_content(hash, content)?;
                end.insert(hash.as_bytes(), row.as_slice())?;
            }
            end.close()?;
        } else {
            for (hash, content) in &rows {
                put(tables, hash, content)?;
            }
        }
        self.tables = None;
        Ok(())
    }
}
