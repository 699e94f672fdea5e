//! The engine below this library, bare: the same gets and the same rows, records decoded by the
//! library's codec, without error containment or a gate.

use std::path::Path;

use anyhow::{Context as _, Result};
use redb::{
    AccessGuard, Builder, ConcurrencyMode, Database, ReadOnlyTable, ReadTransaction,
    ReadableDatabase, ReadableTable,
};

use image_store::bench::{
    IndexKey, begins_with, decode_record, encode_record, first_key, key, text,
};

use crate::peers::{Peer, Reads};
use crate::rows::{DIGESTS, Fresh, IDS, IMAGES, NAMES, insert};

/// A copy of a store's file, opened by redb alone.
pub struct BareRedb {
    database: Database,
    exclusive: bool,
}

impl BareRedb {
    /// Opens the file at `path` with a cache of so many bytes.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    pub fn open(path: &Path, exclusive: bool, cache: usize) -> Result<Self> {
        let mode = if exclusive {
            ConcurrencyMode::ExclusiveWriter
        } else {
            ConcurrencyMode::MultiWriter
        };
        let mut builder = Builder::new();
        builder.set_cache_size(cache).set_concurrency_mode(mode);
        Ok(Self {
            database: builder.open(path)?,
            exclusive,
        })
    }

    fn begin_write(&self) -> Result<redb::WriteTransaction> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(self.exclusive);
        Ok(transaction)
    }
}

impl Peer for BareRedb {
    fn label(&self) -> &'static str {
        if self.exclusive {
            "bare redb, exclusive"
        } else {
            "bare redb, shared"
        }
    }

    fn durability(&self) -> &'static str {
        if self.exclusive {
            "Immediate, quick repair: on disk when it returns; one process"
        } else {
            "Immediate, MultiWriter: on disk when it returns; any number of processes"
        }
    }

    fn own(&self) -> &dyn Reads {
        self
    }

    fn held(&self) -> Result<Box<dyn Reads + '_>> {
        let transaction = self.database.begin_read()?;
        Ok(Box::new(Held {
            ids: transaction.open_table(IDS)?,
            names: transaction.open_table(NAMES)?,
            images: transaction.open_table(IMAGES)?,
            digests: transaction.open_table(DIGESTS)?,
            transaction,
        }))
    }

    fn set_metadata(&self, id: &str, metadata: &str) -> Result<()> {
        let transaction = self.begin_write()?;
        {
            let mut images = transaction.open_table(IMAGES)?;
            let ids = transaction.open_table(IDS)?;
            let number = ids.get(key(id))?.context("no such ID")?.value();
            let before = images.get(number)?.context("no record")?;
            let mut image = decode_record(number, before.value())?;
            drop(before);
            metadata.clone_into(&mut image.metadata);
            let record = encode_record(number, &image)?;
            images.insert(number, record.as_slice())?;
        }
        Ok(transaction.commit()?)
    }

    fn create(&self, fresh: Fresh) -> Result<()> {
        self.bulk(vec![fresh])
    }

    fn bulk(&self, fresh: Vec<Fresh>) -> Result<()> {
        let transaction = self.begin_write()?;
        insert(&transaction, &fresh)?;
        Ok(transaction.commit()?)
    }
}

/// What a reference costs: an exact ID, then a name, then a prefix. A table that is not needed is
/// not opened.
fn resolve(
    ids: &ReadOnlyTable<IndexKey, u64>,
    name: impl FnOnce(&str) -> Result<Option<u64>>,
    reference: &str,
) -> Result<u64> {
    if let Some(number) = ids.get(key(reference))? {
        return Ok(number.value());
    }
    if let Some(number) = name(reference)? {
        return Ok(number);
    }
    let mut found = ids.range(first_key(reference)..)?;
    let (id, number) = found.next().context("no such ID")??;
    anyhow::ensure!(begins_with(id.value(), reference)?, "no such ID");
    if let Some(row) = found.next() {
        anyhow::ensure!(!begins_with(row?.0.value(), reference)?, "ambiguous");
    }
    Ok(number.value())
}

impl BareRedb {
    fn get(&self, reference: &str) -> Result<usize> {
        let read = self.database.begin_read()?;
        let ids = read.open_table(IDS)?;
        let name = |name: &str| Ok(read.open_table(NAMES)?.get(name)?.map(|row| row.value()));
        let number = resolve(&ids, name, reference)?;
        let images = read.open_table(IMAGES)?;
        decoded(number, images.get(number)?)
    }
}

/// Decodes a record as every lookup of the library does.
fn decoded(number: u64, record: Option<AccessGuard<'_, &'static [u8]>>) -> Result<usize> {
    let record = record.context("no record")?;
    Ok(decode_record(number, record.value())?.metadata.len())
}

impl Reads for BareRedb {
    fn by_id(&self, id: &str) -> Result<usize> {
        self.get(id)
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        self.get(name)
    }

    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.get(prefix)
    }

    fn by_digest(&self, digest: &str) -> Result<usize> {
        let read = self.database.begin_read()?;
        digest_lengths(
            &read.open_table(DIGESTS)?,
            &read.open_table(IMAGES)?,
            digest,
        )
    }

    fn item(&self, _id: &str, _key: &str) -> Result<usize> {
        // Which content an item has is in the record, which bare redb does not decode.
        anyhow::bail!("not measured")
    }

    fn list(&self) -> Result<usize> {
        self.held()?.list()
    }

    fn list_ids(&self) -> Result<usize> {
        self.held()?.list_ids()
    }
}

fn digest_lengths(
    digests: &ReadOnlyTable<(IndexKey, u64), ()>,
    images: &ReadOnlyTable<u64, &'static [u8]>,
    digest: &str,
) -> Result<usize> {
    let mut length = 0;
    let digest = key(digest);
    for row in digests.range((digest, 0)..=(digest, u64::MAX))? {
        let number = row?.0.value().1;
        length += decoded(number, images.get(number)?)?;
    }
    Ok(length)
}

struct Held {
    ids: ReadOnlyTable<IndexKey, u64>,
    names: ReadOnlyTable<&'static str, u64>,
    images: ReadOnlyTable<u64, &'static [u8]>,
    digests: ReadOnlyTable<(IndexKey, u64), ()>,
    #[allow(dead_code, reason = "the tables are those of this transaction")]
    transaction: ReadTransaction,
}

impl Reads for Held {
    fn by_id(&self, id: &str) -> Result<usize> {
        let name = |name: &str| Ok(self.names.get(name)?.map(|row| row.value()));
        let number = resolve(&self.ids, name, id)?;
        decoded(number, self.images.get(number)?)
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        self.by_id(name)
    }

    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.by_id(prefix)
    }

    fn by_digest(&self, digest: &str) -> Result<usize> {
        digest_lengths(&self.digests, &self.images, digest)
    }

    fn item(&self, _id: &str, _key: &str) -> Result<usize> {
        anyhow::bail!("not measured")
    }

    fn list(&self) -> Result<usize> {
        let mut count = 0;
        for row in self.images.iter()? {
            let (number, record) = row?;
            decode_record(number.value(), record.value())?;
            count += 1;
        }
        Ok(count)
    }

    fn list_ids(&self) -> Result<usize> {
        let mut count = 0;
        for row in self.ids.iter()? {
            count += usize::from(!text(row?.0.value())?.is_empty());
        }
        Ok(count)
    }
}
