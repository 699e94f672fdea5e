//! `export`: the store as a legacy images directory.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use image_store::Error;
use image_store::legacy::{self, ExportMode, ExportOptions, ExportSummary};
use serde_json::json;

use crate::cli::args::seconds;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::progress::Progress;

/// Export the store as an images directory that podman, buildah and CRI-O can use
///
/// The new directory appears whole, or not at all. Images that such a directory cannot hold are
/// named, and nothing is written.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("directory").required(true).args(["target", "into_live"])))]
pub(crate) struct Export {
    /// The directory to write; nothing may be there but for --replace
    #[arg(value_name = "DIR")]
    target: Option<PathBuf>,

    /// Swap the images directory that is at DIR for the new one; stop the engine before
    #[arg(long)]
    replace: bool,

    /// Write into the images directory of an engine, or the one in a storage root, under its lock, so
    /// that it notices
    #[arg(long, value_name = "DIR", conflicts_with = "replace")]
    into_live: Option<PathBuf>,

    /// Leave out images that the directory cannot hold, and list them
    #[arg(long)]
    skip_unrepresentable: bool,

    /// How long to wait for engines that use the directory of --into-live, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    lock_timeout: Duration,

    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,

    /// Tell neither progress nor warnings; the summary counts them all the same
    #[arg(long, short)]
    quiet: bool,
}

impl Export {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let (target, mode) = match (self.target, self.into_live) {
            (_, Some(directory)) => (directory, ExportMode::Live),
            (Some(target), None) if self.replace => (target, ExportMode::Replace),
            (target, None) => (target.unwrap_or_default(), ExportMode::New),
        };
        let snapshot = context.open_to_read()?.read()?;
        let progress = Progress::new(self.quiet);
        let options = ExportOptions::default()
            .mode(mode)
            .skip_unrepresentable(self.skip_unrepresentable)
            .lock_timeout(self.lock_timeout)
            .on_progress(|reached| progress.show(reached))
            .on_finding(|finding| {
                // Where the export is refused for them, the error names them.
                if self.skip_unrepresentable || !finding.is_unrepresentable() {
                    progress.warn(finding.kind(), finding);
                }
            });
        let summary = legacy::export(&snapshot, &target, options);
        progress.finish(summary.is_ok());
        let summary = summary.map_err(|error| {
            let hint = hint(&error, mode);
            Failure::advised(error, hint)
        })?;
        if self.json {
            print_json(&summary)?;
        } else {
            print(&summary)?;
        }
        Ok(Exit::Done)
    }
}

/// What to do where there is something else at the target than what the mode is for.
const fn hint(error: &Error, mode: ExportMode) -> Option<&'static str> {
    match (error, mode) {
        (Error::AlreadyExists { .. }, _) => Some(
            "choose another path; to swap an images directory for the new one: --replace; to write \
             into that of an engine: --into-live",
        ),
        (Error::LegacySource { .. }, ExportMode::Live) => Some(
            "give the images directory of an engine, or its storage root; to make a new directory, \
             leave out --into-live",
        ),
        (Error::LegacySource { .. }, ExportMode::Replace) => {
            Some("only an images directory is swapped for the new one")
        }
        _ => None,
    }
}

fn print(summary: &ExportSummary) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(
        out,
        "exported {}, {} and {} to {}",
        human::count(summary.images, "image"),
        human::count(summary.names, "name"),
        human::count(summary.items, "item"),
        summary.directory.display(),
    )?;
    writeln!(
        out,
        "{} of records and {} of items; {:.1} s",
        human::size(summary.record_bytes),
        human::size(summary.item_bytes),
        summary.elapsed.as_secs_f64(),
    )?;
    if summary.unchanged_items > 0 {
        let items = human::count(summary.unchanged_items, "item");
        writeln!(out, "{items} lay there as they are already")?;
    }
    if summary.left_out > 0 {
        let images = human::count(summary.left_out, "image");
        writeln!(out, "left out {images} that the directory cannot hold")?;
    }
    if summary.finding_count() > 0 {
        writeln!(out, "{}", human::warnings(&summary.finding_counts))?;
    }
    out.flush()
}

fn print_json(summary: &ExportSummary) -> io::Result<()> {
    let warnings: Vec<_> = summary
        .findings
        .iter()
        .map(|finding| json!({"kind": finding.kind(), "message": finding.to_string()}))
        .collect();
    let object = json!({
        "directory": summary.directory.to_string_lossy(),
        "images": summary.images,
        "names": summary.names,
        "items": summary.items,
        "record_bytes": summary.record_bytes,
        "item_bytes": summary.item_bytes,
        "unchanged_items": summary.unchanged_items,
        "left_out": summary.left_out,
        "warnings": warnings,
        "warning_counts": summary.finding_counts,
        "seconds": summary.elapsed.as_secs_f64(),
    });
    writeln!(io::stdout().lock(), "{object}")
}
