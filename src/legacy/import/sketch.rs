//! What a dry run keeps in place of a store.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::destination::Displaced;
use crate::content;
use crate::error::Result;
use crate::model::{ContentHash, Image};
use crate::read::Source as _;
use crate::store::Snapshot;
use crate::write::TakenName;

/// Just enough of a store to tell what an import would do.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    /// The store that would be merged into.
    base: Option<Snapshot>,
    contents: HashSet<ContentHash>,
    ids: HashMap<Arc<str>, usize>,
    names: HashMap<Arc<str>, usize>,
    images: Vec<Sketched>,
}

#[derive(Debug)]
struct Sketched {
    id: Arc<str>,
    names: Vec<Arc<str>>,
    items: u64,
}

impl Sketch {
    pub(super) fn new(base: Option<Snapshot>) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// Notes bytes; whether they are new.
    pub(super) fn put(&mut self, hash: ContentHash) -> Result<bool> {
        if let Some(base) = &self.base
            && base.view(|tables| Ok(content::lookup(tables, &hash)?.is_some()))?
        {
            return Ok(false);
        }
        Ok(self.contents.insert(hash))
    }

    /// Notes an image, as [`Transaction::insert_legacy`](crate::Transaction::insert_legacy) would
    /// take it over.
    pub(super) fn insert(&mut self, image: &Image) -> Displaced {
        let mut displaced = Displaced::default();
        if let Some(earlier) = self.ids.remove(image.id.as_str()) {
            let (names, items) = self.forget(earlier);
            displaced.image = Some((names, items));
        }
        let number = self.images.len();
        let id: Arc<str> = image.id.as_str().into();
        let mut names: Vec<Arc<str>> = Vec::new();
        for name in &image.names {
            let shared: Arc<str> = name.as_str().into();
            match self.names.insert(Arc::clone(&shared), number) {
                Some(holder) if holder == number => continue,
                Some(holder) => {
                    if let Some(holder) = self.images.get_mut(holder) {
                        holder.names.retain(|held| *held != shared);
                        displaced.names.push(TakenName {
                            name: name.clone(),
                            holder: holder.id.to_string(),
                        });
                    }
                }
                None => {}
            }
            names.push(shared);
        }
        let items = super::summary::items_with_bytes(image);
        self.ids.insert(Arc::clone(&id), number);
        self.images.push(Sketched { id, names, items });
        displaced
    }

    fn forget(&mut self, number: usize) -> (u64, u64) {
        let Some(image) = self.images.get_mut(number) else {
            return (0, 0);
        };
        let names = std::mem::take(&mut image.names);
        let items = image.items;
        for name in &names {
            self.names.remove(name);
        }
        (names.len() as u64, items)
    }
}
