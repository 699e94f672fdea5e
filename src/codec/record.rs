//! The record of one image.

use std::collections::HashMap;

use bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::codec::packed::{PackedText, sha_256, unknown_tag, with_hex};
use crate::codec::{Sealed, VALUE_LIMIT, decode_payload, encode_payload, seal, unseal};
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::{BigDataItem, ContentHash, Image, Timestamp};

/// The fields of a record in the order they are written. `digests` and `read_only` are not: the
/// first follows from the rest, the second from how the store was opened.
#[derive(bincode::Encode, bincode::Decode)]
struct Record {
    id: PackedText,
    digest: Option<PackedText>,
    names: Vec<String>,
    history: Vec<HistoryName>,
    top_layer: Option<PackedText>,
    mapped_top_layers: Vec<PackedText>,
    metadata: String,
    /// The listed items in the order of their first listing, then the others in that of their keys.
    items: Vec<Item>,
    listing: Listing,
    /// Seconds since 1970, nanoseconds, offset in minutes.
    created: Option<(i64, u32, i16)>,
    /// Flag and JSON text.
    flags: Vec<(String, String)>,
    /// Unknown field and JSON text.
    unknown_fields: Vec<(String, String)>,
}

/// A name of the history, which mostly is a present name too.
enum HistoryName {
    Text(String),
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

#[derive(bincode::Encode, bincode::Decode)]
struct Item {
    key: ItemKey,
    size: Option<i64>,
    content: Option<[u8; 32]>,
    digest: ItemDigest,
}

/// An item key. Engines use few kinds, and most hold a digest that is the content's hash.
#[derive(Debug, PartialEq, Eq)]
enum ItemKey {
    Text(String),
    Manifest,
    ManifestOf([u8; 32]),
    ManifestOfContent,
    Sha256([u8; 32]),
    Content,
}

/// A recorded item digest, which mostly is the content's hash.
enum ItemDigest {
    Unknown,
    Content,
    Text(PackedText),
}

/// Encodes and seals the record of image `number`.
///
/// # Errors
///
/// [`Error::TooLarge`] where the record would pass the limit of one value.
pub(crate) fn encode_image(number: u64, image: &Image) -> Outcome<Vec<u8>> {
    let payload = encode_payload(&Record::from_image(image)?)?;
    // Short payloads cannot pass the limit of decoding, whatever lists they hold.
    let decodes = payload.len() <= VALUE_LIMIT / 16
        || decode_payload::<Record>(&payload, String::new).is_ok();
    if payload.len() > VALUE_LIMIT || !decodes {
        return Err(Error::TooLarge {
            what: format!("the record of the image {:?}, in bytes,", image.id),
            size: payload.len() as u64,
            limit: VALUE_LIMIT as u64,
        }
        .into());
    }
    Ok(seal(Sealed::Record(number), &payload))
}

/// Decodes the record of image `number`.
///
/// # Errors
///
/// [`Failure::Corrupt`] with the image number.
pub(crate) fn decode_image(number: u64, sealed: &[u8]) -> Outcome<Image> {
    let owner = Sealed::Record(number);
    let record: Record = decode_payload(unseal(owner, sealed)?, || owner.describe())?;
    record.into_image(number)
}

impl Record {
    fn from_image(image: &Image) -> Outcome<Self> {
        let (items, listing) = pack_items(image);
        let present: HashMap<_, _> = image.names.iter().zip(0_u32..).collect();
        let history = image.names_history.iter().map(|name| {
            present.get(name).map_or_else(
                || HistoryName::Text(name.clone()),
                |index| HistoryName::Present(*index),
            )
        });
        let flags = image.flags.iter().map(|(flag, value)| {
            let text = serde_json::to_string(value)
                .map_err(|error| Failure::corrupt_because(format!("flag {flag:?}"), error))?;
            Ok((flag.clone(), text))
        });
        Ok(Self {
            id: PackedText::pack(&image.id),
            digest: image.digest.as_deref().map(PackedText::pack),
            names: image.names.clone(),
            history: history.collect(),
            top_layer: image.top_layer.as_deref().map(PackedText::pack),
            mapped_top_layers: image
                .mapped_top_layers
                .iter()
                .map(|layer| PackedText::pack(layer))
                .collect(),
            metadata: image.metadata.clone(),
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
            unknown_fields: image.unknown_fields.clone().into_iter().collect(),
        })
    }

    fn into_image(self, number: u64) -> Outcome<Image> {
        let inconsistent = |what: &str| {
            Failure::corrupt(format!("{} has {what}", Sealed::Record(number).describe()))
        };
        let history = self.history.into_iter().map(|entry| match entry {
            HistoryName::Text(name) => Ok(name),
            HistoryName::Present(index) => usize::try_from(index)
                .ok()
                .and_then(|index| self.names.get(index).cloned())
                .ok_or_else(|| inconsistent("a history name that is not there")),
        });
        let names_history = history.collect::<Outcome<_>>()?;
        let created = self.created.map(|(seconds, nanosecond, offset)| {
            Timestamp::from_parts(seconds, nanosecond, offset)
                .map_err(|_| inconsistent("an impossible creation time"))
        });
        let flags = self.flags.into_iter().map(|(flag, text)| {
            serde_json::from_str(&text)
                .map(|value| (flag, value))
                .map_err(|_| inconsistent("a flag that is not JSON"))
        });
        let items: Vec<_> = self.items.into_iter().map(Item::unpack).collect();
        let listed = |index: &u32| {
            let index = usize::try_from(*index).ok()?;
            items.get(index).map(|(key, _)| key.clone())
        };
        let big_data_names: Option<Vec<_>> = match &self.listing {
            Listing::First(count) => (0..*count).map(|index| listed(&index)).collect(),
            Listing::Indices(indices) => indices.iter().map(listed).collect(),
        };
        let big_data_names =
            big_data_names.ok_or_else(|| inconsistent("an item name that is not there"))?;
        let mut image = Image {
            id: self.id.unpack(),
            digest: self.digest.map(PackedText::unpack),
            digests: Vec::new(),
            names: self.names,
            names_history,
            top_layer: self.top_layer.map(PackedText::unpack),
            mapped_top_layers: self
                .mapped_top_layers
                .into_iter()
                .map(PackedText::unpack)
                .collect(),
            metadata: self.metadata,
            big_data_names,
            big_data: items.into_iter().collect(),
            created: created.transpose()?,
            flags: flags.collect::<Outcome<_>>()?,
            unknown_fields: self.unknown_fields.into_iter().collect(),
            read_only: false,
        };
        image.recompute_digests();
        Ok(image)
    }
}

/// The items of an image in the order of a record, and how they are listed.
///
/// A key that is listed without a size, a digest or bytes becomes an item that has none of them.
fn pack_items(image: &Image) -> (Vec<Item>, Listing) {
    let mut order: Vec<&str> = Vec::new();
    let mut indices = Vec::new();
    let mut place = HashMap::new();
    for key in &image.big_data_names {
        let index = *place.entry(key.as_str()).or_insert_with(|| {
            order.push(key);
            order.len() - 1
        });
        indices.push(index);
    }
    let repeats = indices.len() != order.len();
    let unlisted = image.big_data.keys().map(String::as_str);
    order.extend(unlisted.filter(|key| !place.contains_key(key)));
    let items = order.iter().map(|key| {
        let item = image.big_data.get(*key).cloned().unwrap_or_default();
        Item::pack(key, &item)
    });
    // A record of more than four billion items would not pass the limit of one value.
    let to_u32 = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let listing = if repeats {
        Listing::Indices(indices.into_iter().map(to_u32).collect())
    } else {
        Listing::First(to_u32(indices.len()))
    };
    (items.collect(), listing)
}

impl Item {
    fn pack(key: &str, item: &BigDataItem) -> Self {
        let content = item.content.map(|hash| *hash.as_bytes());
        Self {
            key: ItemKey::pack(key, content),
            size: item.size,
            content,
            digest: match &item.digest {
                None => ItemDigest::Unknown,
                Some(digest) if content.is_some() && sha_256(digest) == content => {
                    ItemDigest::Content
                }
                Some(digest) => ItemDigest::Text(PackedText::pack(digest)),
            },
        }
    }

    fn unpack(self) -> (String, BigDataItem) {
        let content = self.content.unwrap_or_default();
        let item = BigDataItem {
            size: self.size,
            digest: match self.digest {
                ItemDigest::Unknown => None,
                ItemDigest::Content => Some(with_hex("sha256:", &content)),
                ItemDigest::Text(text) => Some(text.unpack()),
            },
            content: self.content.map(ContentHash::from_bytes),
        };
        (self.key.unpack(&content), item)
    }
}

impl ItemKey {
    fn pack(key: &str, content: Option<[u8; 32]>) -> Self {
        if key == "manifest" {
            return Self::Manifest;
        }
        if let Some(hash) = key.strip_prefix("manifest-").and_then(sha_256) {
            return match content {
                Some(content) if content == hash => Self::ManifestOfContent,
                _ => Self::ManifestOf(hash),
            };
        }
        match sha_256(key) {
            Some(hash) if content == Some(hash) => Self::Content,
            Some(hash) => Self::Sha256(hash),
            None => Self::Text(key.to_owned()),
        }
    }

    fn unpack(self, content: &[u8; 32]) -> String {
        match self {
            Self::Text(text) => text,
            Self::Manifest => "manifest".to_owned(),
            Self::ManifestOf(hash) => with_hex("manifest-sha256:", &hash),
            Self::ManifestOfContent => with_hex("manifest-sha256:", content),
            Self::Sha256(hash) => with_hex("sha256:", &hash),
            Self::Content => with_hex("sha256:", content),
        }
    }
}

/// Writes a tag before each variant of an enum and reads it back. The tags are the format; the
/// order of the variants in the source is not.
macro_rules! tagged {
    ($name:ident: $($tag:literal => $variant:ident $(($field:ident))?),+ $(,)?) => {
        impl Encode for $name {
            fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                match self {
                    $(Self::$variant $(($field))? => {
                        Encode::encode(&$tag, encoder)?;
                        $(Encode::encode($field, encoder)?;)?
                        Ok(())
                    })+
                }
            }
        }

        impl<Context> Decode<Context> for $name {
            fn decode<D: Decoder<Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, DecodeError> {
                match u8::decode(decoder)? {
                    $($tag => Ok(Self::$variant $(({
                        let $field = Decode::decode(decoder)?;
                        $field
                    }))?),)+
                    tag => Err(unknown_tag(stringify!($name), tag)),
                }
            }
        }

        impl<'de, Context> BorrowDecode<'de, Context> for $name {
            fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, DecodeError> {
                Self::decode(decoder)
            }
        }
    };
}

tagged!(HistoryName: 0u8 => Text(text), 1u8 => Present(index));
tagged!(Listing: 0u8 => First(count), 1u8 => Indices(indices));
tagged!(ItemDigest: 0u8 => Unknown, 1u8 => Content, 2u8 => Text(text));
tagged!(
    ItemKey:
    0u8 => Text(text),
    1u8 => Manifest,
    2u8 => ManifestOf(hash),
    3u8 => ManifestOfContent,
    4u8 => Sha256(hash),
    5u8 => Content,
);

#[cfg(test)]
mod tests;
