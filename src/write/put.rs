//! Writing a changed image: its record and, through the index module, its rows.
//!
//! What is to be written is planned first. A plan holds the encoded record, so whatever can be
//! refused has been refused before the first row of a step is written.

use std::collections::HashSet;
use std::collections::btree_map::{BTreeMap, Entry};

use redb::ReadableTable;

use crate::codec::encode_image;
use crate::engine::Outcome;
use crate::index;
use crate::model::Image;
use crate::read::{image_at, resolve_image};
use crate::tables::{WriteTables, number_after};

/// An image as it was and as it will be.
pub(super) struct Change {
    number: u64,
    before: Option<Image>,
    after: Image,
    /// `None` where nothing changes.
    record: Option<Vec<u8>>,
}

impl Change {
    /// Plans to write an image that was not there, after all others.
    pub(super) fn insertion(tables: &WriteTables<'_>, after: Image) -> Outcome<Self> {
        let number = next_number(tables)?;
        let record = Some(encode_image(number, &after)?);
        Ok(Self {
            number,
            before: None,
            after,
            record,
        })
    }

    /// Plans to write what `after` changes in `before`, if anything.
    pub(super) fn replacement(number: u64, before: Image, after: Image) -> Outcome<Self> {
        let record = if before == after {
            None
        } else {
            Some(encode_image(number, &after)?)
        };
        Ok(Self {
            number,
            before: Some(before),
            after,
            record,
        })
    }

    /// Writes the plan, and returns the image as it is now.
    pub(super) fn write(self, tables: &mut WriteTables<'_>) -> Outcome<Image> {
        if let Some(record) = self.record {
            let before = self.before.as_ref();
            index::update(tables, self.number, before, Some(&self.after))?;
            tables.images.insert(self.number, record.as_slice())?;
        }
        Ok(self.after)
    }
}

/// Removes an image and what only it refers to.
pub(super) fn remove(tables: &mut WriteTables<'_>, number: u64, image: &Image) -> Outcome<()> {
    index::update(tables, number, Some(image), None)?;
    tables.images.remove(number)?;
    Ok(())
}

/// Changes the image that `reference` refers to.
pub(super) fn change(
    tables: &mut WriteTables<'_>,
    reference: &str,
    change: impl FnOnce(&mut Image),
) -> Outcome<()> {
    let (number, before) = resolve_image(tables, reference)?;
    let mut after = before.clone();
    change(&mut after);
    Change::replacement(number, before, after)?.write(tables)?;
    Ok(())
}

/// A name that was taken from an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TakenName {
    pub(crate) name: String,
    /// The ID of the image that had it.
    pub(crate) holder: String,
}

/// Names that are to be taken from those who have them.
pub(super) struct Taking {
    changes: Vec<Change>,
    taken: Vec<TakenName>,
}

impl Taking {
    /// Plans to take `names` from every image but `keeper`, so that they are free to be given.
    ///
    /// Mirrors `imageStore.removeName`: the history of the old holder is left alone.
    pub(super) fn of(
        tables: &WriteTables<'_>,
        names: &[String],
        keeper: Option<u64>,
    ) -> Outcome<Self> {
        let mut holders: BTreeMap<u64, Image> = BTreeMap::new();
        let mut wanted = HashSet::new();
        let mut taken = Vec::new();
        for name in names {
            if !wanted.insert(name) {
                continue;
            }
            let holder = tables.names.get(name.as_str())?.map(|row| row.value());
            let Some(number) = holder.filter(|holder| Some(*holder) != keeper) else {
                continue;
            };
            let holder = match holders.entry(number) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(image_at(tables, number)?),
            };
            taken.push(TakenName {
                name: name.clone(),
                holder: holder.id.clone(),
            });
        }
        let changes = holders.into_iter().map(|(number, before)| {
            let mut after = before.clone();
            after.names.retain(|held| !wanted.contains(held));
            Change::replacement(number, before, after)
        });
        Ok(Self {
            changes: changes.collect::<Outcome<_>>()?,
            taken,
        })
    }

    /// Takes them, and tells which were taken from which image.
    pub(super) fn write(self, tables: &mut WriteTables<'_>) -> Outcome<Vec<TakenName>> {
        for change in self.changes {
            change.write(tables)?;
        }
        Ok(self.taken)
    }
}

/// The number of the next image: new ones come after all others.
pub(super) fn next_number(tables: &WriteTables<'_>) -> Outcome<u64> {
    let last = tables.images.last()?.map(|(key, _)| key.value());
    last.map_or(Ok(0), number_after)
}
