//! The record of one image.

mod item;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bincode::de::{BorrowDecode, BorrowDecoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::codec::head::Head;
use crate::codec::packed::PackedText;
use crate::codec::places::Places;
use crate::codec::record::item::Item;
use crate::codec::tagged::tagged;
use crate::codec::{Sealed, Unsealed, VALUE_LIMIT, decode_payload, encode_payload, unseal};
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::{BigDataItem, Image, Timestamp};

/// The fields of a record in the order they are written. `digests` and `read_only` are not: the
/// first follows from the rest, the second from how the store was opened.
///
/// It borrows what it holds: a record that is read is copied once, into the image.
#[derive(bincode::Encode, bincode::BorrowDecode)]
struct Record<'a> {
    head: Head<'a>,
    history: Vec<HistoryName<'a>>,
    top_layer: Option<PackedText<'a>>,
    mapped_top_layers: Vec<PackedText<'a>>,
    metadata: &'a str,
    /// The listed items in the order of their first listing, then the others in that of their keys.
    items: Vec<Item<'a>>,
    listing: Listing,
    /// Seconds since 1970, nanoseconds, offset in minutes.
    created: Option<(i64, u32, i16)>,
    /// Flag and JSON text.
    flags: Vec<(&'a str, Cow<'a, str>)>,
    /// Unknown field and JSON text.
    unknown_fields: Vec<(&'a str, &'a str)>,
}

/// A name of the history, which mostly is a present name too.
enum HistoryName<'a> {
    Text(&'a str),
    /// An index into the names.
    Present(u32),
}

/// Which items are listed in `big-data-names`, and how.
enum Listing {
    /// The first so many items, each once.
    First(u32),
    /// These indices; an imported list may repeat itself.
    Indices(Vec<u32>),
}

/// Few records are longer, in bytes.
const USUAL_LENGTH: usize = 500;

/// Encodes and seals the record of image `number`.
///
/// # Errors
///
/// [`Error::TooLarge`] where the record would pass the limit of one value.
pub(crate) fn encode_image(number: u64, image: &Image) -> Outcome<Vec<u8>> {
    Ok(encode_unnumbered(image)?.seal(Sealed::Record(number)))
}

/// Encodes the record of an image whose number is not known yet; that it is sealed with.
///
/// # Errors
///
/// As of [`encode_image`].
pub(crate) fn encode_unnumbered(image: &Image) -> Outcome<Unsealed> {
    let record = encode_payload(&Record::from_image(image)?, USUAL_LENGTH)?;
    let payload = record.payload();
    // Short payloads cannot pass the limit of decoding, whatever lists they hold.
    let decodes = payload.len() <= VALUE_LIMIT / 16
        || decode_payload::<Record<'_>>(payload, String::new).is_ok();
    if payload.len() > VALUE_LIMIT || !decodes {
        return Err(Error::TooLarge {
            what: format!("the record of the image {:?}, in bytes,", image.id),
            size: payload.len() as u64,
            limit: VALUE_LIMIT as u64,
        }
        .into());
    }
    Ok(record)
}

/// Decodes the record of image `number`.
///
/// # Errors
///
/// [`Failure::Corrupt`] with the image number.
pub(crate) fn decode_image(number: u64, sealed: &[u8]) -> Outcome<Image> {
    let owner = Sealed::Record(number);
    let record: Record<'_> = decode_payload(unseal(owner, sealed)?, || owner.describe())?;
    record.into_image(number)
}

impl<'a> Record<'a> {
    fn from_image(image: &'a Image) -> Outcome<Self> {
        let (items, listing) = pack_items(image);
        let present: Places<'_> = image.names.iter().map(String::as_str).collect();
        let history = image.names_history.iter().map(|name| {
            present.of(name).map_or(HistoryName::Text(name), |index| {
                HistoryName::Present(to_u32(index))
            })
        });
        let flags = image.flags.iter().map(|(flag, value)| {
            let text = serde_json::to_string(value)
                .map_err(|error| Failure::corrupt_because(format!("flag {flag:?}"), error))?;
            Ok((flag.as_str(), Cow::Owned(text)))
        });
        let unknown_fields = image.unknown_fields.iter();
        Ok(Self {
            history: history.collect(),
            head: Head {
                id: PackedText::pack(&image.id),
                digest: image.digest.as_deref().map(PackedText::pack),
                names: present.into_texts(),
            },
            top_layer: image.top_layer.as_deref().map(PackedText::pack),
            mapped_top_layers: image
                .mapped_top_layers
                .iter()
                .map(|layer| PackedText::pack(layer))
                .collect(),
            metadata: &image.metadata,
            items,
            listing,
            created: image.created.map(|created| {
                (
                    created.unix_seconds(),
                    created.nanosecond(),
                    created.offset_minutes(),
                )
            }),
            flags: flags.collect::<Outcome<_>>()?,
            unknown_fields: unknown_fields
                .map(|(field, text)| (field.as_str(), text.as_str()))
                .collect(),
        })
    }

    fn into_image(self, number: u64) -> Outcome<Image> {
        let inconsistent = |what: &str| {
            Failure::corrupt(format!("{} has {what}", Sealed::Record(number).describe()))
        };
        let names = &self.head.names;
        let history = self.history.iter().map(|entry| match entry {
            HistoryName::Text(name) => Ok((*name).to_owned()),
            HistoryName::Present(index) => usize::try_from(*index)
                .ok()
                .and_then(|index| names.get(index))
                .map(|name| (*name).to_owned())
                .ok_or_else(|| inconsistent("a history name that is not there")),
        });
        let created = self.created.map(|(seconds, nanosecond, offset)| {
            Timestamp::from_parts(seconds, nanosecond, offset)
                .map_err(|_| inconsistent("an impossible creation time"))
        });
        let flags = self.flags.iter().map(|(flag, text)| {
            serde_json::from_str(text)
                .map(|value| ((*flag).to_owned(), value))
                .map_err(|_| inconsistent("a flag that is not JSON"))
        });
        let unknown_fields = self.unknown_fields.iter();
        let (big_data_names, big_data) = unpack_items(&self.items, &self.listing)
            .ok_or_else(|| inconsistent("an item name that is not there"))?;
        let mut image = Image {
            id: self.head.id.unpack(),
            digest: self.head.digest.map(PackedText::unpack),
            digests: Vec::new(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            names_history: history.collect::<Outcome<_>>()?,
            top_layer: self.top_layer.map(PackedText::unpack),
            mapped_top_layers: self
                .mapped_top_layers
                .into_iter()
                .map(PackedText::unpack)
                .collect(),
            metadata: self.metadata.to_owned(),
            big_data_names,
            big_data,
            created: created.transpose()?,
            flags: flags.collect::<Outcome<_>>()?,
            unknown_fields: unknown_fields
                .map(|(field, text)| ((*field).to_owned(), (*text).to_owned()))
                .collect(),
            read_only: false,
        };
        image.recompute_digests();
        Ok(image)
    }
}

/// The items of an image in the order of a record, and how they are listed.
///
/// A key that is listed without a size, a digest or bytes becomes an item that has none of them.
fn pack_items(image: &Image) -> (Vec<Item<'_>>, Listing) {
    let mut order = Places::default();
    let place = |key| order.of(key).unwrap_or_else(|| order.push(key));
    let listed = image.big_data_names.iter().map(String::as_str);
    let indices: Vec<_> = listed.map(place).collect();
    let repeats = indices.len() != order.texts().len();
    for key in image.big_data.keys() {
        if order.of(key).is_none() {
            order.push(key);
        }
    }
    let items = order.texts().iter().map(|key| {
        image
            .big_data
            .get(*key)
            .map_or_else(|| Item::unknown(key), |item| Item::pack(key, item))
    });
    let listing = if repeats {
        Listing::Indices(indices.into_iter().map(to_u32).collect())
    } else {
        Listing::First(to_u32(indices.len()))
    };
    (items.collect(), listing)
}

/// A record of more than four billion names or items would not pass the limit of one value.
fn to_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The listed keys and the items by their keys; `None` where an item is listed that is not there.
fn unpack_items(
    items: &[Item<'_>],
    listing: &Listing,
) -> Option<(Vec<String>, BTreeMap<String, BigDataItem>)> {
    let listed = match listing {
        Listing::First(count) => {
            let first = items.get(..usize::try_from(*count).ok()?)?;
            first.iter().map(Item::unpack_key).collect()
        }
        Listing::Indices(indices) => {
            let item = |index: &u32| items.get(usize::try_from(*index).ok()?);
            let keys = indices
                .iter()
                .map(|index| item(index).map(Item::unpack_key));
            keys.collect::<Option<_>>()?
        }
    };
    // Inserted one by one: collecting them would sort copies of the few that there are.
    let mut by_key = BTreeMap::new();
    for item in items {
        by_key.insert(item.unpack_key(), item.unpack());
    }
    Some((listed, by_key))
}

tagged!(HistoryName<'de>: 0u8 => Text(text), 1u8 => Present(index));
tagged!(Listing: 0u8 => First(count), 1u8 => Indices(indices));
#[cfg(test)]
mod tests;
