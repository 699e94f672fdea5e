//! How an import is done.

use std::fmt;
use std::time::Duration;

use crate::legacy::Finding;

/// How an import is done.
///
/// # Examples
///
/// ```
/// use image_store::legacy::{self, ImportOptions};
///
/// # let dir = tempfile::tempdir()?;
/// # let source = dir.path().join("vfs-images");
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
/// let mut last = 0;
/// let options = ImportOptions::default()
///     .on_progress(|progress| last = progress.images)
///     .on_finding(|finding| eprintln!("warning: {finding}"));
/// let summary = legacy::import(&source, &dir.path().join("images.redb"), options)?;
/// assert_eq!((summary.images, last), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct ImportOptions<'a> {
    pub(super) cache_size: usize,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) listed_findings: usize,
    pub(super) on_progress: Box<dyn FnMut(&ImportProgress) + 'a>,
    pub(super) on_finding: Box<dyn FnMut(&Finding) + 'a>,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportProgress {
    /// The size of `images.json` in bytes.
    pub records_size: u64,
    /// How many of its bytes were read.
    pub record_bytes: u64,
    /// How many records were taken over.
    pub images: u64,
    /// How many items were read.
    pub items: u64,
    /// How many bytes of items were read.
    pub item_bytes: u64,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self {
            cache_size: 128 << 20,
            lock_timeout: Some(Duration::from_secs(30)),
            listed_findings: 10_000,
            on_progress: Box::new(|_| {}),
            on_finding: Box::new(|_| {}),
        }
    }
}

impl<'a> ImportOptions<'a> {
    /// The memory that the engine may use for pages of the new store, in bytes; 128 MiB where
    /// nothing is said.
    pub const fn cache_size(mut self, bytes: usize) -> Self {
        self.cache_size = bytes;
        self
    }

    /// How long to wait for an engine that changes the source; 30 seconds where nothing is said.
    /// `None` takes no lock at all, which is right for a copy that no engine uses.
    pub const fn lock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How many findings the summary lists; 10,000 where nothing is said. All are counted, and told
    /// to [`on_finding`](Self::on_finding).
    pub const fn listed_findings(mut self, limit: usize) -> Self {
        self.listed_findings = limit;
        self
    }

    /// Calls `observer` after every record.
    pub fn on_progress(mut self, observer: impl FnMut(&ImportProgress) + 'a) -> Self {
        self.on_progress = Box::new(observer);
        self
    }

    /// Calls `observer` with every finding.
    pub fn on_finding(mut self, observer: impl FnMut(&Finding) + 'a) -> Self {
        self.on_finding = Box::new(observer);
        self
    }
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("cache_size", &self.cache_size)
            .field("lock_timeout", &self.lock_timeout)
            .field("listed_findings", &self.listed_findings)
            .finish_non_exhaustive()
    }
}
