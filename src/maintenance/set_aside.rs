//! What a repair cannot keep, put where a person can look at it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::Result;
use crate::maintenance::verify::Finding;
use crate::model::Timestamp;
use crate::store::{folder, io_error, sync_folder};

/// A folder beside a store, made when the first thing is put into it: numbered notes in JSON, and
/// the bytes they tell of.
pub(super) struct SetAside {
    folder: PathBuf,
    notes: u64,
}

impl SetAside {
    pub(super) fn beside(store: &Path) -> Self {
        let mut name = store.file_name().unwrap_or_default().to_owned();
        name.push(format!(".set-aside-{}", Timestamp::now().unix_seconds()));
        Self {
            folder: folder(store).join(name),
            notes: 0,
        }
    }

    /// The folder; `None` where nothing was put into it.
    pub(super) fn folder(&self) -> Option<&Path> {
        (self.notes > 0).then_some(self.folder.as_path())
    }

    /// Writes a note of what was found, and the bytes as far as they could be read.
    pub(super) fn keep(&mut self, finding: &Finding, bytes: Option<&[u8]>) -> Result<()> {
        if self.notes == 0 {
            DirBuilder::new()
                .mode(0o700)
                .create(&self.folder)
                .map_err(|source| io_error("create", &self.folder, source))?;
        }
        self.notes += 1;
        let bytes_name = format!("{:06}.bytes", self.notes);
        if let Some(bytes) = bytes {
            write(&self.folder.join(&bytes_name), bytes)?;
        }
        let note = json!({
            "kind": finding.kind(),
            "message": finding.to_string(),
            "bytes": bytes.map(|_| bytes_name),
        });
        let mut text = note.to_string();
        text.push('\n');
        write(
            &self.folder.join(format!("{:06}.json", self.notes)),
            text.as_bytes(),
        )
    }

    /// Makes the folder and its files outlive a power cut.
    pub(super) fn sync(&self) -> Result<()> {
        if self.notes == 0 {
            return Ok(());
        }
        sync_folder(&self.folder)?;
        sync_folder(&folder(&self.folder))
    }
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
