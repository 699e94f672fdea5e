//! How an export is done.

use std::fmt;
use std::time::Duration;

use super::finding::ExportFinding;

/// Where an export goes.
///
/// # Examples
///
/// See [`ExportOptions::mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportMode {
    /// To a new directory; where something is, nothing is done.
    #[default]
    New,
    /// To a directory that takes the place of the images directory that is there, if there is one.
    /// The two are swapped whole. An engine that has the old one open does not notice: it must be
    /// stopped before.
    Replace,
    /// Into an existing images directory, under its lock, so that an engine that has it open
    /// notices the change.
    Live,
}

/// How an export is done.
///
/// # Examples
///
/// ```
/// use image_store::legacy::{self, ExportMode, ExportOptions};
/// use image_store::{ImageStore, NewImage};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a1").big_data("manifest", b"{}".as_slice()))?;
/// store.create(NewImage::new().id("../evil"))?;
///
/// let target = dir.path().join("vfs-images");
/// let refused = legacy::export(&store.read()?, &target, ExportOptions::default());
/// assert!(refused.unwrap_err().to_string().contains("../evil"));
///
/// let options = ExportOptions::default()
///     .mode(ExportMode::New)
///     .skip_unrepresentable(true)
///     .on_finding(|finding| eprintln!("warning: {finding}"));
/// let summary = legacy::export(&store.read()?, &target, options)?;
/// assert_eq!((summary.images, summary.left_out), (1, 1));
/// assert_eq!(std::fs::read(target.join("a1/manifest"))?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct ExportOptions<'a> {
    pub(super) mode: ExportMode,
    pub(super) skip_unrepresentable: bool,
    pub(super) lock_timeout: Duration,
    pub(super) listed_findings: usize,
    pub(super) on_progress: Box<dyn FnMut(&ExportProgress) + 'a>,
    pub(super) on_finding: Box<dyn FnMut(&ExportFinding) + 'a>,
}

/// How far an export is.
///
/// # Examples
///
/// See [`ExportOptions::on_progress`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportProgress {
    /// How many images the store has.
    pub total_images: u64,
    /// How many of them were written or left out.
    pub images: u64,
    /// How many items were written, or are there already as they should be.
    pub items: u64,
    /// The bytes of these items.
    pub item_bytes: u64,
}

impl Default for ExportOptions<'_> {
    fn default() -> Self {
        Self {
            mode: ExportMode::New,
            skip_unrepresentable: false,
            lock_timeout: Duration::from_secs(30),
            listed_findings: 10_000,
            on_progress: Box::new(|_| {}),
            on_finding: Box::new(|_| {}),
        }
    }
}

impl<'a> ExportOptions<'a> {
    /// Where the export goes; [`ExportMode::New`] where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ExportMode, ExportOptions};
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let target = dir.path().join("vfs-images");
    /// store.create(NewImage::new().id("a1"))?;
    /// legacy::export(&store.read()?, &target, ExportOptions::default())?;
    /// store.create(NewImage::new().id("b2"))?;
    /// // The directory is there now; what is new is brought into it.
    /// let options = ExportOptions::default().mode(ExportMode::Live);
    /// assert_eq!(legacy::export(&store.read()?, &target, options)?.images, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn mode(mut self, mode: ExportMode) -> Self {
        self.mode = mode;
        self
    }

    /// Leaves out the images that the legacy layout cannot hold, instead of refusing the export.
    /// An image is left out whole, so that none appears with a part of its items.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ExportOptions};
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let target = dir.path().join("vfs-images");
    /// store.create(NewImage::new().id("../evil"))?;
    /// assert!(legacy::export(&store.read()?, &target, ExportOptions::default()).is_err());
    /// let options = ExportOptions::default().skip_unrepresentable(true);
    /// assert_eq!(legacy::export(&store.read()?, &target, options)?.left_out, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn skip_unrepresentable(mut self, skip: bool) -> Self {
        self.skip_unrepresentable = skip;
        self
    }

    /// How long to wait for engines that use the directory, for [`ExportMode::Live`]; 30 seconds
    /// where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use image_store::legacy::{ExportMode, ExportOptions};
    /// let options = ExportOptions::default()
    ///     .mode(ExportMode::Live)
    ///     .lock_timeout(Duration::from_secs(5));
    /// assert!(format!("{options:?}").contains("lock_timeout: 5s"));
    /// ```
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How many findings the summary lists; 10,000 where nothing is said. All are counted, and told
    /// to [`on_finding`](Self::on_finding).
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ExportOptions};
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let target = dir.path().join("vfs-images");
    /// store.create(NewImage::new().id("../evil"))?;
    /// let options = ExportOptions::default().skip_unrepresentable(true).listed_findings(0);
    /// let summary = legacy::export(&store.read()?, &target, options)?;
    /// assert_eq!((summary.findings.len(), summary.finding_count()), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn listed_findings(mut self, limit: usize) -> Self {
        self.listed_findings = limit;
        self
    }

    /// Calls `observer` after every image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ExportOptions};
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let target = dir.path().join("vfs-images");
    /// store.create(NewImage::new().id("a1"))?;
    /// let mut done = (0, 0);
    /// let options = ExportOptions::default()
    ///     .on_progress(|progress| done = (progress.images, progress.total_images));
    /// legacy::export(&store.read()?, &target, options)?;
    /// assert_eq!(done, (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_progress(mut self, observer: impl FnMut(&ExportProgress) + 'a) -> Self {
        self.on_progress = Box::new(observer);
        self
    }

    /// Calls `observer` with every finding, also with those for which the export is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ExportOptions};
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let target = dir.path().join("vfs-images");
    /// store.create(NewImage::new().id("../evil"))?;
    /// let mut kinds = Vec::new();
    /// let options = ExportOptions::default().on_finding(|finding| kinds.push(finding.kind()));
    /// assert!(legacy::export(&store.read()?, &target, options).is_err());
    /// assert_eq!(kinds, ["id-not-a-name"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_finding(mut self, observer: impl FnMut(&ExportFinding) + 'a) -> Self {
        self.on_finding = Box::new(observer);
        self
    }
}

impl fmt::Debug for ExportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions")
            .field("mode", &self.mode)
            .field("skip_unrepresentable", &self.skip_unrepresentable)
            .field("lock_timeout", &self.lock_timeout)
            .field("listed_findings", &self.listed_findings)
            .finish_non_exhaustive()
    }
}
