//! What a repair cannot keep, put where a person can look at it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Result};
use crate::maintenance::verify::Finding;
use crate::model::Timestamp;
use crate::store::{folder, io_error, sync_folder};

/// A folder beside a store, made when the first thing is put into it: numbered notes in JSON, and
/// the bytes they tell of. It is gone when this is dropped before [`stay`](Self::stay): a store that
/// is as it was has lost nothing.
pub(super) struct SetAside {
    store: PathBuf,
    folder: Option<PathBuf>,
    notes: u64,
}

impl SetAside {
    pub(super) fn beside(store: &Path) -> Self {
        Self {
            store: store.to_owned(),
            folder: None,
            notes: 0,
        }
    }

    /// The folder, which stays; `None` where nothing was put into it.
    pub(super) fn stay(mut self) -> Option<PathBuf> {
        self.folder.take()
    }

    /// The folder, which is there from now on.
    fn made_folder(&mut self) -> Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let made = beside(&self.store, "set-aside", |folder| {
            DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .map_err(|source| io_error("create", folder, source))
        })?;
        self.folder = Some(made.clone());
        Ok(made)
    }

    /// Writes a note of what was found, and the bytes as far as they could be read.
    pub(super) fn keep(&mut self, finding: &Finding, bytes: Option<&[u8]>) -> Result<()> {
        let folder = self.made_folder()?;
        self.notes += 1;
        let bytes_name = format!("{:06}.bytes", self.notes);
        if let Some(bytes) = bytes {
            write(&folder.join(&bytes_name), bytes)?;
        }
        let note = json!({
            "kind": finding.kind(),
            "message": finding.to_string(),
            "bytes": bytes.map(|_| bytes_name),
        });
        let mut text = note.to_string();
        text.push('\n');
        write(
            &folder.join(format!("{:06}.json", self.notes)),
            text.as_bytes(),
        )
    }

    /// Makes the folder and its files outlive a power cut.
    pub(super) fn sync(&self) -> Result<()> {
        let Some(made) = &self.folder else {
            return Ok(());
        };
        sync_folder(made)?;
        sync_folder(&folder(made))
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        let Some(folder) = &self.folder else { return };
        if let Err(error) = std::fs::remove_dir_all(folder) {
            tracing::warn!(folder = %folder.display(), %error, "left over by a repair that failed");
        }
    }
}

/// Makes something beside a store, under its name with what it is and the time in seconds. Where
/// that is taken, as by a repair just before, a number follows.
pub(super) fn beside(
    store: &Path,
    what: &str,
    make: impl Fn(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}-{}", Timestamp::now().unix_seconds()));
    let first = folder(store).join(name);
    let mut path = first.clone();
    for number in 2_u32.. {
        match make(&path) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                let mut name = first.clone().into_os_string();
                name.push(format!("-{number}"));
                path = name.into();
            }
            made => return made.map(|()| path),
        }
    }
    Err(Error::AlreadyExists { path: first })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| io_error("write", path, source))
}
