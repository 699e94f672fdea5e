//! Index rows that no record implies.

use redb::{ReadableTable, ReadableTableMetadata};

use crate::codec::{KeyText, Room};
use crate::engine::Outcome;
use crate::index::Rows;
use crate::maintenance::verify::records::Implied;
use crate::maintenance::verify::report::Findings;
use crate::maintenance::verify::{Finding, Index};
use crate::read::image_at;
use crate::tables::ReadTables;

/// Every row that a record implies was looked up already. Where an index has just as many rows,
/// there are no others; only where it has not, its rows are read.
pub(super) fn check<T: ReadTables>(tables: &T, implied: &Implied, findings: &mut Findings<'_>) {
    findings.stage(Index::Ids.as_str(), |findings| {
        let table = tables.ids()?;
        if !implied.whole || table.len()? != implied.ids {
            for row in table.iter()? {
                let (id, number) = row?;
                check_key(tables, Index::Ids, id.value(), number.value(), findings)?;
            }
        }
        Ok(())
    });
    findings.stage(Index::Names.as_str(), |findings| {
        let table = tables.names()?;
        if !implied.whole || table.len()? != implied.names {
            for row in table.iter()? {
                let (name, number) = row?;
                check_row(tables, Index::Names, name.value(), number.value(), findings)?;
            }
        }
        Ok(())
    });
    findings.stage(Index::Digests.as_str(), |findings| {
        let table = tables.digests()?;
        if !implied.whole || table.len()? != implied.digests {
            for row in table.iter()? {
                let (key, _) = row?;
                let (digest, number) = key.value();
                check_key(tables, Index::Digests, digest, number, findings)?;
            }
        }
        Ok(())
    });
    findings.stage(Index::Layers.as_str(), |findings| {
        let table = tables.layers()?;
        if !implied.whole || table.len()? != implied.layers {
            for row in table.iter()? {
                let (key, _) = row?;
                let (layer, number) = key.value();
                check_key(tables, Index::Layers, layer, number, findings)?;
            }
        }
        Ok(())
    });
}

fn check_key<T: ReadTables>(
    tables: &T,
    index: Index,
    key: KeyText<'_>,
    number: u64,
    findings: &mut Findings<'_>,
) -> Outcome<()> {
    check_row(tables, index, key.text(&mut Room::new())?, number, findings)
}

fn check_row<T: ReadTables>(
    tables: &T,
    index: Index,
    key: &str,
    number: u64,
    findings: &mut Findings<'_>,
) -> Outcome<()> {
    let implied = match tables.images()?.get(number)? {
        None => false,
        // Of a record that does not decode nothing is known, and it was found already.
        Some(_) => match image_at(tables, number) {
            Err(_) => true,
            Ok(image) => {
                let rows = Rows::of(Some(&image));
                match index {
                    Index::Ids => rows.id == Some(key),
                    Index::Names => rows.names.contains(key),
                    Index::Digests => rows.digests.contains(key),
                    Index::Layers => rows.layers.contains(key),
                }
            }
        },
    };
    if !implied {
        findings.add(Finding::IndexRowStray {
            index,
            key: key.to_owned(),
            number,
        });
    }
    Ok(())
}
