//! Reading back what an import wrote.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use super::batches::{Batches, Next};
use super::destination::Written;
use super::items::{Item, ItemFolder, keys};
use super::merge::differences;
use super::options::ImportOptions;
use super::orphans;
use super::progress::{ImportProgress, ImportStage};
use crate::error::{Error, Result};
use crate::legacy::json::read_record;
use crate::legacy::source::Source;
use crate::model::Image;
use crate::read::{Lookup, image_with_id};

/// What an import left out or took from elsewhere than a record.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Where the records begin whose images were left out.
    pub(super) left_out: HashSet<u64>,
    /// Where the record begins that counts, for each ID that has several.
    pub(super) latest: HashMap<String, u64>,
    /// IDs of the images that were recovered from their folders.
    pub(super) recovered: Vec<String>,
}

/// Reads the source once more and compares every record and every byte with what was written. It
/// counts from nothing, as it goes.
pub(super) fn verify(
    source: &Source,
    written: Written<'_>,
    expected: &Expected,
    records_size: u64,
    options: &mut ImportOptions<'_>,
) -> Result<()> {
    let progress = ImportProgress {
        stage: ImportStage::Verifying,
        records_size,
        ..Default::default()
    };
    match written {
        Written::Committed(store) => compare(
            source,
            &store.read()?,
            store.path(),
            expected,
            progress,
            options,
        ),
        Written::Pending(transaction) => compare(
            source,
            transaction,
            transaction.path(),
            expected,
            progress,
            options,
        ),
    }
}

fn compare(
    source: &Source,
    store: &impl Lookup,
    path: &std::path::Path,
    expected: &Expected,
    mut progress: ImportProgress,
    options: &mut ImportOptions<'_>,
) -> Result<()> {
    let wrong = |id: &str, what: &str| Error::NotVerified {
        path: path.to_owned(),
        what: format!("image {id:?}: {what}"),
    };
    let comparison = Comparison {
        source,
        store,
        wrong,
    };
    (options.on_progress)(&progress);
    if let Some(records) = source.records()? {
        for batch in Batches::new(records, options.salvage) {
            let read = batch.read;
            let mut compared = Ok(());
            batch.into_each(|next| {
                if compared.is_ok() {
                    compared = match next {
                        Next::Record(element) => read_record(element)
                            .map_err(|error| source.records_error(error))
                            .and_then(|record| {
                                let offset = element.position.offset;
                                if expected.counts(&record.image.id, offset) {
                                    comparison.record(record.image, &mut progress)?;
                                }
                                progress.images += 1;
                                (options.on_progress)(&progress);
                                Ok(())
                            }),
                        Next::Lost(_) => Ok(()),
                        Next::Failed(error) => Err(source.records_error(error)),
                    };
                }
            });
            compared?;
            progress.record_bytes = read;
            (options.on_progress)(&progress);
        }
    }
    for id in &expected.recovered {
        let Some(prepared) = orphans::recover(source, id)? else {
            return Err(wrong(id, "its folder has changed"));
        };
        comparison.record(prepared.image, &mut progress)?;
    }
    Ok(())
}

impl Expected {
    fn counts(&self, id: &str, offset: u64) -> bool {
        let is_latest = self.latest.get(id).is_none_or(|latest| *latest == offset);
        is_latest && !self.left_out.contains(&offset)
    }
}

struct Comparison<'a, S, W> {
    source: &'a Source,
    store: &'a S,
    wrong: W,
}

impl<S: Lookup, W: Fn(&str, &str) -> Error> Comparison<'_, S, W> {
    fn record(&self, mut recorded: Image, progress: &mut ImportProgress) -> Result<()> {
        let id = recorded.id.clone();
        let wrong = |what: &str| Err((self.wrong)(&id, what));
        let Some(stored) = self.store.view(|tables| image_with_id(tables, &id))? else {
            return wrong("it is not there");
        };
        let folder = ItemFolder::again(self.source, &id)?;
        let keys: Vec<_> = keys(&recorded).map(str::to_owned).collect();
        for key in keys {
            let content = stored.big_data.get(&key).and_then(|item| item.content);
            match (folder.item(&id, &key)?, content) {
                (Item::Without(_), None) => {}
                (Item::Bytes(file), Some(_)) => {
                    let mut bytes = self.store.big_data_reader(&id, &key)?;
                    let same = equal(file, &mut bytes);
                    if !same.map_err(|error| folder.refused(&key, error))? {
                        return wrong(&format!("the bytes of the item {key:?} differ"));
                    }
                    progress.items += 1;
                    progress.item_bytes += bytes.size();
                }
                _ => return wrong(&format!("the item {key:?} is not as it lies there")),
            }
            recorded.big_data.entry(key).or_default().content = content;
        }
        recorded.recompute_digests();
        // Of several images with one name the last has it.
        if stored
            .names
            .iter()
            .any(|name| !recorded.names.contains(name))
        {
            return wrong("it has another name");
        }
        recorded.names.clone_from(&stored.names);
        match differences(&recorded, &stored).as_slice() {
            [] => Ok(()),
            fields => wrong(&format!("it has another {}", fields.join(", "))),
        }
    }
}

/// Whether two readers yield the same bytes.
fn equal(mut one: impl Read, mut other: impl Read) -> io::Result<bool> {
    const BLOCK: u64 = 64 << 10;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.by_ref().take(BLOCK).read_to_end(&mut left)?;
        other.by_ref().take(BLOCK).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}
