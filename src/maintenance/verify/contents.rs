//! Stored bytes against their hashes and their reference counts.

use std::collections::HashSet;

use crate::codec::decode_content;
use crate::content;
use crate::maintenance::both_ends::both_ends;
use crate::maintenance::progress::Meter;
use crate::maintenance::verify::Finding;
use crate::maintenance::verify::records::Implied;
use crate::maintenance::verify::report::Findings;
use crate::model::ContentHash;
use crate::tables::ReadTables;

/// Returns the hashes of bytes that are damaged.
pub(super) fn check<T: ReadTables>(
    tables: &T,
    implied: &Implied,
    findings: &mut Findings<'_>,
    meter: &mut Meter<'_>,
) -> HashSet<ContentHash> {
    let mut damaged = HashSet::new();
    let mut numbers = HashSet::new();
    let mut whole = true;
    let read = findings.stage("contents", |findings| {
        both_ends(tables.contents()?, |key, value| {
            let hash = ContentHash::from_bytes(*key);
            match decode_content(&hash, value) {
                Ok(row) => {
                    numbers.insert(row.number);
                    if !check_content(tables, &hash, &row, implied, findings) {
                        damaged.insert(hash);
                    }
                }
                Err(failure) => {
                    whole = false;
                    damaged.insert(hash);
                    findings.add(Finding::ContentUnreadable {
                        content: hash,
                        error: failure.to_string(),
                    });
                }
            }
            meter.advance();
        })
    });
    whole &= read.is_some();
    let mut stray = HashSet::new();
    findings.stage("blobs", |findings| {
        both_ends(tables.blobs()?, |(number, _), _| {
            // Where a row was not read, its parts are not known to be stray.
            if whole && !numbers.contains(&number) && stray.insert(number) {
                findings.add(Finding::PartsStray { number });
            }
        })
    });
    damaged
}

/// Whether the bytes are what they should be, as far as they were read.
fn check_content<T: ReadTables>(
    tables: &T,
    hash: &ContentHash,
    row: &crate::codec::Content,
    implied: &Implied,
    findings: &mut Findings<'_>,
) -> bool {
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
    let content = *hash;
    let Some(read) = findings.try_read("blobs", || content::hash_stored(tables, row)) else {
        return true;
    };
    let finding = match read {
        Ok(found) if found == content => return true,
        Ok(found) => Finding::ContentDiffers { content, found },
        Err(failure) => Finding::ContentUnreadable {
            content,
            error: failure.to_string(),
        },
    };
    findings.add(finding);
    false
}
