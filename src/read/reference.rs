//! What a reference refers to.

use redb::{AccessGuard, ReadableTable};

use crate::codec::decode_image;
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::Image;
use crate::tables::ReadTables;

/// How many candidates the error for an ambiguous prefix lists.
const CANDIDATES: usize = 10;

/// Finds the number of the image that `reference` refers to: an exact ID, then a name, then an
/// unambiguous prefix of an ID.
///
/// Mirrors `imageStore.lookup` of the legacy store. IDs with a space in them are not found by
/// prefix, because its prefix index does not take them; an empty reference is no prefix.
///
/// # Errors
///
/// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
pub(crate) fn resolve(tables: &impl ReadTables, reference: &str) -> Outcome<u64> {
    if let Some(number) = tables.ids()?.get(reference)? {
        return Ok(number.value());
    }
    if let Some(number) = tables.names()?.get(reference)? {
        return Ok(number.value());
    }
    resolve_prefix(tables, reference)
}

fn resolve_prefix(tables: &impl ReadTables, prefix: &str) -> Outcome<u64> {
    let unknown = || Error::ImageUnknown {
        reference: prefix.to_owned(),
    };
    if prefix.is_empty() {
        return Err(unknown().into());
    }
    let mut only = None;
    let mut candidates: Vec<String> = Vec::new();
    let mut more = false;
    for row in tables.ids()?.range(prefix..)? {
        let (id, number): (AccessGuard<'_, &str>, _) = row?;
        let id = id.value();
        if !id.starts_with(prefix) {
            break;
        }
        if id.contains(' ') {
            continue;
        }
        if candidates.len() == CANDIDATES {
            more = true;
            break;
        }
        only = Some(number.value());
        candidates.push(id.to_owned());
    }
    match (only, candidates.len()) {
        (Some(number), 1) => Ok(number),
        (None, _) => Err(unknown().into()),
        (Some(_), _) => Err(Error::AmbiguousPrefix {
            reference: prefix.to_owned(),
            candidates,
            more,
        }
        .into()),
    }
}

/// Reads the image of a number that an index row or [`resolve`] gave.
///
/// # Errors
///
/// [`Failure::Corrupt`] where there is no record of that number, or a damaged one.
pub(crate) fn image_at(tables: &impl ReadTables, number: u64) -> Outcome<Image> {
    let record = tables.images()?.get(number)?;
    let record =
        record.ok_or_else(|| Failure::corrupt(format!("image number {number} has no record")))?;
    let mut image = decode_image(number, record.value())?;
    image.read_only = tables.read_only();
    Ok(image)
}

/// Reads the image that `reference` refers to, with its number.
///
/// # Errors
///
/// [`Failure::Corrupt`] where an index led to an image that the reference does not refer to: pages
/// of an index carry no checksum that a read checks, so the record has the last word.
pub(crate) fn resolve_image(tables: &impl ReadTables, reference: &str) -> Outcome<(u64, Image)> {
    let number = resolve(tables, reference)?;
    let image = image_at(tables, number)?;
    let is_meant =
        image.id.starts_with(reference) || image.names.iter().any(|name| name == reference);
    if is_meant {
        Ok((number, image))
    } else {
        Err(contradiction(reference, number))
    }
}

/// The image whose ID is exactly `id`.
pub(crate) fn image_with_id(tables: &impl ReadTables, id: &str) -> Outcome<Option<Image>> {
    let number = tables.ids()?.get(id)?.map(|row| row.value());
    number.map(|number| image_at(tables, number)).transpose()
}

/// The image that has exactly the name `name`.
pub(crate) fn image_with_name(tables: &impl ReadTables, name: &str) -> Outcome<Option<Image>> {
    let number = tables.names()?.get(name)?.map(|row| row.value());
    number.map(|number| image_at(tables, number)).transpose()
}

/// An index led to an image that is not meant.
pub(super) fn contradiction(key: &str, number: u64) -> Failure {
    Failure::corrupt(format!(
        "an index leads from {key:?} to image number {number}, which does not have it"
    ))
}
