//! Carries out one step of a transaction.

use image_store::{ManifestDigest, Result, Transaction};

use super::look;
use super::reply::{Answer, json};
use super::request::{Change, DigestFunction, SetBigData};

/// A step that fails changes nothing, and the transaction can go on.
pub(super) fn change(transaction: &mut Transaction, change: Change) -> Answer {
    match change {
        Change::Create(image) => return look::image(&transaction.create(*image)?),
        Change::SetNames { id, names } => transaction.set_names(&id, &names)?,
        Change::AddNames { id, names } => transaction.add_names(&id, &names)?,
        Change::RemoveNames { id, names } => transaction.remove_names(&id, &names)?,
        Change::Delete { id } => transaction.delete(&id)?,
        Change::AddMappedTopLayer { id, layer } => transaction.add_mapped_top_layer(&id, &layer)?,
        Change::RemoveMappedTopLayer { id, layer } => {
            transaction.remove_mapped_top_layer(&id, &layer)?;
        }
        Change::SetMetadata { id, metadata } => transaction.set_metadata(&id, &metadata)?,
        Change::SetBigData(item) => set_big_data(transaction, &item)?,
        Change::SetFlag { id, flag, value } => transaction.set_flag(&id, &flag, value)?,
        Change::ClearFlag { id, flag } => transaction.clear_flag(&id, &flag)?,
        Change::GarbageCollect => drop(transaction.collect_garbage()?),
        Change::Wipe => drop(transaction.wipe()?),
    }
    json(&())
}

fn set_big_data(transaction: &mut Transaction, item: &SetBigData) -> Result<()> {
    let digest = match &item.digest {
        DigestFunction::Sha256 => ManifestDigest::Sha256,
        DigestFunction::Returns(digest) => ManifestDigest::Given(digest),
        DigestFunction::Missing => ManifestDigest::Missing,
    };
    transaction.set_big_data(&item.id, &item.key, &item.data, digest)
}
