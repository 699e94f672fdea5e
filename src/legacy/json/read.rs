//! Reading one record of an `images.json`.
//!
//! Mirrors what the legacy store's JSON library makes of it: field names match in any case, `null`
//! leaves a field empty, of a repeated field the last value counts (maps are joined), and lists
//! may hold anything twice. What the legacy store does not know is kept as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::compact::compact;
use super::error::{JsonError, JsonFault};
use super::field::Field;
use super::number::as_engines_keep;
use super::parts::{Pairs, Text};
use super::position::Position;
use super::split::Element;
use crate::model::{BigDataItem, Image, Timestamp, is_valid_digest};

/// An image as its record has it, and what is odd about the record.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::ImagesJsonReader;
/// let json = br#"[{"id":"a1","names":["app"]}]"#;
/// let (_, record) = ImagesJsonReader::new(json.as_slice()).next_record()?.expect("a record");
/// assert_eq!((record.image.id.as_str(), record.image.names.len()), ("a1", 1));
/// assert!(record.oddities.is_empty());
/// # Ok::<(), image_store::legacy::JsonError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The image. Its digests are not derived, and no item has bytes yet.
    pub image: Image,
    /// Values that the legacy store would not have written.
    pub oddities: Vec<Oddity>,
}

/// A value of a record that the legacy store would not have written; the record is read all the
/// same.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::{ImagesJsonReader, Oddity};
/// let json = br#"[{"id":"a1","created":"today"}]"#;
/// let (_, record) = ImagesJsonReader::new(json.as_slice()).next_record()?.expect("a record");
/// assert_eq!(record.oddities, [Oddity::BadDate { text: "today".to_owned() }]);
/// # Ok::<(), image_store::legacy::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// `created` is not a date. The image has no date, and the text is kept among its unknown
    /// fields.
    BadDate {
        /// The text.
        text: String,
    },
    /// A recorded digest is not `algorithm:encoded`. It is kept, but the image is not found by it.
    MalformedDigest {
        /// The item, or `None` for the image's own digest.
        key: Option<String>,
        /// The text.
        digest: String,
    },
}

/// Reads a record.
pub(crate) fn read(element: Element<'_>) -> Result<Record, JsonError> {
    let Element { position, bytes } = element;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        JsonError::new(position.after(before), JsonFault::InvalidUtf8)
    })?;
    parse(text).map_err(|error| place(position, bytes, &error))
}

fn parse(text: &str) -> Result<Record, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut record = deserializer.deserialize_map(RecordVisitor)?;
    deserializer.end()?;
    record.find_oddities();
    Ok(record)
}

/// Tells the parser's error with its place in the whole text.
fn place(start: Position, bytes: &[u8], error: &serde_json::Error) -> JsonError {
    let position = start.within(bytes, error.line(), error.column());
    let said = error.to_string();
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    let what = said.strip_suffix(&suffix).unwrap_or(&said);
    let offset = usize::try_from(position.offset - start.offset).unwrap_or(usize::MAX);
    let fault = match bytes.get(offset) {
        Some(0) => JsonFault::NulBytes,
        _ if what.contains("recursion limit exceeded") => JsonFault::TooDeep { limit: 127 },
        _ => JsonFault::Record {
            what: what.to_owned(),
        },
    };
    JsonError::new(position, fault)
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        while let Some(Text(name)) = map.next_key()? {
            match Field::of(&name) {
                Some(field) => record
                    .read_field(field, &mut map)
                    .map_err(|error| A::Error::custom(format_args!("field {name:?}: {error}")))?,
                None => {
                    let value: &RawValue = map.next_value()?;
                    let text = compact(value.get());
                    record.image.unknown_fields.insert(name.into_owned(), text);
                }
            }
        }
        Ok(record)
    }
}

impl Record {
    fn read_field<'de, A: MapAccess<'de>>(
        &mut self,
        field: Field,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let image = &mut self.image;
        match field {
            Field::Id => image.id = text(map)?.unwrap_or_default(),
            Field::Digest => image.digest = text(map)?.filter(|digest| !digest.is_empty()),
            Field::Names => image.names = list(map)?,
            Field::NamesHistory => image.names_history = list(map)?,
            Field::TopLayer => image.top_layer = text(map)?.filter(|layer| !layer.is_empty()),
            Field::MappedTopLayers => image.mapped_top_layers = list(map)?,
            Field::Metadata => image.metadata = text(map)?.unwrap_or_default(),
            Field::BigDataNames => image.big_data_names = list(map)?,
            Field::BigDataSizes => self.read_sizes(map)?,
            Field::BigDataDigests => self.read_digests(map)?,
            Field::Created => self.read_date(map)?,
            Field::Flags => match map.next_value::<Option<serde_json::Map<_, _>>>()? {
                None => image.flags.clear(),
                Some(flags) => {
                    let flags = flags.into_iter();
                    image
                        .flags
                        .extend(flags.map(|(flag, value)| (flag, as_engines_keep(value))));
                }
            },
        }
        Ok(())
    }

    fn read_date<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        // The legacy store's dates pass over null.
        let Some(Text(text)) = map.next_value::<Option<_>>()? else {
            return Ok(());
        };
        let unknown = &mut self.image.unknown_fields;
        self.image.created = text.parse::<Timestamp>().ok();
        if self.image.created.is_some() {
            unknown.remove(Field::Created.name());
        } else {
            let kept = serde_json::Value::String(text.into_owned()).to_string();
            unknown.insert(Field::Created.name().to_owned(), kept);
        }
        Ok(())
    }

    fn find_oddities(&mut self) {
        let image = &self.image;
        if let Some(kept) = image.unknown_fields.get(Field::Created.name()) {
            let text = serde_json::from_str(kept).unwrap_or_else(|_| kept.clone());
            self.oddities.push(Oddity::BadDate { text });
        }
        let own = image.digest.iter().map(|digest| (None, digest));
        let of_items = image
            .big_data
            .iter()
            .filter_map(|(key, item)| Some((Some(key), item.digest.as_ref()?)));
        let malformed = own
            .chain(of_items)
            .filter(|(_, digest)| !is_valid_digest(digest))
            .map(|(key, digest)| Oddity::MalformedDigest {
                key: key.cloned(),
                digest: digest.clone(),
            });
        self.oddities.extend(malformed);
    }
}

impl Record {
    fn read_sizes<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        let items = &mut self.image.big_data;
        match map.next_value::<Option<Pairs<'_, Option<i64>>>>()? {
            None => clear_items(items, |item| item.size = None),
            Some(Pairs(sizes)) => sizes.into_iter().for_each(|(key, size)| {
                let size = Some(size.unwrap_or_default());
                change_item(items, key, |item| item.size = size);
            }),
        }
        Ok(())
    }

    fn read_digests<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        let items = &mut self.image.big_data;
        match map.next_value::<Option<Pairs<'_, Option<String>>>>()? {
            None => clear_items(items, |item| item.digest = None),
            Some(Pairs(digests)) => digests.into_iter().for_each(|(key, digest)| {
                let digest = Some(digest.unwrap_or_default());
                change_item(items, key, |item| item.digest = digest);
            }),
        }
        Ok(())
    }
}

/// Changes an item, which has two fields in the record: its key is copied for the first only.
fn change_item(
    items: &mut BTreeMap<String, BigDataItem>,
    key: Cow<'_, str>,
    change: impl FnOnce(&mut BigDataItem),
) {
    match items.get_mut(&*key) {
        Some(item) => change(item),
        None => change(items.entry(key.into_owned()).or_default()),
    }
}

fn clear_items(items: &mut BTreeMap<String, BigDataItem>, clear: impl Fn(&mut BigDataItem)) {
    items.values_mut().for_each(clear);
    items.retain(|_, item| *item != BigDataItem::default());
}

/// A text, or `None` for null.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    map.next_value()
}

/// A list of texts; null is an empty list, and an empty text in a list.
fn list<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<String>, A::Error> {
    let texts: Option<Vec<Option<String>>> = map.next_value()?;
    let texts = texts.unwrap_or_default().into_iter();
    Ok(texts.map(Option::unwrap_or_default).collect())
}

#[cfg(test)]
mod tests;
