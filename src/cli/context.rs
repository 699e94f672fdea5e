//! What the global options mean to a command: which store, opened how.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use anstyle::Style;
use image_store::{Access, Error, ImageStore, OpenOptions, Result, Transaction};

use super::args::Global;
use super::failure::Failure;

/// The engine's cache, in bytes, of a command that only reads. It asks one question, or reads from one
/// end to the other and hardly a page twice: more would take memory for nothing.
const READERS_CACHE: usize = 32 << 20;

/// The path where neither `--store` nor `$IMAGE_STORE` gives one.
const DEFAULT_STORE: &str = "images.redb";

/// The global options of one run.
#[derive(Debug)]
pub(crate) struct Context {
    store: PathBuf,
    options: Global,
}

impl Context {
    pub(crate) fn new(mut options: Global) -> Self {
        let from_environment = || {
            let path = std::env::var_os("IMAGE_STORE")?;
            (!path.is_empty()).then(|| PathBuf::from(path))
        };
        let store = options
            .store
            .take()
            .or_else(from_environment)
            .unwrap_or_else(|| DEFAULT_STORE.into());
        Self { store, options }
    }

    /// The path of the store's file.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(crate) const fn read_only(&self) -> bool {
        self.options.read_only
    }

    pub(crate) const fn verbose(&self) -> bool {
        self.options.verbose
    }

    /// Opens the store to change it, unless `--read-only` says otherwise.
    pub(crate) fn open(&self) -> Result<ImageStore> {
        self.open_with(Access::Shared)
    }

    /// The same, sharing it as `access` says.
    pub(crate) fn open_with(&self, access: Access) -> Result<ImageStore> {
        self.opening()
            .access(access)
            .read_only(self.options.read_only)
            .open(&self.store)
    }

    /// Opens a store that is there to change it.
    pub(crate) fn open_existing(&self) -> Result<ImageStore> {
        self.opening().create(false).open(&self.store)
    }

    /// Runs a step on a store that is there, as one transaction.
    pub(crate) fn change<R>(
        &self,
        step: impl FnOnce(&mut Transaction) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.refuse_read_only()?;
        let mut transaction = self.open_existing()?.write()?;
        let result = step(&mut transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Refuses to go on with a command that changes the store, where `--read-only` was given.
    pub(crate) fn refuse_read_only(&self) -> Result<()> {
        if self.options.read_only {
            let path = self.store.clone();
            return Err(Error::ReadOnly { path });
        }
        Ok(())
    }

    /// Opens the store for a command that only reads: much faster, and it creates nothing.
    pub(crate) fn open_to_read(&self) -> Result<ImageStore> {
        self.reading().read_only(true).open(&self.store)
    }

    /// Opens the store for a command that only reads, and knows more where it may write.
    pub(crate) fn open_to_measure(&self) -> Result<ImageStore> {
        if self.options.read_only {
            return self.open_to_read();
        }
        match self.reading().create(false).open(&self.store) {
            Err(Error::Io { source, .. })
                if matches!(
                    source.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                self.open_to_read()
            }
            opened => opened,
        }
    }

    /// How long others who use the store are waited for.
    pub(crate) const fn lock_wait(&self) -> Duration {
        self.options.lock_wait
    }

    /// How they say it for a command that only reads.
    pub(crate) fn reading(&self) -> OpenOptions {
        self.opening().cache_size(READERS_CACHE)
    }

    /// How the global options say that a store is opened.
    pub(crate) fn opening(&self) -> OpenOptions {
        ImageStore::options().lock_wait(self.options.lock_wait)
    }
}

/// Whether colours may go to `stream`: a terminal that has them, and `NO_COLOR` is not set.
pub(crate) fn has_colours(stream: &impl RawStream) -> bool {
    stream.is_terminal() && AutoStream::choice(stream) != ColorChoice::Never
}

/// `style` where `stream` may have colours, else none.
pub(crate) fn style(stream: &impl RawStream, style: Style) -> Style {
    if has_colours(stream) {
        style
    } else {
        Style::new()
    }
}
