//! What a verification reports.

use std::time::{Duration, Instant};

use crate::engine::{Failure, Outcome, contain};
use crate::maintenance::verify::Finding;

/// What a verification does.
///
/// # Examples
///
/// ```
/// use image_store::VerifyOptions;
///
/// let quick = VerifyOptions::new().engine(false).most_findings(10);
/// assert_ne!(quick, VerifyOptions::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct VerifyOptions {
    pub(super) engine: bool,
    pub(super) most_findings: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            engine: true,
            most_findings: 10_000,
        }
    }
}

impl VerifyOptions {
    /// Everything is checked, and up to 10,000 findings are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, VerifyOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert!(store.verify(&VerifyOptions::new(), |_| {})?.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the storage engine checks its pages too; `true` where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, VerifyOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let options = VerifyOptions::new().engine(false);
    /// assert!(!store.verify(&options, |_| ())?.engine_checked);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn engine(mut self, engine: bool) -> Self {
        self.engine = engine;
        self
    }

    /// How many findings are kept; all are counted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, VerifyOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let options = VerifyOptions::new().most_findings(10);
    /// assert!(store.verify(&options, |_| ())?.findings.len() <= 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn most_findings(mut self, most: usize) -> Self {
        self.most_findings = most;
        self
    }
}

/// How much was read.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage, VerifyOptions};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().name("app"))?;
/// let counts = store.verify(&VerifyOptions::new(), |_| ())?.counts;
/// assert_eq!((counts.images, counts.names), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyCounts {
    /// Images whose records were read.
    pub images: u64,
    /// Names.
    pub names: u64,
    /// Big data items that records have, with bytes and without. An import counts only those with.
    pub items: u64,
    /// Those of them of which the record says that their bytes are not in the store: they were lost in
    /// a repair, or missing when the image was imported.
    pub items_without_bytes: u64,
    /// Contents: different bytes of items.
    pub contents: u64,
    /// The length of all contents in bytes.
    pub bytes: u64,
}

/// What a verification read and found.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, VerifyOptions};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let report = store.verify(&VerifyOptions::new(), |_| ())?;
/// assert!(report.is_clean() && report.findings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How much was read.
    pub counts: VerifyCounts,
    /// What was found, in the order it was found, up to
    /// [`VerifyOptions::most_findings`].
    pub findings: Vec<Finding>,
    /// How many findings there were in all.
    pub found: u64,
    /// How many of them are damage of the store.
    pub damage: u64,
    /// Whether the storage engine checked its pages.
    pub engine_checked: bool,
    /// Whether the last writer died, or was of an older version, and what was read is what the next
    /// one will make of the file.
    /// No damage: whoever opens the store next, and may write to it, recovers it.
    pub needs_recovery: bool,
}

impl VerifyReport {
    /// Whether the store is undamaged. What an import brought along is no damage of the store, nor is
    /// what a repair could not save: [`VerifyCounts::items_without_bytes`] tells of it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, VerifyOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert!(store.verify(&VerifyOptions::new(), |_| ())?.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.damage == 0
    }

    pub(in crate::maintenance) fn push(
        &mut self,
        finding: Option<Finding>,
        options: &VerifyOptions,
    ) {
        let Some(finding) = finding else { return };
        self.found += 1;
        self.damage += u64::from(finding.is_damage());
        if self.findings.len() < options.most_findings {
            self.findings.push(finding);
        }
    }
}

/// Reads that fail in one table may take so long in all. Most fail at once, but one that is led astray
/// by a damaged page may take the engine a second, and the next one as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Collects findings while tables are read.
pub(super) struct Findings<'a> {
    options: &'a VerifyOptions,
    report: VerifyReport,
    /// The tables that are told of already.
    unreadable: Vec<&'static str>,
    /// How long reads that failed in a table took.
    failing: Vec<(&'static str, Duration)>,
    patience: Duration,
}

impl<'a> Findings<'a> {
    pub(super) fn new(options: &'a VerifyOptions) -> Self {
        Self {
            options,
            report: VerifyReport::default(),
            unreadable: Vec::new(),
            failing: Vec::new(),
            patience: PATIENCE,
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.report.push(Some(finding), self.options);
    }

    pub(super) fn counts(&mut self) -> &mut VerifyCounts {
        &mut self.report.counts
    }

    /// Reads a table; that it cannot be read to its end is a finding, and the rest goes on.
    pub(super) fn stage<R>(
        &mut self,
        table: &'static str,
        read: impl FnOnce(&mut Self) -> Outcome<R>,
    ) -> Option<R> {
        let read = contain(|| read(self));
        self.unless_unreadable(table, read)
    }

    /// Looks one row up; `None` where that fails, which is a finding about the table.
    pub(super) fn look_up<R>(
        &mut self,
        table: &'static str,
        look: impl FnOnce() -> Outcome<R>,
    ) -> Option<R> {
        let found = self.try_read(table, look)?;
        self.unless_unreadable(table, found)
    }

    /// Reads something in a table, what comes of it is the caller's to tell; `None` where reads that
    /// failed there took too long already, which is a finding about the table.
    pub(super) fn try_read<R>(
        &mut self,
        table: &'static str,
        read: impl FnOnce() -> Outcome<R>,
    ) -> Option<Outcome<R>> {
        let failing = self.failing.iter().find(|(name, _)| *name == table);
        if failing.is_some_and(|(_, took)| *took >= self.patience) {
            let why = Failure::corrupt("to look for more in it takes too long");
            self.unreadable(table, &why);
            return None;
        }
        let begun = Instant::now();
        let read = contain(read);
        if read.is_err() {
            self.failed(table, begun.elapsed());
        }
        Some(read)
    }

    fn failed(&mut self, table: &'static str, took: Duration) {
        match self.failing.iter_mut().find(|(name, _)| *name == table) {
            Some((_, failing)) => *failing += took,
            None => self.failing.push((table, took)),
        }
    }

    fn unless_unreadable<R>(&mut self, table: &'static str, read: Outcome<R>) -> Option<R> {
        read.map_err(|failure| self.unreadable(table, &failure))
            .ok()
    }

    /// Tells of a table that it cannot be read, once.
    pub(super) fn unreadable(&mut self, table: &'static str, failure: &Failure) {
        if self.unreadable.contains(&table) {
            return;
        }
        self.unreadable.push(table);
        let error = failure.to_string();
        self.add(Finding::TableUnreadable { table, error });
    }

    pub(super) fn into_report(self) -> VerifyReport {
        self.report
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Findings, VerifyOptions};
    use crate::engine::Failure;
    use crate::maintenance::verify::Finding;

    #[test]
    fn reads_that_fail_end_when_they_took_too_long() {
        let options = VerifyOptions::new();
        let mut findings = Findings::new(&options);
        let fails = || Err::<(), _>(Failure::corrupt("it is led astray"));
        for _ in 0..1_000 {
            assert!(
                findings
                    .try_read("blobs", fails)
                    .is_some_and(|read| read.is_err())
            );
        }
        findings.patience = Duration::ZERO;
        assert!(findings.try_read("images", fails).is_some());
        assert!(findings.try_read("blobs", || Ok(())).is_none());
        assert!(findings.try_read("blobs", || Ok(())).is_none());
        let report = findings.into_report();
        let [Finding::TableUnreadable { table, error }] = report.findings.as_slice() else {
            panic!("{:?}", report.findings);
        };
        assert_eq!(
            (*table, error.as_str()),
            ("blobs", "to look for more in it takes too long")
        );
    }
}
