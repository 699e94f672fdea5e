//! Export into an images directory that an engine may have open.
//!
//! Everything happens under the write lock of the directory, so that nobody sees a state between.
//! What counts is what a kill or a power cut leaves, when the lock is gone:
//!
//! 1. All new files are written to a staging folder in the directory. A full disk shows here, and
//!    nothing has changed yet.
//! 2. The token in `images.lock` changes *first*: an engine that loaded the directory before loads
//!    it again when it next takes the lock, whatever happened in between. With the token last, a
//!    kill before it would leave an engine that writes the old records from its memory over the new
//!    ones, whose item files are gone.
//! 3. Folders and files that were not there are added. The old `images.json` does not mention them.
//! 4. Where a file has other bytes than before, neither record fits between its replacement and
//!    that of `images.json`. So the old records are first written without the sizes and digests of
//!    just these items, which the legacy store then takes from the files; then the files are
//!    replaced, each by a rename.
//! 5. The new `images.json` takes the place of the old by a rename.
//! 6. What only the old records mentioned is removed.
//!
//! The steps are on disk in this order. Before step 5 the directory has the old images, after it
//! the new ones, and each of them has all its files. A list of the images whose folders may be
//! there is kept beside until the end, so that the next export into the directory removes what a
//! killed one left.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::finding::ExportFinding;
use super::images::{self, is_same, write_item};
use super::layout::{ItemFiles, id_reason};
use super::place::in_the_way;
use super::report::Report;
use super::switch::{self, Stage};
use crate::error::Result;
use crate::legacy::directory::{Directory, FileKind, Found};
use crate::legacy::item_path::{is_file_name, item_file_name};
use crate::legacy::json::{ImagesJsonReader, ImagesJsonWriter, JsonError, Record};
use crate::legacy::lock::Lock;
use crate::legacy::source::{IMAGES_JSON, Source, unusable};
use crate::legacy::token;
use crate::model::Image;
use crate::read::Lookup as _;
use crate::store::{Snapshot, io_error};

/// The list of images whose folders a killed export may have left.
pub(super) const OWNED: &str = ".tmp-images.json.owned";

/// Opens the images directory at `path`.
pub(super) fn open(path: &Path) -> Result<Source> {
    if path.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(unusable(path, "it is no folder"));
    }
    Source::open(path)
}

/// Exports into an opened images directory.
pub(super) fn write(source: &Source, snapshot: &Snapshot, report: &mut Report<'_>) -> Result<()> {
    let path = source.path();
    let timeout = report.options.lock_timeout;
    let lock = Lock::write(source.directory(), path, timeout)?;
    let mut live = Live {
        source,
        snapshot,
        stage: Stage::make(source)?,
        owned: HashSet::new(),
        with_items: HashSet::new(),
    };
    if let Err(error) = live.prepare(report) {
        // Nothing but the stage has changed; the next export would remove it too.
        let _ = live.stage.remove();
        return Err(error);
    }
    let touched = token::renew(&lock);
    touched.map_err(|source| io_error("change the token in", path, source))?;
    live.stage.switch()?;
    live.stage
        .remove_what_is_gone(snapshot, &live.owned, &live.with_items)?;
    live.stage.remove()?;
    live.stage.forget()?;
    report.summary.directory = path.to_owned();
    Ok(())
}

struct Live<'a> {
    source: &'a Source,
    snapshot: &'a Snapshot,
    stage: Stage<'a>,
    /// IDs of images whose folders are, or will be, those of images of this directory.
    owned: HashSet<String>,
    /// IDs of the new images that have a folder.
    with_items: HashSet<String>,
}

impl Live<'_> {
    /// Writes everything new to the staging folder.
    fn prepare(&mut self, report: &mut Report<'_>) -> Result<()> {
        self.read_owned()?;
        let unreadable = self.old_records(|live, record| {
            live.owned.insert(record.image.id);
            Ok(())
        })?;
        if let Some(error) = &unreadable {
            let what = error.to_string();
            report.found(ExportFinding::OldRecords { what });
        }
        self.write_images(report)?;
        if unreadable.is_none() && self.stage.has_changed_files()? {
            self.write_transition()?;
        }
        self.write_owned()?;
        self.stage.sync()
    }

    fn write_images(&mut self, report: &mut Report<'_>) -> Result<()> {
        let (records, path) = self.stage.new_file(IMAGES_JSON)?;
        let snapshot = self.snapshot;
        images::write(snapshot, report, records, &path, |image, files, report| {
            if files.is_empty() {
                return Ok(());
            }
            self.owned.insert(image.id.clone());
            self.with_items.insert(image.id.clone());
            self.stage_image(image, files, report)
        })
    }

    fn stage_image(
        &self,
        image: &Image,
        files: &ItemFiles<'_>,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let id = image.id.as_str();
        let path = self.source.path().join(id);
        let refused = |source| io_error("open", &path, source);
        let there = match self.source.directory().child(OsStr::new(id)) {
            Ok(Found::Opened(folder)) => Some(folder),
            Ok(Found::Missing) => None,
            Ok(Found::Other(kind)) => return Err(io_error("replace", &path, in_the_way(kind))),
            Err(error) => return Err(refused(error)),
        };
        for (name, key) in files {
            let file_path = path.join(name);
            let (part, is_there) = match &there {
                None => (switch::FOLDERS, false),
                Some(folder) => self.part(folder, (id, key), name, &file_path)?,
            };
            let size = if is_there {
                report.summary.unchanged_items += 1;
                image_item_size(self.snapshot, id, key)?
            } else {
                let folder = self.stage.folder(part, id)?;
                write_item(self.snapshot, (id, key), &folder, name, &path)?
            };
            report.item(size);
        }
        Ok(())
    }

    /// Where the file of an item of an image that has a folder is staged, and whether it is there
    /// already as it should be.
    fn part(
        &self,
        folder: &Directory,
        item: (&str, &str),
        name: &str,
        path: &Path,
    ) -> Result<(&'static str, bool)> {
        let found = folder.own_file(OsStr::new(name));
        match found.map_err(|source| io_error("open", path, source))? {
            Found::Missing => Ok((switch::ADDED, false)),
            Found::Opened(file) => {
                let is_same = is_same(self.snapshot, item, file, path)?;
                Ok((switch::CHANGED, is_same))
            }
            Found::Other(FileKind::Folder) => {
                let source = in_the_way(FileKind::Folder);
                Err(io_error("replace", path, source))
            }
            // A link or a FIFO is replaced as a file is; where it leads is left alone.
            Found::Other(_) => Ok((switch::CHANGED, false)),
        }
    }

    /// Writes the old records without what does not fit while files are replaced.
    fn write_transition(&mut self) -> Result<()> {
        let (file, path) = self.stage.new_file(switch::TRANSITION)?;
        let refused = |source| io_error("write", &path, source);
        let mut writer = ImagesJsonWriter::new(BufWriter::new(file)).map_err(refused)?;
        self.old_records(|live, record| {
            let mut image = record.image;
            if let Some(changed) = live.stage.changed(&image.id)? {
                for (key, item) in &mut image.big_data {
                    let name = item_file_name(key);
                    let name = name.trim_end_matches('/');
                    let is_changed = || changed.kind_of(OsStr::new(name));
                    if is_file_name(name) && is_changed().map_err(refused)?.is_some() {
                        item.size = None;
                        item.digest = None;
                    }
                }
            }
            writer.write(&image).map_err(refused)
        })?;
        let written = writer.finish().map_err(refused)?.into_inner();
        let file = written.map_err(|error| refused(error.into_error()))?;
        file.sync_all().map_err(refused)
    }

    /// Calls `each` with every old record, and says where they cannot be read any further.
    fn old_records(
        &mut self,
        mut each: impl FnMut(&mut Self, Record) -> Result<()>,
    ) -> Result<Option<JsonError>> {
        let Some(records) = self.source.records()? else {
            return Ok(None);
        };
        let mut reader = ImagesJsonReader::new(records);
        loop {
            match reader.next_record() {
                Ok(Some((_, record))) => each(self, record)?,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error)),
            }
        }
    }

    /// Takes over the list of a killed export. The IDs in it end with a NUL, which none can have.
    fn read_owned(&mut self) -> Result<()> {
        let path = self.owned_path();
        let refused = |source| io_error("read", &path, source);
        let found = self.source.directory().own_file(OsStr::new(OWNED));
        let Found::Opened(mut file) = found.map_err(refused)? else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(refused)?;
        let ids = bytes.split(|byte| *byte == 0);
        let ids = ids.filter_map(|id| String::from_utf8(id.to_vec()).ok());
        self.owned.extend(ids);
        Ok(())
    }

    /// Puts the list beside the records before any of them changes.
    fn write_owned(&mut self) -> Result<()> {
        // Such an ID has no folder of its own.
        self.owned.retain(|id| id_reason(id).is_none());
        let (file, path) = self.stage.new_file(OWNED)?;
        let write = || -> io::Result<()> {
            let mut out = BufWriter::new(file);
            for id in &self.owned {
                out.write_all(id.as_bytes())?;
                out.write_all(b"\0")?;
            }
            out.into_inner()?.sync_all()
        };
        write().map_err(|source| io_error("write", &path, source))
    }

    fn owned_path(&self) -> PathBuf {
        self.source.path().join(OWNED)
    }
}

fn image_item_size(snapshot: &Snapshot, id: &str, key: &str) -> Result<u64> {
    snapshot.big_data_reader(id, key).map(|item| item.size())
}
