//! What an import did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::legacy::Finding;
use crate::model::Image;

/// What an import did, and what it found. Of a dry run: what it would have done.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::{self, ImportOptions};
/// # let dir = tempfile::tempdir()?;
/// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("images.json"), r#"[{"id":"a1","names":["app","app:1"]}]"#)?;
/// let summary = legacy::import(&source, &store, ImportOptions::default())?;
/// assert_eq!((summary.images, summary.names, summary.items), (1, 2, 0));
/// assert!(summary.findings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Images that were added.
    pub images: u64,
    /// Names of these images.
    pub names: u64,
    /// Items of these images whose bytes are in the store. [`VerifyCounts`](crate::VerifyCounts) counts
    /// those without apart.
    pub items: u64,
    /// Images that a merge found in the store as they are in the directory.
    pub unchanged: u64,
    /// Images of the store that a merge kept although the directory has another.
    pub kept: u64,
    /// Images of the store that a merge replaced; they count as added too.
    pub replaced: u64,
    /// Damaged images that were left out.
    pub skipped: u64,
    /// Images without a record that were recovered from their folders; they count as added too.
    pub recovered: u64,
    /// Bytes of `images.json` that were read.
    pub record_bytes: u64,
    /// Bytes of item files that were read.
    pub item_bytes: u64,
    /// Bytes that the store took for items; less where they were compressed.
    pub stored_bytes: u64,
    /// Bytes of items that needed none, since another item has the same bytes.
    pub shared_bytes: u64,
    /// Whether everything was read back and compared with the source.
    pub verified: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// What was found, in the order it was found: the first of them, up to
    /// [`ImportOptions::listed_findings`](crate::legacy::ImportOptions::listed_findings).
    pub findings: Vec<Finding>,
    /// How often each kind of finding was found, listed or not.
    pub finding_counts: BTreeMap<&'static str, u64>,
}

impl ImportSummary {
    /// How many findings there were, listed or not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImportSummary;
    /// let mut summary = ImportSummary::default();
    /// summary.finding_counts.insert("item-missing", 2);
    /// summary.finding_counts.insert("orphan-folder", 1);
    /// assert_eq!(summary.finding_count(), 3);
    /// ```
    #[must_use]
    pub fn finding_count(&self) -> u64 {
        self.finding_counts.values().sum()
    }

    /// Bytes that were read, of records and items.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImportSummary;
    /// let mut summary = ImportSummary::default();
    /// (summary.record_bytes, summary.item_bytes) = (13, 200);
    /// assert_eq!(summary.bytes_read(), 213);
    /// ```
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.record_bytes + self.item_bytes
    }
}

/// How many names an image has; one that is listed twice is one.
pub(super) fn distinct_names(image: &Image) -> u64 {
    image.names.iter().collect::<BTreeSet<_>>().len() as u64
}

/// How many items of an image have bytes.
pub(super) fn items_with_bytes(image: &Image) -> u64 {
    let items = image.big_data.values();
    items.filter(|item| item.content.is_some()).count() as u64
}
