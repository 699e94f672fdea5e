//! Bringing a file to the latest state of its store, in the schema of this version: a migration, and
//! doing again what a log holds, after the process that wrote it died.

use std::path::Path;

use redb::{Database, ReadableDatabase};

use super::file;
use crate::codec::{BLOCK, Entry, LogId, blocks, decode_entry, each_change};
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::meta;
use crate::migrations;
use crate::store::{Access, OpenOptions};
use crate::tables::{META, WriteTables, open_meta};

/// Whether the file of a store is not its latest state without the log, or of an older schema.
pub(in crate::store) fn is_needed(database: &impl ReadableDatabase) -> Outcome<bool> {
    let transaction = database.begin_read()?;
    match migrations::inspect(&transaction)? {
        Some(schema) if schema < migrations::CURRENT => Ok(true),
        Some(migrations::CURRENT) => Ok(meta::redo(&transaction.open_table(META)?)?.is_some()),
        // It is no store, or a newer one, and others say so.
        None | Some(_) => Ok(false),
    }
}

/// Whether the file of a store says that its last changes are in a log.
pub(in crate::store) fn is_named(database: &impl ReadableDatabase) -> Outcome<bool> {
    let transaction = database.begin_read()?;
    Ok(meta::redo(&transaction.open_table(META)?)?.is_some())
}

/// Brings a store to the schema of this version and what its log holds into it, and removes the log.
/// `begun` is called when nobody else is in the way any more.
///
/// # Errors
///
/// [`Error::RedoLogMissing`] where there is no log that continues the file.
pub(in crate::store) fn recover(
    database: &Database,
    path: &Path,
    options: &OpenOptions,
    begun: impl FnOnce(),
) -> Outcome<()> {
    if !options.unmended
        && is_needed(database)?
        && let Some(replayed) = replay(database, path, options, Extent::All, begun)?
        // By now another store may be at this path, with a log of its own.
        && file::read(path, &options.storage, &replayed.id)?.is_some()
    {
        file::remove_leftover(path);
    }
    Ok(())
}

/// The same for a copy of the store in memory; the log stays. Whether there was anything to do.
pub(in crate::store) fn recover_copy(
    database: &Database,
    path: &Path,
    options: &OpenOptions,
) -> Outcome<bool> {
    let is_needed = is_needed(database)?;
    if is_needed {
        replay(database, path, options, Extent::All, || ())?;
    }
    Ok(is_needed)
}

/// The same with a log that is damaged: does what it holds up to the damage. How many entries that
/// were; the store goes on to say that it is not its latest state without the log.
///
/// # Errors
///
/// [`Error::RedoLogMissing`] where there are none.
pub(in crate::store) fn recover_copy_in_part(
    database: &Database,
    path: &Path,
    options: &OpenOptions,
) -> Outcome<u64> {
    let replayed = replay(database, path, options, Extent::UpToDamage, || ())?;
    Ok(replayed.map_or(0, |replayed| replayed.entries))
}

/// How much of a log is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All, or nothing where any of it is missing.
    All,
    /// What comes before the first that cannot be read, for a repair.
    UpToDamage,
}

/// What was done of a log.
struct Replayed {
    id: LogId,
    entries: u64,
}

/// Does what the log holds; `None` where there is none, or somebody else has done it.
///
/// The schema comes first: a log of an older one is done to the tables of this one, whose keys are
/// made of those that it holds.
fn replay(
    database: &Database,
    path: &Path,
    options: &OpenOptions,
    extent: Extent,
    begun: impl FnOnce(),
) -> Outcome<Option<Replayed>> {
    let mut transaction = database.begin_write()?;
    begun();
    transaction.set_quick_repair(options.access == Access::Exclusive);
    let missing = || Error::RedoLogMissing {
        path: path.to_owned(),
        log: file::path(path),
    };
    let meta = open_meta(&transaction)?;
    // Another process may have done all this while this one waited, or a newer one more.
    let is_known = meta::schema(&*meta)?.is_some_and(|schema| schema <= migrations::CURRENT);
    let id = if is_known { meta::redo(&*meta)? } else { None };
    drop(meta);
    let log = match id {
        Some(id) => {
            let entries = match extent {
                Extent::All => file::read(path, &options.storage, &id)?,
                Extent::UpToDamage => file::read_damaged(path, &options.storage)?,
            };
            Some((id, entries.ok_or_else(missing)?))
        }
        None => None,
    };
    let has_migrated = is_known && migrations::migrate(&transaction)?;
    let Some((id, entries)) = log else {
        if has_migrated {
            transaction.commit()?;
            tracing::info!(path = %path.display(), "brought to the present schema");
        } else {
            transaction.abort()?;
        }
        return Ok(None);
    };
    let mut tables = WriteTables::open(&transaction)?;
    let applied = apply(&mut tables, &id, &entries)?;
    let is_enough = match extent {
        Extent::All => !applied.has_gap,
        Extent::UpToDamage => applied.entries > 0,
    };
    if !is_enough {
        return Err(missing().into());
    }
    if extent == Extent::All {
        meta::clear_redo(&mut tables.meta)?;
    }
    drop(tables);
    transaction.commit()?;
    let entries = applied.entries;
    tracing::info!(path = %path.display(), entries, ?extent, "did what the redo log holds");
    Ok(Some(Replayed { id, entries }))
}

/// What became of the entries of a log.
struct Applied {
    /// How many were done.
    entries: u64,
    /// Whether there are more, and some are missing in between.
    has_gap: bool,
}

/// Does the changes of all entries that continue the store, up to one that is missing.
fn apply(tables: &mut WriteTables<'_>, id: &LogId, entries: &[u8]) -> Outcome<Applied> {
    let mut done = 0;
    let mut rest = entries;
    let first = meta::generation(&*tables.meta)?;
    let mut generation = first;
    // What was made durable since is left where nothing was appended after that.
    while let Some(entry) = decode_entry(id, rest).filter(|entry| entry.generation < first) {
        rest = behind(&entry, rest);
    }
    // Others are left over from before the store's last durable commit, and so is all behind them.
    while let Some(entry) = decode_entry(id, rest).filter(|next| next.generation == generation) {
        each_change(entry.changes, |change| tables.apply(change))?;
        let after = meta::generation(&*tables.meta)?;
        if after <= generation {
            return Err(Failure::corrupt(
                "an entry of the redo log is no transaction",
            ));
        }
        generation = after;
        done += 1;
        rest = behind(&entry, rest);
    }
    // Each entry was on disk before the next was written, so a cut damages the last one only.
    let is_later =
        |entries| decode_entry(id, entries).is_some_and(|entry| entry.generation >= first);
    let has_gap = (0..rest.len())
        .step_by(BLOCK)
        .filter_map(|at| rest.get(at..))
        .any(is_later);
    Ok(Applied {
        entries: done,
        has_gap,
    })
}

/// What follows an entry that begins here.
fn behind<'a>(entry: &Entry<'_>, entries: &'a [u8]) -> &'a [u8] {
    let length = blocks(entry.changes.len());
    entries.get(length..).unwrap_or_default()
}
