//! Schema 2: the keys of `ids`, `digests` and `layers` are packed where they are hashes. Their order
//! stays, so every row is written once, behind the one before.

use std::ops::Bound;

use redb::{Key, ReadableTable as _, TableDefinition, Value, WriteTransaction};

use super::v0001_initial as before;
use crate::codec::IndexKey;
use crate::engine::Outcome;

const IDS: TableDefinition<'_, IndexKey, u64> = TableDefinition::new("ids");
const DIGESTS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("digests");
const LAYERS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("layers");

pub(super) fn apply(transaction: &WriteTransaction) -> Outcome<()> {
    change_keys(transaction, before::IDS, IDS)?;
    change_keys(transaction, before::DIGESTS, DIGESTS)?;
    change_keys(transaction, before::LAYERS, LAYERS)
}

/// Makes a table of the same name, with the same rows in the same order under other keys: the new
/// type reads what the old one wrote, and writes it as it should be.
fn change_keys<Old: Key + 'static, New: Key + 'static, V: Value + 'static>(
    transaction: &WriteTransaction,
    old: TableDefinition<'static, Old, V>,
    new: TableDefinition<'static, New, V>,
) -> Outcome<()> {
    let aside = TableDefinition::<Old, V>::new("of schema 1");
    transaction.rename_table(old, aside)?;
    let from = transaction.open_table(aside)?;
    let mut to = transaction.open_table(new)?;
    let mut end = to.upper_bound_mut(Bound::<New::SelfType<'_>>::Unbounded)?;
    for row in from.iter()? {
        let (key, value) = row?;
        let key = key.value();
        let key = Old::as_bytes(&key);
        end.insert_before(New::from_bytes(key.as_ref()), value.value())?;
    }
    end.close()?;
    drop(from);
    transaction.delete_table(aside)?;
    Ok(())
}
