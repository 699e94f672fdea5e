//! Records, and what they imply for the other tables.

use std::collections::HashMap;

use redb::ReadableTable;

use crate::codec::{KeyText, decode_image};
use crate::content;
use crate::engine::Outcome;
use crate::index::Rows;
use crate::maintenance::progress::Meter;
use crate::maintenance::verify::report::Findings;
use crate::maintenance::verify::{Finding, Index};
use crate::model::Image;
use crate::tables::ReadTables;

/// What the records imply for the other tables.
#[derive(Debug, Default)]
pub(super) struct Implied {
    pub(super) ids: u64,
    pub(super) names: u64,
    pub(super) digests: u64,
    pub(super) layers: u64,
    /// Content number → how many items refer to it.
    pub(super) references: HashMap<u64, u64>,
    /// Whether every record was read, so that what is missing here is known not to be there.
    pub(super) whole: bool,
}

pub(super) fn check<T: ReadTables>(
    tables: &T,
    findings: &mut Findings<'_>,
    meter: &mut Meter<'_>,
) -> Outcome<Implied> {
    let mut implied = Implied {
        whole: true,
        ..Implied::default()
    };
    for row in tables.images()?.iter()? {
        let (key, record) = row?;
        let number = key.value();
        match decode_image(number, record.value()) {
            Ok(image) => check_image(tables, number, &image, &mut implied, findings)?,
            Err(failure) => {
                implied.whole = false;
                findings.add(Finding::RecordUnreadable {
                    number,
                    error: failure.to_string(),
                });
            }
        }
        meter.advance();
    }
    Ok(implied)
}

fn check_image<T: ReadTables>(
    tables: &T,
    number: u64,
    image: &Image,
    implied: &mut Implied,
    findings: &mut Findings<'_>,
) -> Outcome<()> {
    let rows = Rows::of(Some(image));
    let mut missing = |index, key: &str, is_there: bool| {
        if !is_there {
            findings.add(Finding::IndexRowMissing {
                index,
                key: key.to_owned(),
                number,
            });
        }
    };
    if let Some(id) = rows.id {
        let found = tables.ids()?.get(KeyText::of(id))?.map(|row| row.value());
        missing(Index::Ids, id, found == Some(number));
        implied.ids += 1;
    }
    for name in &rows.names {
        let found = tables.names()?.get(*name)?.map(|row| row.value());
        missing(Index::Names, name, found == Some(number));
        implied.names += 1;
    }
    for digest in &rows.digests {
        let found = tables
            .digests()?
            .get((KeyText::of(digest), number))?
            .is_some();
        missing(Index::Digests, digest, found);
        implied.digests += 1;
    }
    for layer in &rows.layers {
        let found = tables
            .layers()?
            .get((KeyText::of(layer), number))?
            .is_some();
        missing(Index::Layers, layer, found);
        implied.layers += 1;
    }
    findings.counts().images += 1;
    findings.counts().names += rows.names.len() as u64;
    check_items(tables, image, implied, findings)
}

fn check_items<T: ReadTables>(
    tables: &T,
    image: &Image,
    implied: &mut Implied,
    findings: &mut Findings<'_>,
) -> Outcome<()> {
    for (key, item) in &image.big_data {
        findings.counts().items += 1;
        let (id, key) = (image.id.clone(), key.clone());
        let Some(hash) = item.content else {
            findings.counts().items_without_bytes += 1;
            findings.add(Finding::ItemBytesMissing { id, key });
            continue;
        };
        // A row that does not decode is found when the contents are read.
        let content = match content::lookup(tables, &hash) {
            Ok(Some(content)) => content,
            Ok(None) => {
                findings.add(Finding::ContentMissing {
                    id,
                    key,
                    content: hash,
                });
                continue;
            }
            Err(_) => continue,
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
    Ok(())
}
