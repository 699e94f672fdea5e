//! `import`: a legacy images directory into a store.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use image_store::Error;
use image_store::legacy::{self, Existing, ImportOptions, ImportSummary, OnConflict, OnDamage};
use serde_json::json;

use crate::cli::args::seconds;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::progress::Progress;

/// Import a legacy images directory into a store
///
/// The directory is only read, under the lock of the engines. Whatever is found wrong in it is told
/// on standard error, each with its kind in the summary. A new store appears whole, or not at all;
/// a merge is one transaction.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// An images directory, its images.json, or a storage root with one <driver>-images in it
    #[arg(value_name = "DIR")]
    source: PathBuf,

    /// Swap the store that is there for the new one, whole
    #[arg(long)]
    replace: bool,

    /// Add the images that are not in the store that is there; conflicts end it, nothing changed
    #[arg(long, conflicts_with = "replace")]
    merge: bool,

    /// Whose image and whose names count where the store and the directory contradict each other
    #[arg(
        long,
        value_name = "SIDE",
        requires = "merge",
        conflicts_with = "replace"
    )]
    on_conflict: Option<Side>,

    /// What to do with images whose items are missing or are not what is recorded of them
    #[arg(long, value_name = "WHAT", default_value = "report")]
    on_damage: Damage,

    /// Make an image without a name of each folder that has a manifest and no record
    #[arg(long)]
    recover_orphans: bool,

    /// Pass over what cannot be read of images.json, and take the whole records around it
    #[arg(long)]
    salvage: bool,

    /// Do everything but write
    #[arg(long)]
    dry_run: bool,

    /// Read everything back and compare it with the directory before it counts
    #[arg(long)]
    verify: bool,

    /// How long to wait for an engine that changes the directory, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    lock_timeout: Duration,

    /// Take no lock; for a copy that no engine uses
    #[arg(long, conflicts_with = "lock_timeout")]
    no_lock: bool,

    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,

    /// Tell neither progress nor warnings; the summary counts them all the same
    #[arg(long, short)]
    quiet: bool,
}

/// Which side of a merge counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Side {
    /// The store keeps what it has
    Keep,
    /// The directory's replaces the store's
    Replace,
}

/// What is done with damaged images.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Damage {
    /// Import them as far as they are there, and list what is missing
    Report,
    /// Leave them out
    Skip,
    /// Change nothing, and exit with 3
    Fail,
}

impl Import {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        if context.read_only() && !self.dry_run {
            let path = context.store().to_owned();
            return Err(Error::ReadOnly { path }.into());
        }
        let progress = Progress::new(self.quiet);
        let options = self
            .options()
            .lock_wait(context.lock_wait())
            .on_progress(|reached| progress.show(reached))
            .on_finding(|finding| progress.warn(finding.kind(), finding));
        let summary = legacy::import(&self.source, context.store(), options);
        progress.finish(summary.is_ok());
        let summary = summary.map_err(|error| {
            let hint = match &error {
                Error::AlreadyExists { .. } => Some(
                    "to add to it what it does not have: --merge; to swap it for a new store: \
                     --replace; or choose another --store",
                ),
                _ => None,
            };
            Failure::advised(error, hint)
        })?;
        if self.json {
            self.print_json(&summary, context)?;
        } else {
            self.print(&summary, context)?;
        }
        Ok(Exit::Done)
    }

    fn options<'a>(&self) -> ImportOptions<'a> {
        let options = ImportOptions::default()
            .existing(self.existing())
            .on_damage(match self.on_damage {
                Damage::Report => OnDamage::Report,
                Damage::Skip => OnDamage::Skip,
                Damage::Fail => OnDamage::Fail,
            })
            .recover_orphans(self.recover_orphans)
            .salvage(self.salvage)
            .dry_run(self.dry_run)
            .verify(self.verify)
            .lock_timeout((!self.no_lock).then_some(self.lock_timeout));
        if self.json {
            options
        } else {
            // Each was told when it was found.
            options.listed_findings(0)
        }
    }

    const fn existing(&self) -> Existing {
        if self.replace {
            return Existing::Replace;
        }
        if !self.merge {
            return Existing::Refuse;
        }
        Existing::Merge(match self.on_conflict {
            None => OnConflict::Fail,
            Some(Side::Keep) => OnConflict::Keep,
            Some(Side::Replace) => OnConflict::Replace,
        })
    }

    fn print(&self, summary: &ImportSummary, context: &Context) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        writeln!(
            out,
            "{} {}, {} and {} into {}",
            if self.dry_run {
                "would import"
            } else {
                "imported"
            },
            human::count(summary.images, "image"),
            human::count(summary.names, "name"),
            human::count(summary.items, "item"),
            context.store().display(),
        )?;
        writeln!(
            out,
            "read {} of records and {} of items, which take {} in the store; {} are the same as \
             others; {:.1} s",
            human::size(summary.record_bytes),
            human::size(summary.item_bytes),
            human::size(summary.stored_bytes),
            human::size(summary.shared_bytes),
            summary.elapsed.as_secs_f64(),
        )?;
        for (count, what) in [
            (summary.unchanged, "in the store already, as they are"),
            (summary.replaced, "replaced others in the store"),
            (summary.kept, "not taken, since the store has others"),
            (summary.recovered, "recovered from folders without a record"),
            (summary.skipped, "damaged and left out"),
        ] {
            if count > 0 {
                writeln!(out, "{} {what}", human::count(count, "image"))?;
            }
        }
        if summary.verified {
            writeln!(out, "read back, and the same as the directory")?;
        }
        if summary.finding_count() > 0 {
            writeln!(out, "{}", human::warnings(&summary.finding_counts))?;
        }
        out.flush()
    }

    fn print_json(&self, summary: &ImportSummary, context: &Context) -> io::Result<()> {
        let warnings: Vec<_> = summary
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "kind": finding.kind(),
                    "damage": finding.is_damage(),
                    "message": finding.to_string(),
                })
            })
            .collect();
        let object = json!({
            "store": context.store().to_string_lossy(),
            "dry_run": self.dry_run,
            "images": summary.images,
            "names": summary.names,
            "items": summary.items,
            "unchanged": summary.unchanged,
            "replaced": summary.replaced,
            "kept": summary.kept,
            "recovered": summary.recovered,
            "skipped": summary.skipped,
            "bytes_read": summary.bytes_read(),
            "record_bytes": summary.record_bytes,
            "item_bytes": summary.item_bytes,
            "stored_bytes": summary.stored_bytes,
            "shared_bytes": summary.shared_bytes,
            "verified": summary.verified,
            "warnings": warnings,
            "warning_counts": summary.finding_counts,
            "seconds": summary.elapsed.as_secs_f64(),
        });
        writeln!(io::stdout().lock(), "{object}")
    }
}
