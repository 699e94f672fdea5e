//! Stored bytes against their hashes and their reference counts.

use std::collections::HashSet;

use redb::ReadableTable;

use crate::codec::decode_content;
use crate::content;
use crate::maintenance::progress::Meter;
use crate::maintenance::verify::Finding;
use crate::maintenance::verify::records::Implied;
use crate::maintenance::verify::report::Findings;
use crate::model::ContentHash;
use crate::tables::ReadTables;

pub(super) fn check<T: ReadTables>(
    tables: &T,
    implied: &Implied,
    findings: &mut Findings<'_>,
    meter: &mut Meter<'_>,
) {
    let mut numbers = HashSet::new();
    let read = findings.stage("contents", |findings| {
        let mut whole = true;
        for row in tables.contents()?.iter()? {
            let (key, value) = row?;
            let hash = ContentHash::from_bytes(*key.value());
            match decode_content(&hash, value.value()) {
                Ok(row) => {
                    numbers.insert(row.number);
                    check_content(tables, &hash, &row, implied, findings);
                }
                Err(failure) => {
                    whole = false;
                    findings.add(Finding::ContentUnreadable {
                        content: hash,
                        error: failure.to_string(),
                    });
                }
            }
            meter.advance();
        }
        Ok(whole)
    });
    // Where a row was not read, its parts are not known to be stray.
    if read != Some(true) {
        return;
    }
    findings.stage("blobs", |findings| {
        let mut last = None;
        for row in tables.blobs()?.iter()? {
            let number = row?.0.value().0;
            if last != Some(number) && !numbers.contains(&number) {
                findings.add(Finding::PartsStray { number });
            }
            last = Some(number);
        }
        Ok(())
    });
}

fn check_content<T: ReadTables>(
    tables: &T,
    hash: &ContentHash,
    row: &crate::codec::Content,
    implied: &Implied,
    findings: &mut Findings<'_>,
) {
    findings.counts().contents += 1;
    findings.counts().bytes += row.size;
    let counted = implied.references.get(&row.number).copied().unwrap_or(0);
    if implied.whole && counted != row.references {
        findings.add(Finding::ReferencesWrong {
            content: *hash,
            recorded: row.references,
            counted,
        });
    }
    match content::hash_stored(tables, row) {
        Ok(found) if found == *hash => {}
        Ok(found) => findings.add(Finding::ContentDiffers {
            content: *hash,
            found,
        }),
        Err(failure) => findings.add(Finding::ContentUnreadable {
            content: *hash,
            error: failure.to_string(),
        }),
    }
}
