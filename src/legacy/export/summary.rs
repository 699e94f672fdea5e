//! What an export did.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::finding::ExportFinding;

/// What an export did, and what it found.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::{self, ExportOptions};
/// # use image_store::{ImageStore, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// # let target = dir.path().join("vfs-images");
/// store.create(NewImage::new().id("a1").name("app"))?;
/// let summary = legacy::export(&store.read()?, &target, ExportOptions::default())?;
/// assert_eq!((summary.images, summary.names, summary.items), (1, 1, 0));
/// let records = std::fs::metadata(summary.directory.join("images.json"))?;
/// assert_eq!(summary.record_bytes, records.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportSummary {
    /// The images directory.
    pub directory: PathBuf,
    /// Images in it.
    pub images: u64,
    /// Names of these images.
    pub names: u64,
    /// Items of these images that have a file.
    pub items: u64,
    /// The size of `images.json` in bytes.
    pub record_bytes: u64,
    /// Bytes of all item files.
    pub item_bytes: u64,
    /// Items whose file was there already with the same bytes, in a live directory.
    pub unchanged_items: u64,
    /// Images that the legacy layout cannot hold, and that were left out.
    pub left_out: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// What was found, in the order it was found: the first of them, up to
    /// [`ExportOptions::listed_findings`](crate::legacy::ExportOptions::listed_findings).
    pub findings: Vec<ExportFinding>,
    /// How often each kind of finding was found, listed or not.
    pub finding_counts: BTreeMap<&'static str, u64>,
}

impl ExportSummary {
    /// How many findings there were, listed or not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ExportSummary;
    /// let mut summary = ExportSummary::default();
    /// summary.finding_counts.insert("item-missing", 2);
    /// summary.finding_counts.insert("bad-date", 1);
    /// assert_eq!(summary.finding_count(), 3);
    /// ```
    #[must_use]
    pub fn finding_count(&self) -> u64 {
        self.finding_counts.values().sum()
    }
}
