//! `import`: a legacy images directory into a new store.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use image_store::Error;
use image_store::legacy::{self, Finding, ImportOptions, ImportSummary};

use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;

/// Import an images directory of podman, buildah or CRI-O into a new store
///
/// The directory is only read. The store appears when everything is in it, or not at all. What is
/// not as the engine would have left it is told on standard error, and does not end the import.
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
        let mut warnings = Warnings::new();
        let options = ImportOptions::default()
            .listed_findings(0)
            .on_finding(|finding| warnings.tell(finding));
        let imported = legacy::import(&self.source, context.store(), options);
        warnings.flush();
        print(&imported?)?;
        Ok(Exit::Done)
    }
}

/// Tells the findings on standard error as they come. There may be millions.
struct Warnings {
    stderr: BufWriter<io::Stderr>,
    style: anstyle::Style,
}

impl Warnings {
    fn new() -> Self {
        // Not locked: the log of another thread must not wait for the end of the import.
        let stderr = io::stderr();
        let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
        let style = context::style(&stderr, yellow);
        Self {
            stderr: BufWriter::new(stderr),
            style,
        }
    }

    // There is nowhere to tell that standard error is gone.
    fn tell(&mut self, finding: &Finding) {
        let style = self.style;
        let finding = human::printable(&finding.to_string());
        let _ = writeln!(self.stderr, "{style}warning:{style:#} {finding}");
    }

    fn flush(&mut self) {
        let _ = self.stderr.flush();
    }
}

fn print(summary: &ImportSummary) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "imported {} images, {} names and {} items in {:.1} s",
        summary.images,
        summary.names,
        summary.items,
        summary.elapsed.as_secs_f64(),
    )?;
    writeln!(
        out,
        "read {} of records and {} of items; the items take {}, {} are shared",
        human::size(summary.record_bytes),
        human::size(summary.item_bytes),
        human::size(summary.stored_bytes),
        human::size(summary.shared_bytes),
    )?;
    for (kind, count) in &summary.finding_counts {
        writeln!(out, "{kind}: {count}")?;
    }
    Ok(())
}
