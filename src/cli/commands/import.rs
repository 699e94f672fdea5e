//! `import`: a legacy images directory into a new store.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use image_store::Error;
use image_store::legacy::{self, ImportOptions, ImportSummary};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::progress::Progress;

/// Import a legacy images directory into a new store
///
/// The directory is only read. Whatever is found wrong in it is told on standard error and does not
/// end the import; the store appears whole, or not at all.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// An images directory, its images.json, or a storage root with one <driver>-images in it
    source: PathBuf,
}

impl Import {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        if context.read_only() {
            let path = context.store().to_owned();
            return Err(Error::ReadOnly { path }.into());
        }
        let progress = Progress::new();
        let options = ImportOptions::default()
            .listed_findings(0)
            .on_progress(|reached| progress.show(reached))
            .on_finding(|finding| progress.warn(finding));
        let summary = legacy::import(&self.source, context.store(), options);
        progress.finish();
        print(&summary?, context)?;
        Ok(Exit::Done)
    }
}

fn print(summary: &ImportSummary, context: &Context) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let store = context.store().display();
    writeln!(
        out,
        "imported {}, {} and {} into {store}",
        human::count(summary.images, "image"),
        human::count(summary.names, "name"),
        human::count(summary.items, "item"),
    )?;
    writeln!(
        out,
        "read {} of records and {} of items, which take {} with {} shared; {:.1} s",
        human::size(summary.record_bytes),
        human::size(summary.item_bytes),
        human::size(summary.stored_bytes),
        human::size(summary.shared_bytes),
        summary.elapsed.as_secs_f64(),
    )?;
    if summary.finding_count() > 0 {
        let kinds: Vec<_> = summary
            .finding_counts
            .iter()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        let warnings = human::count(summary.finding_count(), "warning");
        writeln!(out, "{warnings}: {}", kinds.join(", "))?;
    }
    out.flush()
}
