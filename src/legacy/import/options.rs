//! How an import is done.

use std::fmt;
use std::thread;
use std::time::Duration;

use super::choices::{Existing, OnDamage};
use super::progress::ImportProgress;
use crate::legacy::Finding;
use crate::store::OpenOptions;

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
    pub(super) existing: Existing,
    pub(super) on_damage: OnDamage,
    pub(super) recover_orphans: bool,
    pub(super) salvage: bool,
    pub(super) dry_run: bool,
    pub(super) verify: bool,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) lock_wait: Duration,
    pub(super) threads: usize,
    pub(super) cache_size: usize,
    pub(super) listed_findings: usize,
    /// How the engine is opened.
    pub(super) engine: OpenOptions,
    pub(super) on_progress: Box<dyn FnMut(&ImportProgress) + 'a>,
    pub(super) on_finding: Box<dyn FnMut(&Finding) + 'a>,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self {
            existing: Existing::default(),
            on_damage: OnDamage::default(),
            recover_orphans: false,
            salvage: false,
            dry_run: false,
            verify: false,
            lock_timeout: Some(Duration::from_secs(30)),
            lock_wait: Duration::from_secs(30),
            threads: thread::available_parallelism().map_or(1, usize::from),
            cache_size: 320 << 20,
            listed_findings: 10_000,
            engine: OpenOptions::default(),
            on_progress: Box::new(|_| {}),
            on_finding: Box::new(|_| {}),
        }
    }
}

impl<'a> ImportOptions<'a> {
    /// What to do where a store is at the destination; [`Existing::Refuse`] where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, Existing, ImportOptions, OnConflict};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
    /// legacy::import(&source, &store, ImportOptions::default())?;
    /// assert!(legacy::import(&source, &store, ImportOptions::default()).is_err());
    ///
    /// std::fs::write(source.join("images.json"), r#"[{"id":"a1","metadata":"new"}]"#)?;
    /// let options = ImportOptions::default().existing(Existing::Merge(OnConflict::Replace));
    /// assert_eq!(legacy::import(&source, &store, options)?.replaced, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// What to do with damage; [`OnDamage::Report`] where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions, OnDamage};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// let records = r#"[{"id":"a1","big-data-names":["manifest"]}]"#;
    /// std::fs::write(source.join("images.json"), records)?;
    /// // The record has an item whose file is missing.
    /// let options = ImportOptions::default().on_damage(OnDamage::Skip);
    /// let summary = legacy::import(&source, &store, options)?;
    /// assert_eq!((summary.images, summary.skipped), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on_damage(mut self, on_damage: OnDamage) -> Self {
        self.on_damage = on_damage;
        self
    }

    /// Whether a folder without a record becomes an image without a name, where it holds a manifest
    /// that can be read; not where nothing is said.
    ///
    /// Such an image has the name of the folder as its ID, every item whose file has a name that
    /// the legacy store would give it, and no date, metadata or layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), "[]")?;
    /// std::fs::create_dir(source.join("a1"))?;
    /// std::fs::write(source.join("a1/manifest"), "{}")?;
    /// let options = ImportOptions::default().recover_orphans(true);
    /// assert_eq!(legacy::import(&source, &store, options)?.recovered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn recover_orphans(mut self, recover: bool) -> Self {
        self.recover_orphans = recover;
        self
    }

    /// Whether parts of `images.json` that cannot be read are passed over, instead of ending the
    /// import; not where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// let records = r#"[{"id":"a1"},{"id":"b"#;
    /// std::fs::write(source.join("images.json"), records)?;
    /// // The text is cut short in its second record.
    /// assert!(legacy::import(&source, &store, ImportOptions::default()).is_err());
    /// let options = ImportOptions::default().salvage(true);
    /// assert_eq!(legacy::import(&source, &store, options)?.images, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn salvage(mut self, salvage: bool) -> Self {
        self.salvage = salvage;
        self
    }

    /// Whether everything is done but writing; not where nothing is said. The memory it takes grows
    /// with the number of images, some 500 bytes each.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
    /// let options = ImportOptions::default().dry_run(true);
    /// assert_eq!(legacy::import(&source, &store, options)?.images, 1);
    /// assert!(!store.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Whether everything is read back and compared with the source before it counts; not where
    /// nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
    /// let options = ImportOptions::default().verify(true);
    /// assert!(legacy::import(&source, &store, options)?.verified);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// How long to wait for an engine that changes the source; 30 seconds where nothing is said.
    /// `None` takes no lock at all, which is right for a copy that no engine uses.
    ///
    /// The lock belongs to the process: one that closes `images.lock` for another reason meanwhile
    /// loses it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImportOptions;
    /// // A copy that no engine uses.
    /// let options = ImportOptions::default().lock_timeout(None);
    /// assert!(format!("{options:?}").contains("lock_timeout: None"));
    /// ```
    pub const fn lock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long to wait for others who use the store that is replaced or merged into; 30 seconds
    /// where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, Existing, ImportOptions};
    /// # use image_store::{Access, ImageStore};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
    /// let held = ImageStore::options().access(Access::Exclusive).open(&store)?;
    /// let options = ImportOptions::default().existing(Existing::Replace);
    /// let options = options.lock_wait(std::time::Duration::ZERO);
    /// let refused = legacy::import(&source, &store, options).unwrap_err();
    /// assert_eq!(refused.kind(), image_store::ErrorKind::Busy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// How many threads read, hash and compress, beside the one that writes, from 1 to 256; as many
    /// as the machine has cores where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImportOptions;
    /// let options = ImportOptions::default().threads(2);
    /// assert!(format!("{options:?}").contains("threads: 2"));
    /// ```
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The memory that the engine may use for pages of the new store, in bytes; 320 MiB where
    /// nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImportOptions;
    /// let options = ImportOptions::default().cache_size(64 << 20);
    /// assert!(format!("{options:?}").contains("cache_size: 67108864"));
    /// ```
    pub const fn cache_size(mut self, bytes: usize) -> Self {
        self.cache_size = bytes;
        self
    }

    /// How many findings the summary lists; 10,000 where nothing is said. All are counted, and told
    /// to [`on_finding`](Self::on_finding).
    ///
    /// # Examples
    ///
    /// See [`on_finding`](Self::on_finding).
    pub const fn listed_findings(mut self, limit: usize) -> Self {
        self.listed_findings = limit;
        self
    }

    /// How the engine is opened: with the storage and the access of these options.
    ///
    /// For the tests of this project; not a promise.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn engine(mut self, options: OpenOptions) -> Self {
        self.engine = options;
        self
    }

    /// Calls `observer` after every record.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions, ImportStage};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("images.json"), r#"[{"id":"a1"}]"#)?;
    /// let mut stages = Vec::new();
    /// let options = ImportOptions::default()
    ///     .verify(true)
    ///     .on_progress(|progress| stages.push(progress.stage));
    /// legacy::import(&source, &store, options)?;
    /// assert_eq!(stages.first(), Some(&ImportStage::Reading));
    /// assert!(stages.contains(&ImportStage::Verifying));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_progress(mut self, observer: impl FnMut(&ImportProgress) + 'a) -> Self {
        self.on_progress = Box::new(observer);
        self
    }

    /// Calls `observer` with every finding.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{self, ImportOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, store) = (dir.path().join("vfs-images"), dir.path().join("images.redb"));
    /// # std::fs::create_dir(&source)?;
    /// let records = r#"[{"id":"a1","big-data-names":["manifest"]}]"#;
    /// std::fs::write(source.join("images.json"), records)?;
    /// let mut kinds = Vec::new();
    /// let options = ImportOptions::default()
    ///     .listed_findings(0)
    ///     .on_finding(|finding| kinds.push(finding.kind()));
    /// assert!(legacy::import(&source, &store, options)?.findings.is_empty());
    /// assert_eq!(kinds, ["item-missing"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_finding(mut self, observer: impl FnMut(&Finding) + 'a) -> Self {
        self.on_finding = Box::new(observer);
        self
    }
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("existing", &self.existing)
            .field("on_damage", &self.on_damage)
            .field("recover_orphans", &self.recover_orphans)
            .field("salvage", &self.salvage)
            .field("dry_run", &self.dry_run)
            .field("verify", &self.verify)
            .field("lock_timeout", &self.lock_timeout)
            .field("threads", &self.threads)
            .field("cache_size", &self.cache_size)
            .finish_non_exhaustive()
    }
}
