//! Copying what can be read, image by image.

use std::collections::{BTreeSet, HashMap};

use redb::{ReadableTable, ReadableTableMetadata};

use crate::codec::{Content, Encoding, KeyText, Sealed, decode_content, decode_image, unseal};
use crate::content;
use crate::engine::{Failure, Outcome, contain};
use crate::maintenance::both_ends::both_ends;
use crate::maintenance::progress::{Meter, Progress, Stage};
use crate::maintenance::set_aside::SetAside;
use crate::maintenance::verify::Finding;
use crate::model::{ContentHash, Image};
use crate::tables::{ReadTables, WriteTables};
use crate::write;

/// What was copied and what was not.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    pub(super) images: u64,
    pub(super) lost: Vec<Finding>,
}

pub(super) fn salvage<T: ReadTables>(
    from: &T,
    to: &mut WriteTables<'_>,
    set_aside: &mut SetAside,
    progress: &mut dyn FnMut(Progress),
) -> Outcome<Salvaged> {
    let numbers = image_numbers(from);
    let mut meter = Meter::start(progress, Stage::Copy, numbers.len() as u64);
    let mut salvage = Salvage {
        from,
        to,
        set_aside,
        nameless: None,
        records: 0,
        salvaged: Salvaged::default(),
    };
    for number in numbers {
        salvage.image(number)?;
        meter.advance();
    }
    meter.finish();
    salvage.unfound()?;
    let Salvage {
        to, mut salvaged, ..
    } = salvage;
    salvaged.images = to.images.len()?;
    Ok(salvaged)
}

/// Every image number that any table still tells of. A table whose middle is damaged is read from
/// both ends, and that of the images also between them, row by row: the numbers lie close together.
fn image_numbers<T: ReadTables>(from: &T) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    // What was read before the damage is kept; the damage itself is in the report already.
    let mut add = |number| {
        numbers.insert(number);
    };
    let whole = contain(|| both_ends(from.images()?, |number, _| add(number))).is_ok();
    let _ = contain(|| both_ends(from.ids()?, |_, number| add(number)));
    let _ = contain(|| both_ends(from.names()?, |_, number| add(number)));
    if !whole {
        let _ = contain(|| both_ends(from.digests()?, |(_, number), ()| add(number)));
        let _ = contain(|| both_ends(from.layers()?, |(_, number), ()| add(number)));
        let rows = contain(|| Ok(from.images()?.len()?)).unwrap_or_default();
        missed(&mut numbers, rows, |number| {
            Ok(from.images()?.get(number)?.is_some())
        });
    }
    numbers
}

/// So many numbers are looked for one by one, which takes some seconds: a damaged one may be any.
const MOST_LOOKED_FOR: u64 = 1 << 22;

/// Adds the numbers that are there, too, where that can be read: up to the last one known, or as many
/// as the table has rows.
fn missed(numbers: &mut BTreeSet<u64>, rows: u64, is_there: impl Fn(u64) -> Outcome<bool>) {
    let known = numbers.first().copied().unwrap_or_default();
    let first = known.saturating_sub(MOST_LOOKED_FOR / 2);
    let last = numbers.last().copied().unwrap_or_default();
    let last = last.max(known.saturating_add(rows));
    let missed: Vec<u64> = (first..=last.min(first.saturating_add(MOST_LOOKED_FOR)))
        .filter(|number| !numbers.contains(number))
        .filter(|number| contain(|| is_there(*number)).is_ok_and(|there| there))
        .collect();
    numbers.extend(missed);
}

struct Salvage<'a, 'txn, T> {
    from: &'a T,
    to: &'a mut WriteTables<'txn>,
    set_aside: &'a mut SetAside,
    /// Contents whose row is lost, by the hash of the bytes that their parts hold. Read when the
    /// first one is missed.
    nameless: Option<HashMap<ContentHash, Content>>,
    /// Records that were found, be they readable or not.
    records: u64,
    salvaged: Salvaged,
}

impl<T: ReadTables> Salvage<'_, '_, T> {
    fn image(&mut self, number: u64) -> Outcome<()> {
        let record = contain(|| {
            let row = self.from.images()?.get(number)?;
            Ok(row.map(|row| row.value().to_vec()))
        });
        let decoded = match record {
            Ok(None) => return self.lose_stray_number(number),
            Ok(Some(record)) => match decode_image(number, &record) {
                Ok(image) => Ok(image),
                Err(failure) => Err((failure, Some(record))),
            },
            Err(failure) => Err((failure, None)),
        };
        self.records += 1;
        match decoded {
            Ok(mut image) => {
                self.items(&mut image)?;
                self.keep(number, image)
            }
            Err((failure, record)) => {
                let error = failure.to_string();
                self.lose(
                    Finding::RecordUnreadable { number, error },
                    record.as_deref(),
                )
            }
        }
    }

    /// Tells of records that no table led to: the table counts its rows elsewhere than in its pages.
    fn unfound(&mut self) -> Outcome<()> {
        let counted = contain(|| Ok(self.from.images()?.len()?)).unwrap_or(0);
        let unfound = counted.saturating_sub(self.records);
        if unfound == 0 {
            return Ok(());
        }
        let error = format!("it counts {counted} records, and {unfound} are not to be found");
        let table = "images";
        self.lose(Finding::TableUnreadable { table, error }, None)
    }

    /// An index led to a number that has no record: there is nothing to set aside but the fact.
    fn lose_stray_number(&mut self, number: u64) -> Outcome<()> {
        let error = "there is no record of this number".to_owned();
        self.lose(Finding::RecordUnreadable { number, error }, None)
    }

    fn keep(&mut self, number: u64, image: Image) -> Outcome<()> {
        let earlier = self
            .to
            .ids
            .get(KeyText::of(&image.id))?
            .map(|row| row.value());
        if let Some(earlier) = earlier {
            let record = self.to.images.get(earlier)?.map(|row| row.value().to_vec());
            let error = format!("image number {number} has the same ID {:?}", image.id);
            let finding = Finding::RecordUnreadable {
                number: earlier,
                error,
            };
            self.lose(finding, record.as_deref())?;
        }
        let displaced = write::insert_legacy(self.to, image)?;
        for taken in displaced.names {
            let write::TakenName { name, holder } = taken;
            self.lose(Finding::NameTaken { name, holder }, None)?;
        }
        Ok(())
    }

    /// Copies the bytes of the items; those that cannot be read are no longer referred to.
    fn items(&mut self, image: &mut Image) -> Outcome<()> {
        for (key, item) in &mut image.big_data {
            let Some(hash) = item.content else { continue };
            if content::lookup(self.to, &hash)?.is_some() {
                continue;
            }
            let row = contain(|| content::lookup(self.from, &hash));
            let found = match row {
                Ok(Some(content)) => Some(content),
                Ok(None) | Err(_) => self.nameless(&hash),
            };
            let Some(content) = found else {
                item.content = None;
                let finding = Finding::ContentMissing {
                    id: image.id.clone(),
                    key: key.clone(),
                    content: hash,
                };
                self.lose(finding, None)?;
                continue;
            };
            if let Err(mut finding) = self.content(&hash, &content)? {
                item.content = None;
                // Whoever reads of the loss wants to know whose it is.
                if let Finding::ContentUnreadable { error, .. } = &mut finding {
                    *error = format!("{error} (the item {key:?} of the image {:?})", image.id);
                }
                let bytes = readable_parts(self.from, content.number);
                self.lose(finding, Some(&bytes))?;
            }
        }
        Ok(())
    }

    /// Copies the bytes of one content, or says why they are not what they should be.
    fn content(&mut self, hash: &ContentHash, content: &Content) -> Outcome<Result<(), Finding>> {
        let unreadable = |error: String| Finding::ContentUnreadable {
            content: *hash,
            error,
        };
        let (from, to) = (self.from, &mut *self.to);
        let stored = contain(|| {
            let mut bytes = content::stream(from, content)?;
            content::store_stream(to, &mut bytes, |error| {
                Failure::corrupt_because("the bytes cannot be read", error)
            })
        });
        match stored {
            Ok(stored) if stored.hash == *hash => Ok(Ok(())),
            Ok(stored) => {
                content::release(self.to, &stored.hash)?;
                Ok(Err(Finding::ContentDiffers {
                    content: *hash,
                    found: stored.hash,
                }))
            }
            // Reading failed, which leaves nothing of the copy; the new store itself is sound.
            Err(failure @ Failure::Corrupt { .. }) => Ok(Err(unreadable(failure.to_string()))),
            Err(failure) => Err(failure),
        }
    }

    /// Finds bytes whose row is lost by their hash.
    fn nameless(&mut self, hash: &ContentHash) -> Option<Content> {
        let from = self.from;
        self.nameless
            .get_or_insert_with(|| find_nameless(from))
            .get(hash)
            .copied()
    }

    fn lose(&mut self, finding: Finding, bytes: Option<&[u8]>) -> Outcome<()> {
        tracing::warn!(%finding, "set aside");
        self.set_aside.keep(&finding, bytes)?;
        self.salvaged.lost.push(finding);
        Ok(())
    }
}

/// The number of every content of which there is a part, as far as that can be read.
fn content_numbers<T: ReadTables>(from: &T) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    let mut add = |number| {
        numbers.insert(number);
    };
    let whole = contain(|| both_ends(from.blobs()?, |(number, _), _| add(number))).is_ok();
    if !whole {
        let rows = contain(|| Ok(from.blobs()?.len()?)).unwrap_or_default();
        missed(&mut numbers, rows, |number| {
            Ok(from.blobs()?.get((number, 0))?.is_some())
        });
    }
    numbers
}

/// Hashes the bytes of every content number that no row tells of, in whichever encoding they are.
fn find_nameless<T: ReadTables>(from: &T) -> HashMap<ContentHash, Content> {
    let mut named = BTreeSet::new();
    let _ = contain(|| {
        for row in from.contents()?.iter()? {
            let (key, value) = row?;
            let hash = ContentHash::from_bytes(*key.value());
            if let Ok(content) = decode_content(&hash, value.value()) {
                named.insert(content.number);
            }
        }
        Ok(())
    });
    let numbers = content_numbers(from);
    let mut found = HashMap::new();
    for number in numbers.difference(&named) {
        for encoding in Encoding::ALL {
            let hashed = contain(|| content::hash_nameless(from, *number, encoding));
            if let Ok((hash, size)) = hashed {
                let content = Content {
                    number: *number,
                    references: 0,
                    size,
                    encoding,
                };
                found.insert(hash, content);
            }
        }
    }
    found
}

/// The payloads of the parts that can be read, one after the other.
fn readable_parts<T: ReadTables>(from: &T, number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = contain(|| {
        for row in from.blobs()?.range((number, 0)..=(number, u32::MAX))? {
            let (key, value) = row?;
            let (number, part) = key.value();
            match unseal(Sealed::Part(number, part), value.value()) {
                Ok(payload) => bytes.extend_from_slice(payload),
                // Damaged bytes are kept too: a person may make sense of them.
                Err(_) => bytes.extend_from_slice(value.value()),
            }
        }
        Ok(())
    });
    bytes
}
