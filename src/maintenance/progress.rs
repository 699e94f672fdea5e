//! How far a long operation has come.

use crate::engine::run_callers;

/// What a long operation is doing.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Stage, VerifyOptions};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let mut stages: Vec<Stage> = Vec::new();
/// store.verify(&VerifyOptions::new(), |reached| stages.push(reached.stage))?;
/// assert!(stages.contains(&Stage::Records), "{stages:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Reading records.
    Records,
    /// Comparing index rows with the records.
    Indexes,
    /// Reading and hashing item bytes.
    Contents,
    /// The storage engine checks its own pages.
    Engine,
    /// Copying rows to another file.
    Copy,
}

impl Stage {
    /// The stage in a word or two, for people.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Stage;
    /// assert_eq!(Stage::Contents.as_str(), "item bytes");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Indexes => "indexes",
            Self::Contents => "item bytes",
            Self::Engine => "pages",
            Self::Copy => "copying",
        }
    }
}

/// How far a long operation has come; given to the caller's function again and again.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Progress, VerifyOptions};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.verify(&VerifyOptions::new(), |reached: Progress| {
///     println!("{}: {} of {}", reached.stage.as_str(), reached.done, reached.total);
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How many rows are done; of [`Stage::Engine`], how many pages of 4 KiB.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Tells the caller's function about a stage, not more often than it can matter.
pub(super) struct Meter<'a> {
    report: &'a mut dyn FnMut(Progress),
    progress: Progress,
}

/// Rows between two reports.
const STRIDE: u64 = 256;

impl<'a> Meter<'a> {
    pub(super) fn start(report: &'a mut dyn FnMut(Progress), stage: Stage, total: u64) -> Self {
        let progress = Progress {
            stage,
            done: 0,
            total,
        };
        run_callers(|| report(progress));
        Self { report, progress }
    }

    pub(super) fn advance(&mut self) {
        self.progress.done += 1;
        if self.progress.done.is_multiple_of(STRIDE) {
            run_callers(|| (self.report)(self.progress));
        }
    }

    pub(super) fn finish(mut self) {
        self.progress.done = self.progress.done.max(self.progress.total);
        run_callers(|| (self.report)(self.progress));
    }
}
