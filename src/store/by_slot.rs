//! Opening a damaged file by one of its commit slots, where the engine refuses it as it is: the one that
//! is in use, by a header that is made anew, or the one of the state before.

use std::path::Path;

use redb::StorageBackend as _;

use crate::engine::contain;
use crate::error::Result;
use crate::store::backend::{Overlay, PAGE, Unshared};
use crate::store::database::Engine;
use crate::store::file::{io_error, not_a_store};
use crate::store::header::{self, Slot};
use crate::store::open::{builder, explain};
use crate::store::{OpenOptions, redo, untouched};

/// What a slot led to.
pub(super) struct Reached {
    pub(super) engine: Engine,
    /// Whether all that the redo log holds is in it.
    pub(super) has_log: bool,
    /// How many entries of a damaged redo log are in it, where some are.
    pub(super) log_entries: Option<u64>,
}

/// Both slots of the file at `path`, the latest first.
pub(super) fn slots(path: &Path, options: &OpenOptions) -> Result<[Slot; 2]> {
    let mut bytes = [0; header::LENGTH];
    let read = untouched::overlay(path, options)?.read(0, &mut bytes);
    read.map_err(|source| io_error("read", path, source))?;
    header::slots(&bytes).ok_or_else(|| not_a_store(path, "it has no header"))
}

/// Opens the file at `path` by a slot: in memory, to do there what the redo log holds, be it recovered,
/// which finds all its pages to be sound, or with its own book-keeping where it has that; and where
/// neither can be, only to read it. The file is not changed, and nobody writes to it meanwhile.
pub(super) fn open(path: &Path, options: &OpenOptions, slot: &Slot) -> Result<Reached> {
    in_memory(path, options, slot, true)
        .or_else(|_| in_memory(path, options, slot, false))
        .or_else(|_| to_read(path, options, slot))
}

fn in_memory(
    path: &Path,
    options: &OpenOptions,
    slot: &Slot,
    to_be_recovered: bool,
) -> Result<Reached> {
    let overlay = led_by(slot, to_be_recovered, path, options)?;
    let opened = contain(|| {
        let database = untouched::engine(options).create_with_backend(overlay)?;
        let names_log = contain(|| redo::is_named(&database)).unwrap_or(false);
        let recovered = contain(|| redo::recover_copy(&database, path, options));
        let has_log = names_log && recovered.is_ok();
        let log_entries = match recovered {
            Ok(_) => None,
            // It is taken as it is, whatever is missing.
            Err(failure) => {
                tracing::warn!(%failure, "it cannot be brought to its latest state");
                contain(|| redo::recover_copy_in_part(&database, path, options)).ok()
            }
        };
        Ok(Reached {
            engine: Engine::Copy(database),
            has_log,
            log_entries: log_entries.filter(|entries| *entries > 0),
        })
    });
    opened.map_err(|failure| explain(failure, path))
}

/// A reader that shares a file looks at no more than the pages that it reads.
fn to_read(path: &Path, options: &OpenOptions, slot: &Slot) -> Result<Reached> {
    let overlay = Unshared(led_by(slot, false, path, options)?);
    let opened = contain(|| Ok(builder(options, 0).open_read_only_with_backend(overlay)?));
    opened
        .map(|database| Reached {
            engine: Engine::ReadOnly(database),
            has_log: false,
            log_entries: None,
        })
        .map_err(|failure| explain(failure, path))
}

/// An overlay on the file in which the header leads to the slot, and that ends with a page.
fn led_by(
    slot: &Slot,
    to_be_recovered: bool,
    path: &Path,
    options: &OpenOptions,
) -> Result<Overlay<impl redb::StorageBackend + use<>>> {
    let overlay = untouched::overlay(path, options)?;
    let lead = || {
        let length = overlay.len()?;
        overlay.set_len(length - length % PAGE as u64)?;
        overlay.write(0, &slot.header(length, to_be_recovered))
    };
    lead().map_err(|source| io_error("read", path, source))?;
    Ok(overlay)
}
