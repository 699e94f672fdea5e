//! Whose bytes are damaged.

use std::collections::HashSet;

use crate::codec::decode_image;
use crate::engine::contain;
use crate::maintenance::both_ends::both_ends;
use crate::maintenance::verify::Finding;
use crate::maintenance::verify::report::Findings;
use crate::model::ContentHash;
use crate::tables::ReadTables;

/// Tells of each item whose bytes are among those that are damaged: an operator fetches images anew,
/// not hashes.
pub(super) fn check<T: ReadTables>(
    tables: &T,
    damaged: &HashSet<ContentHash>,
    findings: &mut Findings<'_>,
) {
    if damaged.is_empty() {
        return;
    }
    // Records that cannot be read are found already.
    let _ = contain(|| {
        both_ends(tables.images()?, |number, record| {
            let Ok(image) = decode_image(number, record) else {
                return;
            };
            for (key, item) in image.big_data {
                if let Some(content) = item.content.filter(|content| damaged.contains(content)) {
                    let id = image.id.clone();
                    findings.add(Finding::ItemDamaged { id, key, content });
                }
            }
        })
    });
}
