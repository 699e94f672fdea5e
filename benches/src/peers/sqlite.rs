//! SQLite with the same rows and indexes. Records are kept as the bytes that the library writes, and
//! are decoded by its codec when they are read.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use image_store::bench::{decode_record, encode_record};
use redb::{ReadableDatabase, ReadableTable};
use rusqlite::{Connection, params};

use crate::peers::{Peer, Reads};
use crate::rows::{Fresh, IMAGES};
use crate::sample;

const SCHEMA: &str = "
    CREATE TABLE images(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record BLOB NOT NULL);
    CREATE TABLE names(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE digests(digest TEXT, number INTEGER, PRIMARY KEY(digest, number)) WITHOUT ROWID;
    CREATE TABLE layers(layer TEXT, number INTEGER, PRIMARY KEY(layer, number)) WITHOUT ROWID;
    CREATE TABLE contents(hash BLOB PRIMARY KEY, number INTEGER NOT NULL, refs INTEGER NOT NULL,
                          size INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE blobs(number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    -- Which content an item has; the library keeps it in the record.
    CREATE TABLE items(image INTEGER, key TEXT, content INTEGER NOT NULL,
                       PRIMARY KEY(image, key)) WITHOUT ROWID;
";

/// What a reference costs: an exact ID, then a name, then an unambiguous prefix of an ID. One statement
/// sees one state, and SQLite asks only as far as it must. "g" is greater than every hexadecimal digit.
const RESOLVED: &str = "
    SELECT number, record FROM images WHERE number = coalesce(
        (SELECT number FROM images WHERE id = ?1),
        (SELECT number FROM names WHERE name = ?1),
        (SELECT iif(count(*) = 1, min(number), NULL)
         FROM (SELECT number FROM images WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2)))";

/// One connection to a SQLite database.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    cache: usize,
}

impl Sqlite {
    /// Opens the database at `path` with a cache of so many bytes, and creates it where it is missing.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn open(path: &Path, cache: usize) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(60))?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -((cache >> 10) as i64))?;
        if !connection.table_exists(None, "images")? {
            connection.execute_batch(SCHEMA)?;
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
            cache,
        })
    }

    /// Takes the records of samples `0..` over from a store that [`sample::fill`] made.
    ///
    /// # Errors
    ///
    /// Those of both engines.
    pub fn fill_from(&self, store: &Path) -> Result<()> {
        let database = redb::Builder::new().open_read_only(store)?;
        let images = database.begin_read()?.open_table(IMAGES)?;
        self.connection.execute_batch("BEGIN")?;
        for row in images.iter()? {
            let (number, record) = row?;
            self.insert(
                number.value(),
                record.value(),
                &sample::bare_image(number.value()),
            )?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    }

    /// Another connection to the same database.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn again(&self) -> Result<Self> {
        Self::open(&self.path, self.cache)
    }

    fn insert(&self, number: u64, record: &[u8], image: &image_store::NewImage) -> Result<()> {
        let connection = &self.connection;
        let number = number as i64;
        connection
            .prepare_cached("INSERT INTO images VALUES (?, ?, ?)")?
            .execute(params![number, image.id, record])?;
        for name in &image.names {
            connection
                .prepare_cached("INSERT INTO names VALUES (?, ?)")?
                .execute(params![name, number])?;
        }
        if let Some(digest) = &image.digest {
            connection
                .prepare_cached("INSERT INTO digests VALUES (?, ?)")?
                .execute(params![digest, number])?;
        }
        if let Some(layer) = &image.top_layer {
            connection
                .prepare_cached("INSERT INTO layers VALUES (?, ?)")?
                .execute(params![layer, number])?;
        }
        Ok(())
    }

    fn insert_fresh(&self, fresh: &Fresh) -> Result<()> {
        let connection = &self.connection;
        let last: i64 = connection
            .prepare_cached("SELECT coalesce(max(number), -1) FROM images")?
            .query_row([], |row| row.get(0))?;
        let number = last as u64 + 1;
        self.insert(number, &fresh.record, &fresh.image)?;
        for (item, (hash, _)) in fresh.image.big_data.iter().zip(&fresh.contents) {
            connection
                .prepare_cached("INSERT INTO blobs(bytes) VALUES (?)")?
                .execute(params![item.data])?;
            let content = connection.last_insert_rowid();
            connection
                .prepare_cached("INSERT INTO contents VALUES (?, ?, 1, ?)")?
                .execute(params![hash, content, item.data.len() as i64])?;
            connection
                .prepare_cached("INSERT INTO items VALUES (?, ?, ?)")?
                .execute(params![number as i64, item.key, content])?;
        }
        Ok(())
    }

    fn length(&self, query: &str, key: &str) -> Result<usize> {
        let mut query = self.connection.prepare_cached(query)?;
        let mut rows = query.query([key])?;
        decoded(rows.next()?.context("no such image")?)
    }
}

/// Decodes a row of a number and a record, as every lookup of the library does.
fn decoded(row: &rusqlite::Row<'_>) -> Result<usize> {
    let record = row.get_ref(1)?.as_blob()?;
    Ok(decode_record(row.get::<_, i64>(0)? as u64, record)?
        .metadata
        .len())
}

impl Peer for Sqlite {
    fn label(&self) -> &'static str {
        "SQLite"
    }

    fn durability(&self) -> &'static str {
        "WAL, synchronous=FULL: on disk when it returns; any number of processes"
    }

    fn own(&self) -> &dyn Reads {
        self
    }

    fn held(&self) -> Result<Box<dyn Reads + '_>> {
        // One read transaction: BEGIN, and the first read pins the state.
        self.connection.execute_batch("BEGIN")?;
        Ok(Box::new(Held(self)))
    }

    fn set_metadata(&self, id: &str, metadata: &str) -> Result<()> {
        let connection = &self.connection;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let (number, record): (i64, Vec<u8>) = connection
            .prepare_cached("SELECT number, record FROM images WHERE id = ?")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut image = decode_record(number as u64, &record)?;
        metadata.clone_into(&mut image.metadata);
        let record = encode_record(number as u64, &image)?;
        connection
            .prepare_cached("UPDATE images SET record = ? WHERE id = ?")?
            .execute(params![record, id])?;
        Ok(connection.execute_batch("COMMIT")?)
    }

    fn create(&self, fresh: Fresh) -> Result<()> {
        self.bulk(vec![fresh])
    }

    fn bulk(&self, fresh: Vec<Fresh>) -> Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for fresh in &fresh {
            self.insert_fresh(fresh)?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }
}

impl Reads for Sqlite {
    fn by_id(&self, id: &str) -> Result<usize> {
        // The first question of [`RESOLVED`] answers it, and asking it alone is quicker.
        self.length("SELECT number, record FROM images WHERE id = ?", id)
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        self.length(RESOLVED, name)
    }

    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.length(RESOLVED, prefix)
    }

    fn by_digest(&self, digest: &str) -> Result<usize> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, record FROM digests JOIN images USING (number) WHERE digest = ?",
        )?;
        let mut rows = query.query([digest])?;
        let mut length = 0;
        while let Some(row) = rows.next()? {
            length += decoded(row)?;
        }
        Ok(length)
    }

    fn item(&self, id: &str, key: &str) -> Result<usize> {
        let mut query = self.connection.prepare_cached(
            "SELECT bytes FROM images JOIN items ON image = images.number \
             JOIN blobs ON blobs.number = content WHERE id = ? AND key = ?",
        )?;
        let bytes: Vec<u8> = query.query_row([id, key], |row| row.get(0))?;
        Ok(bytes.len())
    }

    fn list(&self) -> Result<usize> {
        let mut query = self
            .connection
            .prepare_cached("SELECT number, record FROM images ORDER BY number")?;
        let mut rows = query.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            decoded(row)?;
            count += 1;
        }
        Ok(count)
    }

    fn list_ids(&self) -> Result<usize> {
        let mut query = self
            .connection
            .prepare_cached("SELECT id FROM images ORDER BY id")?;
        let mut rows = query.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += usize::from(!row.get::<_, String>(0)?.is_empty());
        }
        Ok(count)
    }
}

/// Lookups between a `BEGIN` and its end.
struct Held<'a>(&'a Sqlite);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.0.connection.execute_batch("ROLLBACK");
    }
}

impl Reads for Held<'_> {
    fn by_id(&self, id: &str) -> Result<usize> {
        self.0.by_id(id)
    }
    fn by_name(&self, name: &str) -> Result<usize> {
        self.0.by_name(name)
    }
    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.0.by_prefix(prefix)
    }
    fn by_digest(&self, digest: &str) -> Result<usize> {
        self.0.by_digest(digest)
    }
    fn item(&self, id: &str, key: &str) -> Result<usize> {
        self.0.item(id, key)
    }
    fn list(&self) -> Result<usize> {
        self.0.list()
    }
    fn list_ids(&self) -> Result<usize> {
        self.0.list_ids()
    }
}
