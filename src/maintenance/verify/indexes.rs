//! Index rows that no record implies.

use redb::{ReadableTable, ReadableTableMetadata};

use crate::codec::{KeyText, Room, decode_image};
use crate::index::Rows;
use crate::maintenance::both_ends::both_ends;
use crate::maintenance::verify::records::Implied;
use crate::maintenance::verify::report::Findings;
use crate::maintenance::verify::{Finding, Index};
use crate::tables::ReadTables;

/// Every row that a record implies was looked up already. Where an index has just as many rows as
/// were found, there are no others; only where it has not, its rows are read.
pub(super) fn check<T: ReadTables>(tables: &T, implied: &Implied, findings: &mut Findings<'_>) {
    findings.stage(Index::Ids.as_str(), |findings| {
        let table = tables.ids()?;
        if table.len()? == implied.ids {
            return Ok(());
        }
        both_ends(table, |id, number| {
            check_key(tables, Index::Ids, id, number, findings);
        })
    });
    findings.stage(Index::Names.as_str(), |findings| {
        let table = tables.names()?;
        if table.len()? == implied.names {
            return Ok(());
        }
        both_ends(table, |name, number| {
            check_row(tables, Index::Names, name, number, findings);
        })
    });
    findings.stage(Index::Digests.as_str(), |findings| {
        let table = tables.digests()?;
        if table.len()? == implied.digests {
            return Ok(());
        }
        both_ends(table, |(digest, number), ()| {
            check_key(tables, Index::Digests, digest, number, findings);
        })
    });
    findings.stage(Index::Layers.as_str(), |findings| {
        let table = tables.layers()?;
        if table.len()? == implied.layers {
            return Ok(());
        }
        both_ends(table, |(layer, number), ()| {
            check_key(tables, Index::Layers, layer, number, findings);
        })
    });
}

fn check_key<T: ReadTables>(
    tables: &T,
    index: Index,
    key: KeyText<'_>,
    number: u64,
    findings: &mut Findings<'_>,
) {
    match key.text(&mut Room::new()) {
        Ok(key) => check_row(tables, index, key, number, findings),
        Err(failure) => findings.unreadable(index.as_str(), &failure),
    }
}

fn check_row<T: ReadTables>(
    tables: &T,
    index: Index,
    key: &str,
    number: u64,
    findings: &mut Findings<'_>,
) {
    let record = findings.look_up("images", || {
        let row = tables.images()?.get(number)?;
        Ok(row.map(|row| decode_image(number, row.value())))
    });
    let implied = match record {
        Some(None) => false,
        // Of a record that is not read nothing is known, and it was found already.
        None | Some(Some(Err(_))) => true,
        Some(Some(Ok(image))) => {
            let rows = Rows::of(Some(&image));
            match index {
                Index::Ids => rows.id == Some(key),
                Index::Names => rows.names.contains(key),
                Index::Digests => rows.digests.contains(key),
                Index::Layers => rows.layers.contains(key),
            }
        }
    };
    if !implied {
        findings.add(Finding::IndexRowStray {
            index,
            key: key.to_owned(),
            number,
        });
    }
}
