//! The export itself.

use std::path::Path;
use std::time::Instant;

use super::layout::item_files;
use super::options::{ExportMode, ExportOptions};
use super::report::Report;
use super::summary::ExportSummary;
use super::{live, whole};
use crate::error::{Error, Result};
use crate::read::Lookup as _;
use crate::store::Snapshot;

/// How many reasons the error of a refused export names.
const NAMED_REASONS: usize = 10;

/// Writes all images of a snapshot in the legacy layout to `target`, so that podman, buildah or
/// CRI-O can use them again.
///
/// `images.json` is to the byte what the legacy store would write: an import of what it wrote comes
/// out as it was. Item files have the names that it gives them, folders the mode 0700, files 0600,
/// and `images.lock` 0644 with a new token. Everything is on disk when this returns. What
/// [`ExportMode`] says decides what may be at `target`; with [`ExportMode::New`] and
/// [`ExportMode::Replace`] the directory appears whole or not at all, with [`ExportMode::Live`] it
/// can be loaded at every moment.
///
/// Items whose bytes are not in the store get no file. Everything that does not come out as it is
/// in the store is an [`ExportFinding`](crate::legacy::ExportFinding).
///
/// # Examples
///
/// See [`ExportOptions`].
///
/// # Errors
///
/// - [`Error::NotRepresentable`]: the legacy layout cannot hold some images, and
///   [`ExportOptions::skip_unrepresentable`] was not asked for. Nothing was written.
/// - [`Error::AlreadyExists`]: there is something at `target`, with [`ExportMode::New`].
/// - [`Error::LegacySource`]: what is at `target` is no images directory, with the other modes; or
///   it holds the store itself, with [`ExportMode::Replace`].
/// - [`Error::LegacyLocked`]: an engine held the lock of the directory for too long, with
///   [`ExportMode::Live`]. Nothing was written.
/// - [`Error::Io`]: a file cannot be written. With [`ExportMode::Live`] the directory can be loaded
///   all the same, and another export goes on.
/// - [`Error::Corrupt`]: the store is damaged.
#[tracing::instrument(skip_all, fields(target = %target.display(), mode = ?options.mode))]
pub fn export(
    snapshot: &Snapshot,
    target: &Path,
    options: ExportOptions<'_>,
) -> Result<ExportSummary> {
    let begun = Instant::now();
    let mode = options.mode;
    let mut report = Report::new(options, snapshot.len()?);
    match mode {
        ExportMode::New | ExportMode::Replace => {
            let whole = whole::Target::look(target, mode == ExportMode::Replace, snapshot)?;
            check(snapshot, &mut report)?;
            whole.write(snapshot, &mut report)?;
        }
        ExportMode::Live => {
            let source = live::open(target)?;
            check(snapshot, &mut report)?;
            live::write(&source, snapshot, &mut report)?;
        }
    }
    let mut summary = report.summary;
    summary.elapsed = begun.elapsed();
    tracing::info!(
        images = summary.images,
        items = summary.items,
        left_out = summary.left_out,
        findings = summary.finding_count(),
        elapsed = ?summary.elapsed,
        "exported"
    );
    Ok(summary)
}

/// Finds the images that the layout cannot hold, before anything is written.
fn check(snapshot: &Snapshot, report: &mut Report<'_>) -> Result<()> {
    let mut named = Vec::new();
    for image in snapshot.images()? {
        let image = image?;
        let Err(reasons) = item_files(&image) else {
            continue;
        };
        report.summary.left_out += 1;
        for reason in reasons {
            if named.len() < NAMED_REASONS {
                named.push(reason.to_string());
            }
            report.found(reason);
        }
    }
    let images = report.summary.left_out;
    if images == 0 || report.options.skip_unrepresentable {
        return Ok(());
    }
    let more = report.summary.finding_count() > named.len() as u64;
    Err(Error::NotRepresentable {
        images,
        reasons: named,
        more,
    })
}
