//! What an export tells while it runs, and at its end.

use super::finding::ExportFinding;
use super::options::{ExportOptions, ExportProgress};
use super::summary::ExportSummary;
use crate::model::Image;

/// The options of an export and what became of it so far.
pub(super) struct Report<'a> {
    pub(super) options: ExportOptions<'a>,
    pub(super) summary: ExportSummary,
    progress: ExportProgress,
}

impl<'a> Report<'a> {
    pub(super) fn new(options: ExportOptions<'a>, total_images: u64) -> Self {
        let progress = ExportProgress {
            total_images,
            ..ExportProgress::default()
        };
        Self {
            options,
            summary: ExportSummary::default(),
            progress,
        }
    }

    pub(super) fn found(&mut self, finding: ExportFinding) {
        tracing::debug!(kind = finding.kind(), %finding);
        (self.options.on_finding)(&finding);
        let kind = finding.kind();
        *self.summary.finding_counts.entry(kind).or_default() += 1;
        if self.summary.findings.len() < self.options.listed_findings {
            self.summary.findings.push(finding);
        }
    }

    /// An item has its file.
    pub(super) const fn item(&mut self, bytes: u64) {
        self.progress.items += 1;
        self.progress.item_bytes += bytes;
        self.summary.items += 1;
        self.summary.item_bytes += bytes;
    }

    /// An image is done.
    pub(super) fn image(&mut self, image: &Image) {
        self.summary.images += 1;
        self.summary.names += u64::try_from(image.names.len()).unwrap_or(u64::MAX);
        self.step();
    }

    /// An image was left out.
    pub(super) fn passed_over(&mut self) {
        self.step();
    }

    fn step(&mut self) {
        self.progress.images += 1;
        (self.options.on_progress)(&self.progress);
    }
}
