//! Schema 1: the eight tables, empty, and when the store was created.

use redb::{TableDefinition, WriteTransaction};

use crate::engine::Outcome;
use crate::meta;
use crate::model::Timestamp;
use crate::tables::open_meta;

type Bytes = &'static [u8];
type Text = &'static str;

pub(super) const IDS: TableDefinition<'_, Text, u64> = TableDefinition::new("ids");
pub(super) const DIGESTS: TableDefinition<'_, (Text, u64), ()> = TableDefinition::new("digests");
pub(super) const LAYERS: TableDefinition<'_, (Text, u64), ()> = TableDefinition::new("layers");
const IMAGES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("images");
const NAMES: TableDefinition<'_, Text, u64> = TableDefinition::new("names");
const CONTENTS: TableDefinition<'_, &[u8; 32], Bytes> = TableDefinition::new("contents");
const BLOBS: TableDefinition<'_, (u64, u32), Bytes> = TableDefinition::new("blobs");

pub(super) fn apply(transaction: &WriteTransaction) -> Outcome<()> {
    transaction.open_table(IMAGES)?;
    transaction.open_table(IDS)?;
    transaction.open_table(NAMES)?;
    transaction.open_table(DIGESTS)?;
    transaction.open_table(LAYERS)?;
    transaction.open_table(CONTENTS)?;
    transaction.open_table(BLOBS)?;
    meta::set_created(&mut open_meta(transaction)?, Timestamp::now())
}
