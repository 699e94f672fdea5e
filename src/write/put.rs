//! Writing a changed image: its record and, through the index module, its rows.

use redb::ReadableTable;

use crate::codec::encode_image;
use crate::engine::{Failure, Outcome};
use crate::index;
use crate::model::Image;
use crate::read::{image_at, resolve_image};
use crate::tables::WriteTables;

/// Writes an image that was not there.
pub(super) fn insert(tables: &mut WriteTables<'_>, image: &Image) -> Outcome<()> {
    let last = tables.images.last()?.map(|(key, _)| key.value());
    let number = match last {
        None => 0,
        Some(last) => last
            .checked_add(1)
            .ok_or_else(|| Failure::corrupt("the image numbers are used up"))?,
    };
    write(tables, number, None, image)
}

/// Writes what `after` changes in `before`, if anything.
pub(super) fn replace(
    tables: &mut WriteTables<'_>,
    number: u64,
    before: &Image,
    after: &Image,
) -> Outcome<()> {
    if before == after {
        return Ok(());
    }
    write(tables, number, Some(before), after)
}

/// Removes an image and what only it refers to.
pub(super) fn remove(tables: &mut WriteTables<'_>, number: u64, image: &Image) -> Outcome<()> {
    index::update(tables, number, Some(image), None)?;
    tables.images.remove(number)?;
    Ok(())
}

fn write(
    tables: &mut WriteTables<'_>,
    number: u64,
    before: Option<&Image>,
    after: &Image,
) -> Outcome<()> {
    // A record that is too large is refused here, before anything is written.
    let record = encode_image(number, after)?;
    index::update(tables, number, before, Some(after))?;
    tables.images.insert(number, record.as_slice())?;
    Ok(())
}

/// Changes the image that `reference` refers to.
pub(super) fn change(
    tables: &mut WriteTables<'_>,
    reference: &str,
    change: impl FnOnce(&mut Image),
) -> Outcome<()> {
    let (number, before) = resolve_image(tables, reference)?;
    let mut after = before.clone();
    change(&mut after);
    replace(tables, number, &before, &after)
}

/// A name that was taken from an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TakenName {
    pub(crate) name: String,
    /// The ID of the image that had it.
    pub(crate) holder: String,
}

/// Takes `names` from every image but `keeper`, so that they are free to be given, and tells which
/// were taken from which image.
///
/// Mirrors `imageStore.removeName`: the history of the old holder is left alone.
pub(super) fn take_names(
    tables: &mut WriteTables<'_>,
    names: &[String],
    keeper: Option<u64>,
) -> Outcome<Vec<TakenName>> {
    let mut taken = Vec::new();
    for name in names {
        let holder = tables.names.get(name.as_str())?.map(|row| row.value());
        let Some(holder) = holder.filter(|holder| Some(*holder) != keeper) else {
            continue;
        };
        let before = image_at(tables, holder)?;
        let mut after = before.clone();
        after.names.retain(|held| held != name);
        replace(tables, holder, &before, &after)?;
        taken.push(TakenName {
            name: name.clone(),
            holder: before.id,
        });
    }
    Ok(taken)
}
