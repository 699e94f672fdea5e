//! Records, and what they imply for the other tables.

use std::collections::HashMap;

use redb::ReadableTable;

use crate::codec::{KeyText, decode_content, decode_image};
use crate::engine::Outcome;
use crate::index::Rows;
use crate::maintenance::both_ends::both_ends;
use crate::maintenance::progress::Meter;
use crate::maintenance::verify::report::Findings;
use crate::maintenance::verify::{Finding, Index};
use crate::model::Image;
use crate::tables::ReadTables;

/// What the records imply for the other tables.
#[derive(Debug, Default)]
pub(super) struct Implied {
    /// Rows of the indexes that are implied and there.
    pub(super) ids: u64,
    pub(super) names: u64,
    pub(super) digests: u64,
    pub(super) layers: u64,
    /// Content number → how many items refer to it.
    pub(super) references: HashMap<u64, u64>,
    /// Whether every record was read and every reference counted, so that what is missing here is
    /// known not to be there.
    pub(super) whole: bool,
}

pub(super) fn check<T: ReadTables>(
    tables: &T,
    findings: &mut Findings<'_>,
    meter: &mut Meter<'_>,
) -> Implied {
    let mut implied = Implied {
        whole: true,
        ..Implied::default()
    };
    let read = findings.stage("images", |findings| {
        both_ends(tables.images()?, |number, record| {
            match decode_image(number, record) {
                Ok(image) => check_image(tables, number, &image, &mut implied, findings),
                Err(failure) => {
                    implied.whole = false;
                    findings.add(Finding::RecordUnreadable {
                        number,
                        error: failure.to_string(),
                    });
                }
            }
            meter.advance();
        })
    });
    implied.whole &= read.is_some();
    implied
}

fn check_image<T: ReadTables>(
    tables: &T,
    number: u64,
    image: &Image,
    implied: &mut Implied,
    findings: &mut Findings<'_>,
) {
    let rows = Rows::of(Some(image));
    if let Some(id) = rows.id {
        implied.ids += check_row(findings, Index::Ids, id, number, || {
            let row = tables.ids()?.get(KeyText::of(id))?;
            Ok(row.is_some_and(|row| row.value() == number))
        });
    }
    for name in &rows.names {
        implied.names += check_row(findings, Index::Names, name, number, || {
            let row = tables.names()?.get(*name)?;
            Ok(row.is_some_and(|row| row.value() == number))
        });
    }
    for digest in &rows.digests {
        implied.digests += check_row(findings, Index::Digests, digest, number, || {
            let row = tables.digests()?.get((KeyText::of(digest), number))?;
            Ok(row.is_some())
        });
    }
    for layer in &rows.layers {
        implied.layers += check_row(findings, Index::Layers, layer, number, || {
            let row = tables.layers()?.get((KeyText::of(layer), number))?;
            Ok(row.is_some())
        });
    }
    findings.counts().images += 1;
    findings.counts().names += rows.names.len() as u64;
    check_items(tables, image, implied, findings);
}

/// Looks for a row that is implied, and returns how many there are.
fn check_row(
    findings: &mut Findings<'_>,
    index: Index,
    key: &str,
    number: u64,
    is_there: impl FnOnce() -> Outcome<bool>,
) -> u64 {
    let found = findings.look_up(index.as_str(), is_there);
    if found == Some(false) {
        findings.add(Finding::IndexRowMissing {
            index,
            key: key.to_owned(),
            number,
        });
    }
    u64::from(found == Some(true))
}

fn check_items<T: ReadTables>(
    tables: &T,
    image: &Image,
    implied: &mut Implied,
    findings: &mut Findings<'_>,
) {
    for (key, item) in &image.big_data {
        findings.counts().items += 1;
        let (id, key) = (image.id.clone(), key.clone());
        let Some(hash) = item.content else {
            findings.counts().items_without_bytes += 1;
            findings.add(Finding::ItemBytesMissing { id, key });
            continue;
        };
        let row = findings.look_up("contents", || {
            let row = tables.contents()?.get(hash.as_bytes())?;
            Ok(row.map(|row| decode_content(&hash, row.value())))
        });
        let content = match row {
            Some(Some(Ok(content))) => content,
            Some(None) => {
                findings.add(Finding::ContentMissing {
                    id,
                    key,
                    content: hash,
                });
                continue;
            }
            // A row that does not decode is found when the contents are read.
            Some(Some(Err(_))) => continue,
            // Its row may be met then all the same.
            None => {
                implied.whole = false;
                continue;
            }
        };
        *implied.references.entry(content.number).or_default() += 1;
        if let Some(recorded) = item.size
            && u64::try_from(recorded) != Ok(content.size)
        {
            findings.add(Finding::ItemSizeDiffers {
                id,
                key,
                recorded,
                found: content.size,
            });
        }
    }
}
