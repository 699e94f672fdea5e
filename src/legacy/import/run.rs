//! The import itself.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::arrival::Arrival;
use super::batches::Batches;
use super::choices::OnDamage;
use super::destination::{Destination, Sink};
use super::folders::{Folders, finding_of};
use super::merge::{Merge, Verdict};
use super::options::ImportOptions;
use super::ordered::in_order;
use super::orphans;
use super::prepare::{Prepared, PreparedImage, Preparer, Step};
use super::progress::{ImportProgress, ImportStage};
use super::summary::ImportSummary;
use super::superseded::Superseded;
use super::verify::{Expected, verify};
use crate::error::{Error, Result};
use crate::legacy::Finding;
use crate::legacy::directory::FileKind;
use crate::legacy::lock::IMAGES_LOCK;
use crate::legacy::source::{IMAGES_JSON, Source};
use crate::store::{io_error, not_a_store};
use crate::write::Loadable;

/// Imports the legacy images directory at `source` into the store at `store`.
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
/// The options say what happens where a store is there already, where the directory is damaged, and
/// what else is done. The source is read under the engine's own lock.
///
/// # Examples
///
/// See [`ImportOptions`].
///
/// # Errors
///
/// Nothing is left of a new store then, and one that was there is as it was.
///
/// - [`Error::AlreadyExists`]: there is something at `store`.
/// - [`Error::NotAStore`], [`Error::ForeignDatabase`], [`Error::SchemaTooNew`]: what is to be
///   replaced or merged into is no store of this version.
/// - [`Error::Busy`]: others used the store to be replaced or merged into for too long.
/// - [`Error::LegacySource`]: there is no images directory at `source`, or more than one.
/// - [`Error::LegacyLocked`]: an engine changed the source for longer than the lock timeout.
/// - [`Error::LegacyRecords`]: `images.json` cannot be read; the error says where and why.
/// - [`Error::LegacyDamage`], [`Error::MergeConflicts`]: as the options say.
/// - [`Error::NotVerified`]: what was read back is not what the source holds.
/// - [`Error::TooLarge`]: a record is too large for the store.
/// - [`Error::Io`]: a file of the source cannot be read, or the store cannot be written.
#[tracing::instrument(skip_all, fields(source = %source.display(), store = %store.display()))]
pub fn import(source: &Path, store: &Path, options: ImportOptions<'_>) -> Result<ImportSummary> {
    let begun = Instant::now();
    let source = Source::open(source)?;
    if let Some(IMAGES_JSON | IMAGES_LOCK) = source.name_here(store)?.and_then(OsStr::to_str) {
        let why = "in the directory that is imported this is the engine's own file; choose another \
                   path for the store";
        return Err(not_a_store(store, why));
    }
    let destination = Destination::of(store, &options)?;
    // It may lie in the source; then it is nothing that the engine left there.
    let own = destination.file().map(|file| source.name_here(file));
    let own = own.transpose()?.flatten().map(ToOwned::to_owned);
    // Held until everything is read.
    let lock = match options.lock_timeout {
        Some(timeout) => source.lock(timeout)?,
        None => None,
    };
    let (sink, base) = destination.begin()?;
    let merge = match base {
        None => None,
        Some((base, on_conflict)) => {
            let folders;
            let mut whole = None;
            if options.on_damage == OnDamage::Skip {
                folders = Folders::list(&source)?;
                whole = Some(Preparer {
                    source: &source,
                    folders: &folders,
                });
            }
            let (salvage, threads) = (options.salvage, options.threads);
            let superseded = Superseded::of(&source, salvage, threads, whole.as_ref())?;
            Some(Merge::new(base, on_conflict, superseded))
        }
    };
    let mut import = Import {
        source: &source,
        own,
        sink,
        merge,
        expected: Expected::default(),
        progress: ImportProgress::default(),
        summary: ImportSummary::default(),
        damage: 0,
        conflicts: 0,
        options,
    };
    import.run()?;
    import.refuse(store)?;
    let Import {
        sink,
        expected,
        mut progress,
        mut summary,
        mut options,
        ..
    } = import;
    let check = options.verify;
    progress.stage = ImportStage::Writing;
    (options.on_progress)(&progress);
    destination.finish(sink, |written| {
        if check {
            let size = progress.records_size;
            verify(&source, written, &expected, size, &mut options)?;
            summary.verified = true;
            (options.on_progress)(&progress);
        }
        Ok(())
    })?;
    drop(lock);
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
    /// The name of the store in the source, where it lies there.
    own: Option<OsString>,
    sink: Sink,
    merge: Option<Merge>,
    expected: Expected,
    progress: ImportProgress,
    summary: ImportSummary,
    damage: u64,
    conflicts: u64,
    options: ImportOptions<'a>,
}

impl Import<'_> {
    fn run(&mut self) -> Result<()> {
        // Taken before the records are read: without folders, no record costs a look at the disk.
        let folders = Folders::list(self.source)?;
        match self.source.records()? {
            Some(records) => self.take_records(records, &folders)?,
            None => self.found(&Finding::NoRecordsFile),
        }
        let count = folders.count();
        if self.progress.images == 0 && count > 0 {
            self.found(&Finding::NoRecords { folders: count });
        }
        for (name, kind) in folders.without_image() {
            if Some(&name) != self.own.as_ref() {
                self.take_rest(name, kind)?;
            }
        }
        Ok(())
    }

    /// Ends the import where the options say that it must not go on.
    fn refuse(&self, store: &Path) -> Result<()> {
        if self.conflicts > 0 {
            return Err(Error::MergeConflicts {
                path: store.to_owned(),
                conflicts: self.conflicts,
            });
        }
        if self.damage > 0 && self.options.on_damage == OnDamage::Fail {
            return Err(Error::LegacyDamage {
                path: self.source.records_path(),
                damage: self.damage,
            });
        }
        Ok(())
    }

    fn take_records(&mut self, records: File, folders: &Folders) -> Result<()> {
        let metadata = records.metadata().map_err(|source| Error::Io {
            action: "read",
            path: self.source.records_path(),
            source,
        })?;
        self.progress.records_size = metadata.len();
        let batches = Batches::new(records, self.options.salvage);
        let source = self.source;
        let preparer = Preparer { source, folders };
        let form = match self.sink {
            Sink::New(..) => |image| Arrival::Loadable(Loadable::new(image)),
            Sink::Store(_) | Sink::Sketch(_) => Arrival::Image,
        };
        in_order(
            self.options.threads,
            batches,
            |workshop, batch| preparer.batch(batch, workshop, form),
            |prepared| self.take_batch(prepared),
        )
        .map_err(|error| io_error("start threads to read", &source.records_path(), error))?
    }

    fn take_batch(&mut self, prepared: &mut Prepared<Arrival>) -> Result<()> {
        for step in &mut prepared.steps {
            match step {
                Step::Image(image) => {
                    self.take(image)?;
                    self.progress.images += 1;
                    (self.options.on_progress)(&self.progress);
                }
                Step::Lost(finding) => self.found(finding),
            }
        }
        if let Some(error) = prepared.failed.take() {
            return Err(error);
        }
        self.progress.record_bytes = prepared.read;
        self.summary.record_bytes = prepared.read;
        (self.options.on_progress)(&self.progress);
        Ok(())
    }

    /// Takes what belongs to no record.
    fn take_rest(&mut self, name: OsString, kind: FileKind) -> Result<()> {
        if self.options.recover_orphans
            && kind == FileKind::Folder
            && let Some(id) = name.to_str()
            && let Some(image) = orphans::recover(self.source, id)?
        {
            let id = id.to_owned();
            if self.take(&mut image.map(Arrival::Image))? {
                self.summary.recovered += 1;
                self.expected.recovered.push(id.clone());
                self.found(&Finding::RecoveredOrphan { id });
            }
            return Ok(());
        }
        self.found(&finding_of(name, kind));
        Ok(())
    }

    /// Takes an image; whether it was added.
    fn take(&mut self, prepared: &mut PreparedImage<Arrival>) -> Result<bool> {
        let is_damaged = prepared.is_damaged();
        let PreparedImage {
            offset,
            image,
            items,
            findings,
        } = prepared;
        let offset = *offset;
        for item in &*items {
            self.progress.items += 1;
            self.progress.item_bytes += item.size;
            self.summary.item_bytes += item.size;
        }
        findings.iter().for_each(|finding| self.found(finding));
        if is_damaged && self.options.on_damage == OnDamage::Skip {
            self.summary.skipped += 1;
            self.expected.left_out.extend(offset);
            let id = image.id().to_owned();
            self.found(&Finding::ImageSkipped { id });
            return Ok(false);
        }
        let verdict = self.judge(offset, image)?;
        match verdict {
            Verdict::Add | Verdict::Replace => {}
            Verdict::Unchanged => {
                self.summary.unchanged += 1;
                return Ok(false);
            }
            Verdict::Kept => {
                self.summary.kept += 1;
                self.expected.left_out.extend(offset);
                return Ok(false);
            }
            Verdict::Superseded => {
                self.expected.left_out.extend(offset);
                return Ok(false);
            }
            Verdict::Undecided => {
                self.conflicts += 1;
                return Ok(false);
            }
        }
        for item in items {
            let taken = self.sink.put(self.source, image.id(), item)?;
            self.summary.stored_bytes += taken;
            if taken == 0 {
                self.summary.shared_bytes += item.size;
            }
        }
        self.insert(image, offset, verdict)?;
        Ok(true)
    }

    fn judge(&mut self, offset: Option<u64>, image: &mut Arrival) -> Result<Verdict> {
        // What is loaded goes into a new store.
        let (Some(merge), Arrival::Image(image)) = (&mut self.merge, image) else {
            return Ok(Verdict::Add);
        };
        let mut findings = Vec::new();
        let verdict = merge.judge(offset, image, &mut findings)?;
        findings.iter().for_each(|finding| self.found(finding));
        Ok(verdict)
    }

    fn insert(&mut self, image: &mut Arrival, offset: Option<u64>, verdict: Verdict) -> Result<()> {
        let id = image.id().to_owned();
        self.summary.images += 1;
        self.summary.names += image.names();
        self.summary.items += image.items();
        let displaced = self.sink.insert(image)?;
        for taken in displaced.names {
            // A name of the store's own images was told as a conflict.
            let holder = match &self.merge {
                Some(merge) => merge.holder(&taken.name)?,
                None => None,
            };
            if holder.as_ref() == Some(&taken.holder) {
                continue;
            }
            self.summary.names -= 1;
            self.found(&Finding::DuplicateName {
                name: taken.name,
                earlier: taken.holder,
                later: id.clone(),
            });
        }
        match (displaced.image, verdict) {
            (_, Verdict::Replace) => self.summary.replaced += 1,
            (Some((names, items)), _) => {
                self.summary.images -= 1;
                self.summary.names -= names;
                self.summary.items -= items;
                let offset = offset.unwrap_or_default();
                self.expected.latest.insert(id.clone(), offset);
                self.found(&Finding::DuplicateId { id, offset });
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn found(&mut self, finding: &Finding) {
        tracing::debug!(kind = finding.kind(), %finding);
        (self.options.on_finding)(finding);
        self.damage += u64::from(finding.is_damage());
        let kind = finding.kind();
        *self.summary.finding_counts.entry(kind).or_default() += 1;
        if self.summary.findings.len() < self.options.listed_findings {
            self.summary.findings.push(finding.clone());
        }
    }
}
