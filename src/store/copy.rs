//! A private copy of a store that has to be mended and may not be written to.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend};

use crate::engine::{Failure, contain};
use crate::error::{Error, Result};
use crate::store::file::{io_error, open_existing};
use crate::store::open::explain;
use crate::store::{OpenOptions, redo};

/// The beginning of the file, which every commit and every recovery changes.
const HEADER: usize = 512;

/// Copies the file at `path` into memory and mends it there.
///
/// Returns `None` where somebody wrote to the file while it was copied: then a writer lives, or has
/// recovered the file, and the copy is worth nothing.
///
/// # Errors
///
/// [`Error::NeedsRecovery`] where the file is larger than the options allow.
pub(super) fn recover(path: &Path, options: &OpenOptions) -> Result<Option<Database>> {
    let refused = |source| io_error("copy into memory", path, source);
    let file = open_existing(path, false)?;
    let limit = options.recovery_copy_limit;
    let mut bytes = Vec::new();
    (&file)
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(refused)?;
    if bytes.len() as u64 > limit {
        return Err(Error::NeedsRecovery {
            path: path.to_owned(),
        });
    }
    let mut header = [0; HEADER];
    let length = file.metadata().map_err(refused)?.len();
    if length != bytes.len() as u64 || file.read_exact_at(&mut header, 0).is_err() {
        return Ok(None);
    }
    if !bytes.starts_with(&header) {
        return Ok(None);
    }
    let database = contain(|| {
        let memory = InMemoryBackend::new();
        memory.set_len(length).map_err(redb::StorageError::Io)?;
        memory.write(0, &bytes).map_err(redb::StorageError::Io)?;
        drop(bytes);
        let database = Builder::new()
            .set_cache_size(options.cache_for(0))
            .create_with_backend(memory)?;
        let had_more = redo::recover_copy(&database, path, options)?;
        Ok((database, had_more))
    });
    let database = match database {
        // Somebody may have recovered the file meanwhile, and removed the log.
        Err(Failure::Error(Error::RedoLogMissing { .. })) if !is_unchanged(&file, &header) => {
            return Ok(None);
        }
        // The log may have been written over while it was read.
        Ok((_, true)) if !is_unchanged(&file, &header) => return Ok(None),
        copied => copied.map_err(|failure| explain(failure, path))?.0,
    };
    tracing::info!(path = %path.display(), "mended a copy in memory");
    Ok(Some(database))
}

fn is_unchanged(file: &File, header: &[u8; HEADER]) -> bool {
    let mut now = [0; HEADER];
    file.read_exact_at(&mut now, 0).is_ok() && now == *header
}
