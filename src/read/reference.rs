//! What a reference refers to.

use std::ops::Bound;

use redb::{AccessGuard, ReadableTable, ReadableTableMetadata as _};

use crate::codec::{KeyText, Room, decode_head, decode_image};
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::Image;
use crate::remembered::Place;
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
    if looks_like_a_prefix(reference) {
        // The IDs that it begins start where it would stand itself, so one search finds both.
        let found = IdsFrom::search(tables, reference)?;
        if let IdsFrom::Exactly(number) = found {
            return Ok(number);
        }
        let named = tables.names()?.get(reference)?;
        return named.map_or_else(|| found.number(reference), |number| Ok(number.value()));
    }
    let may_begin_id = tables.may_begin_id(reference)?;
    if may_begin_id && let Some(number) = number_with_id(tables, reference)? {
        return Ok(number);
    }
    if let Some(number) = tables.names()?.get(reference)? {
        return Ok(number.value());
    }
    let found = if may_begin_id {
        IdsFrom::search(tables, reference)?
    } else {
        IdsFrom::None
    };
    found.number(reference)
}

/// Whether it is rather the beginning of an ID than an ID or a name: which question is asked first
/// changes how long the answer takes, and not the answer.
fn looks_like_a_prefix(reference: &str) -> bool {
    let digits = reference.as_bytes();
    // The empty one begins every ID, and is no prefix.
    (1..64).contains(&digits.len())
        && digits
            .iter()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The IDs that begin with a reference.
enum IdsFrom {
    /// One is the reference itself, of this image number.
    Exactly(u64),
    None,
    One(u64),
    Many {
        candidates: Vec<String>,
        more: bool,
    },
}

impl IdsFrom {
    fn search(tables: &impl ReadTables, prefix: &str) -> Outcome<Self> {
        if prefix.is_empty() {
            return Ok(Self::None);
        }
        let from = Bound::Included(KeyText::beginning(prefix));
        let mut rows = tables.ids()?.lower_bound(from)?;
        let mut room = Room::new();
        let mut first = None;
        let mut candidates = Vec::new();
        while let Some((id, number)) = rows.next()? {
            let id = id.value();
            let id = id.text(&mut room)?;
            if !id.starts_with(prefix) {
                break;
            }
            if id.len() == prefix.len() {
                return Ok(Self::Exactly(number.value()));
            }
            if id.contains(' ') {
                continue;
            }
            if candidates.len() == CANDIDATES {
                return Ok(Self::Many {
                    candidates,
                    more: true,
                });
            }
            first = first.or(Some(number.value()));
            candidates.push(id.to_owned());
        }
        Ok(match (first, candidates.len()) {
            (None, _) => Self::None,
            (Some(number), 1) => Self::One(number),
            (Some(_), _) => Self::Many {
                candidates,
                more: false,
            },
        })
    }

    /// The number of the only image whose ID begins with `prefix`.
    fn number(self, prefix: &str) -> Outcome<u64> {
        let reference = prefix.to_owned();
        Err(match self {
            Self::Exactly(number) | Self::One(number) => return Ok(number),
            Self::None => Error::ImageUnknown { reference },
            Self::Many { candidates, more } => Error::AmbiguousPrefix {
                reference,
                candidates,
                more,
            },
        }
        .into())
    }
}

/// Reads the image of a number that an index row or [`resolve`] gave.
///
/// # Errors
///
/// [`Failure::Corrupt`] where there is no record of that number, or a damaged one.
pub(crate) fn image_at(tables: &impl ReadTables, number: u64) -> Outcome<Image> {
    let record = record_at(tables, number)?;
    let mut image = decode_image(number, record.value())?;
    image.read_only = tables.read_only();
    Ok(image)
}

/// The record of a number that an index row gave.
///
/// # Errors
///
/// [`Failure::Corrupt`] where there is none.
pub(super) fn record_at(
    tables: &impl ReadTables,
    number: u64,
) -> Outcome<AccessGuard<'_, &'static [u8]>> {
    let record = tables.images()?.get(number)?;
    record.ok_or_else(|| Failure::corrupt(format!("image number {number} has no record")))
}

/// What a record has of a reference.
enum Has {
    Id,
    Name,
    /// An ID that begins with it.
    Beginning,
    Nothing,
}

impl Has {
    fn of(reference: &str, id: &str, has_name: impl FnOnce(&str) -> bool) -> Self {
        if id == reference {
            Self::Id
        } else if has_name(reference) {
            Self::Name
        } else if id.starts_with(reference) {
            Self::Beginning
        } else {
            Self::Nothing
        }
    }
}

/// Reads the image that `reference` refers to, with its number.
///
/// # Errors
///
/// [`Failure::Corrupt`] where an index led to an image that the reference does not refer to: pages
/// of an index carry no checksum that a read checks, so the record has the last word.
pub(crate) fn resolve_image(tables: &impl ReadTables, reference: &str) -> Outcome<(u64, Image)> {
    find(tables, reference, |number| {
        let image = image_at(tables, number)?;
        let has_name = |name: &str| image.names.iter().any(|own| own == name);
        Ok((Has::of(reference, &image.id, has_name), image))
    })
}

/// The number of the image that `reference` refers to, as [`resolve_image`] finds it, without the
/// image.
///
/// # Errors
///
/// As [`resolve_image`].
pub(super) fn resolve_checked(tables: &impl ReadTables, reference: &str) -> Outcome<u64> {
    let (number, ()) = find(tables, reference, |number| {
        let record = record_at(tables, number)?;
        let head = decode_head(number, record.value())?;
        let has_name = |name: &str| head.has_name(name);
        Ok((Has::of(reference, &head.id(), has_name), ()))
    })?;
    Ok(number)
}

/// Finds the image that `reference` refers to and what `read` makes of its record.
fn find<T>(
    tables: &impl ReadTables,
    reference: &str,
    read: impl Fn(u64) -> Outcome<(Has, T)>,
) -> Outcome<(u64, T)> {
    let place = match tables.remembered() {
        Some(remembered) => Some(remembered.place(reference, tables.images()?.len()?)),
        None => None,
    };
    if let Some(number) = place.as_ref().and_then(Place::number)
        && let Some(found) = recall(tables, reference, number, &read)?
    {
        return Ok((number, found));
    }
    let number = resolve(tables, reference)?;
    let (has, found) = read(number)?;
    match (has, place) {
        (Has::Nothing, _) => return Err(contradiction(reference, number)),
        (Has::Id | Has::Name, Some(place)) => place.note(number),
        _ => {}
    }
    Ok((number, found))
}

/// What `read` makes of the record of the image that was found by this ID or name before, where the
/// record still has it.
///
/// The record alone tells, since each of its names is in the index of names, and no two records
/// have the same ID. Damage of the record is not told of: it may not be the one that is meant any
/// more.
fn recall<T>(
    tables: &impl ReadTables,
    reference: &str,
    number: u64,
    read: impl Fn(u64) -> Outcome<(Has, T)>,
) -> Outcome<Option<T>> {
    let (has, found) = match read(number) {
        Ok(read) => read,
        Err(Failure::Corrupt { .. }) => return Ok(None),
        // The engine reads nothing more after some failures, and would not say why.
        Err(failure) => return Err(failure),
    };
    let is_meant = match has {
        Has::Id => true,
        // Another image may have it as its ID, which counts before a name.
        Has::Name => {
            !tables.may_begin_id(reference)? || number_with_id(tables, reference)?.is_none()
        }
        Has::Beginning | Has::Nothing => false,
    };
    Ok(is_meant.then_some(found))
}

/// The number of the image whose ID is exactly `id`.
fn number_with_id(tables: &impl ReadTables, id: &str) -> Outcome<Option<u64>> {
    Ok(tables.ids()?.get(KeyText::of(id))?.map(|row| row.value()))
}

/// The image whose ID is exactly `id`.
pub(crate) fn image_with_id(tables: &impl ReadTables, id: &str) -> Outcome<Option<Image>> {
    let number = number_with_id(tables, id)?;
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
