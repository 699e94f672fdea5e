//! Which records and names of a directory give way to later ones of the same directory.
//!
//! A new store takes record after record, and what comes later displaces what came before. A merge
//! must know before it compares: an image that lost a name to a later one is in the store without
//! it, and that is no conflict.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::batches::{Batch, Batches, Next};
use super::ordered::in_order;
use super::prepare::{Prepared, Preparer, Step, Workshop};
use crate::error::Result;
use crate::legacy::Finding;
use crate::legacy::json::read_record;
use crate::legacy::source::Source;
use crate::model::Image;
use crate::store::io_error;

/// What comes last in a directory, by the places of the records.
#[derive(Debug)]
pub(super) struct Superseded {
    hash: Hash,
    ids: HashMap<u128, u64>,
    names: HashMap<u128, u64>,
    /// The ID of the last image that gave way with each of these names.
    earlier: HashMap<String, String>,
}

/// Two independent hashes: whoever wrote the directory cannot make texts that collide.
#[derive(Debug, Default)]
struct Hash(RandomState, RandomState);

impl Hash {
    fn of(&self, text: &str) -> u128 {
        u128::from(self.0.hash_one(text)) << 64 | u128::from(self.1.hash_one(text))
    }

    fn fact(&self, offset: u64, image: &Image) -> Fact {
        Fact {
            offset,
            id: self.of(&image.id),
            names: image.names.iter().map(|name| self.of(name)).collect(),
        }
    }
}

/// What a record says of itself.
struct Fact {
    offset: u64,
    id: u128,
    names: Vec<u128>,
}

impl Superseded {
    /// Reads all records once. It takes some 100 bytes for each image.
    ///
    /// With `whole` only those count that are not damaged, as where damaged images are left out;
    /// then their items are read, too.
    pub(super) fn of(
        source: &Source,
        salvage: bool,
        threads: usize,
        whole: Option<&Preparer<'_>>,
    ) -> Result<Self> {
        let mut all = Self {
            hash: Hash::default(),
            ids: HashMap::new(),
            names: HashMap::new(),
            earlier: HashMap::new(),
        };
        let Some(records) = source.records()? else {
            return Ok(all);
        };
        let hash = std::mem::take(&mut all.hash);
        in_order(
            threads,
            Batches::new(records, salvage),
            |workshop: &mut Workshop, batch| match whole {
                Some(preparer) => {
                    facts_of_whole(&hash, preparer.batch(batch, workshop, |image| image))
                }
                None => facts(&hash, batch),
            },
            |facts| {
                for fact in facts.drain(..) {
                    all.ids.insert(fact.id, fact.offset);
                    let names = fact.names.into_iter();
                    all.names.extend(names.map(|name| (name, fact.offset)));
                }
                Ok::<_, crate::Error>(())
            },
        )
        .map_err(|error| io_error("start threads to read", &source.records_path(), error))??;
        all.hash = hash;
        Ok(all)
    }

    /// Takes off `image`, whose record begins at `offset`, the names that later ones have. Where a
    /// later record has its ID, that is left alone; it says where that record begins.
    pub(super) fn take_off(
        &mut self,
        offset: u64,
        image: &mut Image,
        findings: &mut Vec<Finding>,
    ) -> Option<u64> {
        let later = |last: Option<&u64>| last.copied().filter(|last| *last != offset);
        let same_id = later(self.ids.get(&self.hash.of(&image.id)));
        let names = std::mem::take(&mut image.names);
        for name in names {
            self.tell(&name, &image.id, findings);
            if same_id.is_some() {
                // It goes with the record.
                continue;
            }
            if later(self.names.get(&self.hash.of(&name))).is_none() {
                image.names.push(name);
            } else {
                self.earlier.insert(name, image.id.clone());
            }
        }
        same_id
    }

    /// Tells of the image that gave way to `later` with a name.
    fn tell(&mut self, name: &str, later: &str, findings: &mut Vec<Finding>) {
        let earlier = self.earlier.remove(name);
        if let Some(earlier) = earlier.filter(|earlier| earlier != later) {
            findings.push(Finding::DuplicateName {
                name: name.to_owned(),
                earlier,
                later: later.to_owned(),
            });
        }
    }
}

/// What cannot be read is told when it is read again.
fn facts(hash: &Hash, batch: Batch) -> Vec<Fact> {
    let mut facts = Vec::new();
    batch.into_each(|next| {
        if let Next::Record(element) = next
            && let Ok(record) = read_record(element)
        {
            facts.push(hash.fact(element.position.offset, &record.image));
        }
    });
    facts
}

/// The same of what is not damaged.
fn facts_of_whole(hash: &Hash, prepared: Prepared) -> Vec<Fact> {
    let images = prepared.steps.into_iter().filter_map(|step| match step {
        Step::Image(image) if !image.is_damaged() => Some(image),
        Step::Image(_) | Step::Lost(_) => None,
    });
    images
        .filter_map(|prepared| Some(hash.fact(prepared.offset?, &prepared.image)))
        .collect()
}
