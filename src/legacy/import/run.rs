//! The import itself.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::checked::Checked;
use super::folders::Folders;
use super::items::{Item, ItemFolder, keys};
use super::options::{ImportOptions, ImportProgress};
use super::summary::ImportSummary;
use crate::error::{Error, Result};
use crate::legacy::Finding;
use crate::legacy::item_path::is_file_name;
use crate::legacy::json::{ImagesJsonReader, JsonError, JsonFault, Position, Record};
use crate::legacy::source::Source;
use crate::model::Image;
use crate::store::{ImageStore, Nascent, Placement, Transaction};

/// Imports the legacy images directory at `source` into a new store at `store`.
///
/// `source` is an images directory, its `images.json`, or a storage root that holds exactly one
/// folder whose name ends with `-images`. Nothing is written to it, and nothing outside of the
/// images directory is read.
///
/// The store appears whole, when everything is in it and on disk, or not at all. All records are
/// taken over with every field, in their order; of two images with one name the later keeps it, and
/// of two records with one ID the later counts. Item bytes are taken as they lie in the directory,
/// whatever the record says of them; an item whose file is missing keeps its recorded size and
/// digest. What is not as the legacy store would have left it is a [`Finding`].
///
/// # Examples
///
/// See [`ImportOptions`].
///
/// # Errors
///
/// Nothing is left of the new store then.
///
/// - [`Error::AlreadyExists`]: there is something at `store`.
/// - [`Error::LegacySource`]: there is no images directory at `source`, or more than one.
/// - [`Error::LegacyLocked`]: an engine changed the source for longer than the lock timeout.
/// - [`Error::LegacyRecords`]: `images.json` cannot be read; the error says where and why.
/// - [`Error::TooLarge`]: a record is too large for the store.
/// - [`Error::Io`]: a file of the source cannot be read, or the store cannot be written.
#[tracing::instrument(skip_all, fields(source = %source.display(), store = %store.display()))]
pub fn import(source: &Path, store: &Path, options: ImportOptions<'_>) -> Result<ImportSummary> {
    let begun = Instant::now();
    let source = Source::open(source)?;
    // Also refused at the end, but an import may take long.
    if store.symlink_metadata().is_ok() {
        return Err(Error::AlreadyExists {
            path: store.to_owned(),
        });
    }
    let engine = ImageStore::options().cache_size(options.cache_size);
    // Held until everything is read.
    let lock = match options.lock_timeout {
        Some(timeout) => source.lock(timeout)?,
        None => None,
    };
    let new = Nascent::new(store, &engine)?;
    let mut import = Import {
        source: &source,
        transaction: new.store()?.write()?,
        folders: Folders::list(&source)?,
        progress: ImportProgress::default(),
        summary: ImportSummary::default(),
        options,
    };
    import.run()?;
    drop(lock);
    let Import {
        transaction,
        mut summary,
        ..
    } = import;
    transaction.commit()?;
    new.appear(Placement::New)?;
    summary.elapsed = begun.elapsed();
    tracing::info!(
        images = summary.images,
        names = summary.names,
        items = summary.items,
        findings = summary.finding_count(),
        elapsed = ?summary.elapsed,
        "imported"
    );
    Ok(summary)
}

struct Import<'a> {
    source: &'a Source,
    transaction: Transaction,
    folders: Folders,
    progress: ImportProgress,
    summary: ImportSummary,
    options: ImportOptions<'a>,
}

impl Import<'_> {
    fn run(&mut self) -> Result<()> {
        match self.source.records()? {
            Some(records) => self.take_records(records)?,
            None => self.found(Finding::NoRecordsFile),
        }
        let folders = self.folders.count();
        if self.progress.images == 0 && folders > 0 {
            self.found(Finding::NoRecords { folders });
        }
        for finding in std::mem::take(&mut self.folders).without_image() {
            self.found(finding);
        }
        Ok(())
    }

    fn take_records(&mut self, records: File) -> Result<()> {
        let path = self.source.records_path();
        let metadata = records.metadata().map_err(|source| Error::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        self.progress.records_size = metadata.len();
        let mut reader = ImagesJsonReader::new(records);
        let unreadable = |error| records_error(&path, error);
        while let Some((position, record)) = reader.next_record().map_err(unreadable)? {
            self.take(position, record)?;
            self.progress.images += 1;
            self.progress.record_bytes = reader.offset();
            (self.options.on_progress)(&self.progress);
        }
        self.summary.record_bytes = reader.offset();
        Ok(())
    }

    fn take(&mut self, position: Position, record: Record) -> Result<()> {
        let Record {
            mut image,
            oddities,
            ..
        } = record;
        for oddity in oddities {
            self.found(Finding::of_oddity(&image.id, oddity));
        }
        if !is_file_name(&image.id) {
            let id = image.id.clone();
            self.found(Finding::UnusualId { id });
        }
        self.take_items(&mut image)?;
        let later = image.id.clone();
        self.count(&image, |total, of_image| *total += of_image);
        let displaced = self.transaction.insert_legacy(image)?;
        self.summary.names -= count(displaced.names.len());
        for taken in displaced.names {
            self.found(Finding::DuplicateName {
                name: taken.name,
                earlier: taken.holder,
                later: later.clone(),
            });
        }
        if let Some(earlier) = displaced.image {
            self.count(&earlier, |total, of_image| *total -= of_image);
            self.found(Finding::DuplicateId {
                id: later,
                offset: position.offset,
            });
        }
        Ok(())
    }

    fn take_items(&mut self, image: &mut Image) -> Result<()> {
        let id = image.id.clone();
        let folder = ItemFolder::open(self.source, &mut self.folders, &id)?;
        let keys: Vec<_> = keys(image).map(str::to_owned).collect();
        for key in keys {
            let file = match folder.item(&id, &key)? {
                Item::Bytes(file) => file,
                Item::Without(finding) => {
                    self.found(finding);
                    continue;
                }
            };
            let recorded = image.big_data.entry(key.clone()).or_default();
            let mut input = Checked::new(file, recorded.digest.as_deref());
            let stored = self.transaction.put_content(&key, &mut input);
            let stored = stored.map_err(|error| match error {
                Error::Input { source, .. } => folder.refused(&key, source),
                error => error,
            })?;
            recorded.content = Some(stored.hash);
            self.progress.items += 1;
            self.progress.item_bytes += stored.size;
            self.summary.item_bytes += stored.size;
            self.summary.stored_bytes += stored.taken;
            if stored.taken == 0 {
                self.summary.shared_bytes += stored.size;
            }
            for finding in input.findings(&id, &key, recorded, &stored) {
                self.found(finding);
            }
        }
        for finding in folder.unlisted(image)? {
            self.found(finding);
        }
        Ok(())
    }

    /// Adds what an image has to the totals, or takes it off them.
    fn count(&mut self, image: &Image, change: impl Fn(&mut u64, u64)) {
        let names: std::collections::BTreeSet<_> = image.names.iter().collect();
        let with_bytes = |item: &&crate::BigDataItem| item.content.is_some();
        change(&mut self.summary.images, 1);
        change(&mut self.summary.names, count(names.len()));
        let items = image.big_data.values().filter(with_bytes).count();
        change(&mut self.summary.items, count(items));
    }

    fn found(&mut self, finding: Finding) {
        tracing::debug!(kind = finding.kind(), %finding);
        (self.options.on_finding)(&finding);
        let kind = finding.kind();
        *self.summary.finding_counts.entry(kind).or_default() += 1;
        if self.summary.findings.len() < self.options.listed_findings {
            self.summary.findings.push(finding);
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The error of the library for one of the records file.
fn records_error(path: &Path, error: JsonError) -> Error {
    let path = path.to_owned();
    let Position {
        line,
        column,
        offset,
        ..
    } = error.position();
    match error.into_fault() {
        JsonFault::Read(source) => Error::Io {
            action: "read",
            path,
            source,
        },
        fault => Error::LegacyRecords {
            path,
            line,
            column,
            offset,
            what: fault.to_string(),
        },
    }
}
