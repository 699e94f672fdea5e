//! A store that is filled before it appears.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use tempfile::NamedTempFile;

use crate::engine::contain;
use crate::error::{Error, Result};
use crate::store::database::{Engine, Handle};
use crate::store::file::{identity, io_error};
use crate::store::gate::Gate;
use crate::store::{Access, ImageStore, OpenOptions, birth, open};

/// A store under a temporary name beside its place. Dropping it leaves nothing.
#[derive(Debug)]
pub(crate) struct NewStore {
    // Closed before its file is removed.
    store: ImageStore,
    file: NamedTempFile,
    path: PathBuf,
}

impl NewStore {
    /// Begins a store that shall appear at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] where something is there.
    pub(crate) fn begin(path: &Path, options: OpenOptions) -> Result<Self> {
        if path.symlink_metadata().is_ok() {
            return Err(already_exists(path));
        }
        birth::remove_leftovers(path)?;
        let file = birth::built(path)?;
        // Nobody else knows the file, so there is nobody to share it with.
        let options = options.access(Access::Exclusive);
        let duplicate = file
            .as_file()
            .try_clone()
            .map_err(|source| io_error("open the new store beside", path, source))?;
        // The duplicate shares the lock that keeps the file from being taken for a leftover.
        let database = contain(|| {
            let backend = FileBackend::new(duplicate)?;
            Ok(open::builder(&options).create_with_backend(backend)?)
        })
        .map_err(|failure| failure.at(path))?;
        let gate = Gate::of(identity(file.as_file(), path)?);
        let handle = Handle::new(path.to_owned(), Engine::Writable(Arc::new(database)));
        Ok(Self {
            store: ImageStore::new(handle, gate, &options),
            file,
            path: path.to_owned(),
        })
    }

    /// The store. Its own path is the one where it will appear.
    pub(crate) const fn store(&self) -> &ImageStore {
        &self.store
    }

    /// Closes the store, whose other handles must be gone, and puts it in its place.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] where something is there by now; it is left alone.
    pub(crate) fn appear(self) -> Result<()> {
        let Self { store, file, path } = self;
        store.close();
        file.as_file()
            .sync_all()
            .map_err(|source| io_error("sync the new store", &path, source))?;
        // The engine's close has released the lock.
        if !birth::is_kept(&file, &path)? {
            let source = io::Error::new(
                io::ErrorKind::NotFound,
                "another process removed its temporary file",
            );
            return Err(io_error("give its name to the new store", &path, source));
        }
        birth::give_name(file, &path)
    }
}

fn already_exists(path: &Path) -> Error {
    Error::AlreadyExists {
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::NewStore;
    use crate::{Error, ImageStore, Lookup, NewImage, OpenOptions};

    #[test]
    fn appears_whole_or_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("images.redb");
        for appears in [false, true] {
            let new = NewStore::begin(&path, OpenOptions::default()).unwrap();
            new.store().create(NewImage::new().id("a1")).unwrap();
            assert!(!path.exists());
            if appears {
                new.appear().unwrap();
            } else {
                drop(new);
            }
            let left = fs::read_dir(temporary.path()).unwrap().count();
            assert_eq!(left, usize::from(appears));
        }
        assert!(ImageStore::open(&path).unwrap().exists("a1").unwrap());
        let refused = NewStore::begin(&path, OpenOptions::default()).unwrap_err();
        assert!(matches!(refused, Error::AlreadyExists { .. }));
    }

    #[test]
    fn is_no_leftover_while_it_is_filled_and_is_one_when_its_process_died() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("images.redb");
        let new = NewStore::begin(&path, OpenOptions::default()).unwrap();
        new.store().create(NewImage::new().id("a1")).unwrap();
        // Creating a store removes leftovers.
        drop(ImageStore::open(&path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(new.file.path().exists());
        new.appear().unwrap();
        fs::remove_file(&path).unwrap();

        let dead = temporary.path().join(".images.redb.new-dead");
        fs::write(&dead, "half a store").unwrap();
        drop(NewStore::begin(&path, OpenOptions::default()).unwrap());
        assert!(!dead.exists());
    }
}
