//! This library.

use std::path::Path;

use anyhow::Result;
use image_store::{Access, ImageStore, Lookup, Prefix};

use crate::peers::{Peer, Reads};
use crate::rows::Fresh;

/// A store of this library.
pub struct Library {
    store: Looking<ImageStore>,
}

impl Library {
    /// Opens the store at `path` with a cache of so many bytes.
    ///
    /// # Errors
    ///
    /// Those of the library.
    pub fn open(path: &Path, access: Access, cache: usize) -> Result<Self> {
        let options = ImageStore::options().access(access).cache_size(cache);
        Ok(Self {
            store: Looking(options.open(path)?),
        })
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &ImageStore {
        &self.store.0
    }
}

impl Peer for Library {
    fn label(&self) -> &'static str {
        match self.store().access() {
            Access::Exclusive => "image_store, exclusive",
            _ => "image_store, shared",
        }
    }

    fn durability(&self) -> &'static str {
        match self.store().access() {
            Access::Exclusive => "on disk when it returns; one process",
            _ => "on disk when it returns; any number of processes",
        }
    }

    fn own(&self) -> &dyn Reads {
        &self.store
    }

    fn held(&self) -> Result<Box<dyn Reads + '_>> {
        Ok(Box::new(Looking(self.store().read()?)))
    }

    fn set_metadata(&self, id: &str, metadata: &str) -> Result<()> {
        Ok(self.store().set_metadata(id, metadata)?)
    }

    fn create(&self, fresh: Fresh) -> Result<()> {
        self.store().create(fresh.image)?;
        Ok(())
    }

    fn bulk(&self, fresh: Vec<Fresh>) -> Result<()> {
        let mut transaction = self.store().write()?;
        for fresh in fresh {
            transaction.create(fresh.image)?;
        }
        Ok(transaction.commit()?)
    }
}

struct Looking<L>(L);

impl<L: Lookup> Reads for Looking<L> {
    fn by_id(&self, id: &str) -> Result<usize> {
        Ok(self.0.get(id)?.metadata.len())
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        self.by_id(name)
    }

    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.by_id(prefix)
    }

    fn by_digest(&self, digest: &str) -> Result<usize> {
        let mut length = 0;
        for image in self.0.by_digest(digest)? {
            length += image?.metadata.len();
        }
        Ok(length)
    }

    fn item(&self, id: &str, key: &str) -> Result<usize> {
        Ok(self.0.big_data(id, key)?.len())
    }

    fn list(&self) -> Result<usize> {
        let mut count = 0;
        for image in self.0.images()? {
            image?;
            count += 1;
        }
        Ok(count)
    }

    fn list_ids(&self) -> Result<usize> {
        let mut count = 0;
        for id in self.0.ids(Prefix::all())? {
            id?;
            count += 1;
        }
        Ok(count)
    }
}
