//! Where an import writes.

use std::fs::File;
use std::path::Path;

use super::arrival::Arrival;
use super::choices::{Existing, OnConflict};
use super::items::{Item, ItemFolder};
use super::options::ImportOptions;
use super::prepare::PreparedItem;
use super::sketch::Sketch;
use super::summary::{distinct_names, items_with_bytes};
use crate::error::{Error, Result};
use crate::legacy::source::Source;
use crate::model::ContentHash;
use crate::store::{ImageStore, Nascent, Placement, Snapshot, Transaction, folder, is_there};
use crate::write::{Load, TakenName, put_content};

/// What an import makes.
pub(super) enum Destination {
    /// A store that appears when it is whole.
    New { new: Nascent, old: Option<OldStore> },
    /// One transaction of a store that is there.
    Merge {
        store: ImageStore,
        on_conflict: OnConflict,
    },
    /// Nothing; with the store that would be merged into.
    Nothing(Option<(ImageStore, OnConflict)>),
}

/// What a new store takes the place of: a store, or one that is too damaged to be opened.
pub(super) struct OldStore(Option<ImageStore>);

impl Destination {
    pub(super) fn of(path: &Path, options: &ImportOptions<'_>) -> Result<Self> {
        let is_there = is_there(path)?;
        let opening = options
            .engine
            .clone()
            .create(false)
            .lock_wait(options.lock_wait);
        match options.existing {
            Existing::Refuse if is_there => {
                return Err(Error::AlreadyExists {
                    path: path.to_owned(),
                });
            }
            Existing::Merge(on_conflict) if is_there => {
                if options.dry_run {
                    let store = opening.read_only(true).open(path)?;
                    return Ok(Self::Nothing(Some((store, on_conflict))));
                }
                let store = opening.cache_size(options.cache_size).open(path)?;
                return Ok(Self::Merge { store, on_conflict });
            }
            _ => {}
        }
        let old = match options.existing {
            Existing::Replace if is_there => {
                let old = opening.read_only(options.dry_run).open(path);
                match old {
                    Ok(store) => Some(OldStore(Some(store))),
                    // A damaged store may be replaced; what is none may be precious.
                    Err(
                        Error::Corrupt { .. }
                        | Error::NeedsRecovery { .. }
                        | Error::RedoLogMissing { .. },
                    ) => Some(OldStore(None)),
                    Err(error) => return Err(error),
                }
            }
            _ => None,
        };
        if options.dry_run {
            return Ok(Self::Nothing(None));
        }
        let engine = options.engine.clone().cache_size(options.cache_size);
        let new = Nascent::new(path, &engine)?;
        Ok(Self::New { new, old })
    }

    /// The file that is written, under whatever name.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::New { new, .. } => Some(new.file()),
            Self::Merge { store, .. } => Some(store.path()),
            Self::Nothing(_) => None,
        }
    }

    /// Begins to write, and the state of the store that is merged into.
    pub(super) fn begin(&self) -> Result<(Sink, Option<(Snapshot, OnConflict)>)> {
        Ok(match self {
            Self::New { new, .. } => {
                let load = Box::new(Load::new(&folder(new.file())));
                (Sink::New(new.store()?.write()?, load), None)
            }
            Self::Merge { store, on_conflict } => {
                // Nobody else writes from here on.
                let transaction = store.write()?;
                let base = store.read()?;
                (Sink::Store(transaction), Some((base, *on_conflict)))
            }
            Self::Nothing(None) => (Sink::Sketch(Sketch::default()), None),
            Self::Nothing(Some((store, on_conflict))) => {
                let base = store.read()?;
                let sketch = Sketch::new(Some(base.clone()));
                (Sink::Sketch(sketch), Some((base, *on_conflict)))
            }
        })
    }

    /// Makes what was written count. `check` reads it back before, as far as there is anything.
    pub(super) fn finish(
        self,
        sink: Sink,
        check: impl FnOnce(Written<'_>) -> Result<()>,
    ) -> Result<()> {
        let (transaction, is_packed) = match sink {
            Sink::Sketch(_) => return Ok(()),
            Sink::Store(transaction) => (transaction, false),
            Sink::New(mut transaction, mut load) => {
                transaction.fill(|tables| load.finish(tables))?;
                (transaction, load.is_packed())
            }
        };
        match self {
            Self::New { mut new, old } => {
                transaction.commit()?;
                if is_packed {
                    new.set_packed();
                }
                check(Written::Committed(new.store()?))?;
                match old {
                    None => new.appear(Placement::New),
                    Some(OldStore(old)) => {
                        // Whoever waits to write to the old store finds the new one then.
                        let last = old.as_ref().map(ImageStore::write).transpose()?;
                        new.appear(Placement::Replace)?;
                        drop(last);
                        Ok(())
                    }
                }
            }
            Self::Merge { .. } => {
                check(Written::Pending(&transaction))?;
                transaction.commit()
            }
            Self::Nothing(_) => Ok(()),
        }
    }
}

/// What was written, to be read back.
pub(super) enum Written<'a> {
    Committed(&'a ImageStore),
    Pending(&'a Transaction),
}

/// What the images are put into.
pub(super) enum Sink {
    New(Transaction, Box<Load>),
    Store(Transaction),
    Sketch(Sketch),
}

/// What gave way to an image.
#[derive(Debug, Default)]
pub(super) struct Displaced {
    /// Names that were on other images.
    pub(super) names: Vec<TakenName>,
    /// How many names and items the image with the same ID had.
    pub(super) image: Option<(u64, u64)>,
}

impl Sink {
    /// Stores the bytes of an item, and returns how many bytes the store took for them.
    pub(super) fn put(&mut self, source: &Source, id: &str, item: &PreparedItem) -> Result<u64> {
        if let (Self::Sketch(sketch), encoded) = (&mut *self, &item.encoded) {
            let taken = encoded
                .as_ref()
                .map_or(item.size, |encoded| encoded.len() as u64);
            return Ok(if sketch.put(item.hash)? { taken } else { 0 });
        }
        if let Some(encoded) = &item.encoded {
            let (hash, size) = (item.hash, item.size);
            let stored = match self {
                Self::New(transaction, load) => {
                    transaction.fill(|tables| load.put(tables, hash, size, encoded))
                }
                Self::Store(transaction) => transaction.put_encoded(hash, size, encoded),
                Self::Sketch(_) => return Ok(0),
            };
            return Ok(stored?.taken);
        }
        if self.has(&item.hash)? {
            return Ok(0);
        }
        let folder = ItemFolder::again(source, id)?;
        let mut file = reopened(&folder, id, &item.key)?;
        let stored = match self {
            Self::New(transaction, load) => transaction.fill(|tables| {
                load.put_stream(tables, |tables| put_content(tables, &mut file, &item.key))
            }),
            Self::Store(transaction) => transaction.put_content(&item.key, &mut file),
            Self::Sketch(_) => return Ok(0),
        };
        let stored = stored.map_err(|error| match error {
            Error::Input { source, .. } => folder.refused(&item.key, source),
            error => error,
        })?;
        if stored.hash == item.hash {
            return Ok(stored.taken);
        }
        Err(changed(&folder, &item.key))
    }

    fn has(&mut self, hash: &ContentHash) -> Result<bool> {
        match self {
            Self::New(transaction, load) => transaction.fill(|tables| load.has(tables, hash)),
            Self::Store(transaction) => transaction.has_content(hash),
            Self::Sketch(_) => Ok(false),
        }
    }

    /// Puts an image in; only its ID may be asked for afterwards, of one that was
    /// [loadable](Arrival::Loadable).
    pub(super) fn insert(&mut self, image: &mut Arrival) -> Result<Displaced> {
        let displaced = match self {
            Self::Sketch(sketch) => return Ok(sketch.insert(&image.take_image()?)),
            Self::New(transaction, load) => {
                image.load(|image| transaction.fill(|tables| load.insert(tables, image)))
            }
            Self::Store(transaction) => transaction.insert_legacy(image.take_image()?),
        }?;
        let image = displaced.image.as_ref();
        Ok(Displaced {
            image: image.map(|image| (distinct_names(image), items_with_bytes(image))),
            names: displaced.names,
        })
    }
}

fn reopened(folder: &ItemFolder<'_>, id: &str, key: &str) -> Result<File> {
    match folder.item(id, key)? {
        Item::Bytes(file) => Ok(file),
        Item::Without(_) => Err(changed(folder, key)),
    }
}

fn changed(folder: &ItemFolder<'_>, key: &str) -> Error {
    folder.refused(
        key,
        std::io::Error::other("it changed while it was read; stop what writes to it"),
    )
}
