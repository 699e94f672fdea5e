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
                Some(flags) => image.flags.extend(flags),
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
mod tests {
    use super::{Element, Oddity, Record, read};
    use crate::legacy::json::position::Position;
    use crate::model::BigDataItem;

    fn record(json: &str) -> Record {
        read(element(json.as_bytes())).unwrap()
    }

    fn error(json: &[u8]) -> String {
        read(element(json)).unwrap_err().to_string()
    }

    fn element(bytes: &[u8]) -> Element<'_> {
        let position = Position::START.after(b"[");
        Element { position, bytes }
    }

    #[test]
    fn names_of_fields_match_in_any_case() {
        let image = record(r#"{"ID": "a", "Big-Data-Names": ["k"], "LAYER": "l"}"#).image;
        assert_eq!(image.id, "a");
        assert_eq!(image.big_data_names, ["k"]);
        assert_eq!(image.top_layer.as_deref(), Some("l"));
        assert!(image.unknown_fields.is_empty());
    }

    #[test]
    fn null_leaves_every_field_empty() {
        let nulls = record(
            r#"{"id": null, "digest": null, "names": null, "names-history": null, "layer": null,
                "mapped-layers": null, "metadata": null, "big-data-names": null,
                "big-data-sizes": null, "big-data-digests": null, "created": null, "flags": null}"#,
        );
        assert_eq!(nulls, Record::default());
        assert_eq!(record("{}"), Record::default());
    }

    #[test]
    fn null_in_a_list_or_a_map_is_an_empty_value() {
        let image = record(r#"{"names": ["a", null], "big-data-sizes": {"k": null}}"#).image;
        assert_eq!(image.names, ["a", ""]);
        assert_eq!(image.big_data.get("k").unwrap().size, Some(0));
    }

    #[test]
    fn of_a_repeated_field_the_last_counts_and_maps_are_joined() {
        let image = record(
            r#"{"id": "a", "names": ["x", "y"], "flags": {"f": 1, "g": 1}, "x": 1, "ID": "b",
                "names": ["z"], "Flags": {"g": 2}, "x": 2}"#,
        )
        .image;
        assert_eq!(image.id, "b");
        assert_eq!(image.names, ["z"]);
        assert_eq!(image.flags.get("f"), Some(&1.into()));
        assert_eq!(image.flags.get("g"), Some(&2.into()));
        assert_eq!(image.unknown_fields.get("x").unwrap(), "2");

        let cleared = record(
            r#"{"flags": {"f": 1}, "flags": null, "big-data-sizes": {"a": 1, "b": 1},
                "big-data-digests": {"b": ""}, "big-data-sizes": null}"#,
        );
        assert!(cleared.image.flags.is_empty());
        let items: Vec<_> = cleared.image.big_data.into_iter().collect();
        let only_a_digest = BigDataItem {
            digest: Some(String::new()),
            ..BigDataItem::default()
        };
        assert_eq!(items, [("b".to_owned(), only_a_digest)]);
    }

    #[test]
    fn lists_keep_what_is_there_twice_and_items_need_not_be_listed() {
        let image = record(
            r#"{"names": ["a", "a"], "big-data-names": ["k", "k"], "big-data-sizes": {"other": 5}}"#,
        )
        .image;
        assert_eq!(image.names, ["a", "a"]);
        assert_eq!(image.big_data_names, ["k", "k"]);
        assert_eq!(image.big_data.keys().collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn unknown_fields_are_kept_to_the_digit() {
        let image = record("{\"x\": {\"n\": [1.50, 1e400 ,\"a b\\\" \"]}, \"digests\":\n[]}").image;
        assert_eq!(
            image.unknown_fields.get("x").unwrap(),
            "{\"n\":[1.50,1e400,\"a b\\\" \"]}"
        );
        assert_eq!(image.unknown_fields.get("digests").unwrap(), "[]");
    }

    #[test]
    fn a_bad_date_loses_neither_the_record_nor_the_text() {
        let record_ = record(r#"{"id": "a", "created": "yesterday \"noon\""}"#);
        assert_eq!(record_.image.created, None);
        assert_eq!(
            record_.image.unknown_fields.get("created").unwrap(),
            r#""yesterday \"noon\"""#
        );
        let text = "yesterday \"noon\"".to_owned();
        assert_eq!(record_.oddities, [Oddity::BadDate { text }]);

        let mended = record(r#"{"created": "no", "created": "2020-01-01T00:00:00Z"}"#);
        assert!(mended.oddities.is_empty() && mended.image.unknown_fields.is_empty());
        assert!(mended.image.created.is_some());
    }

    #[test]
    fn malformed_digests_are_kept_and_told() {
        let read = record(r#"{"digest": "md5:0", "big-data-digests": {"manifest": "sha256:1"}}"#);
        assert_eq!(read.image.digest.as_deref(), Some("md5:0"));
        assert_eq!(
            read.oddities,
            [
                Oddity::MalformedDigest {
                    key: None,
                    digest: "md5:0".into()
                },
                Oddity::MalformedDigest {
                    key: Some("manifest".into()),
                    digest: "sha256:1".into()
                },
            ]
        );
    }

    #[test]
    fn wrong_types_name_the_field_and_the_place() {
        let cases = [
            (
                r#"{"id": 5}"#,
                r#"line 1, column 9 (byte 8): field "id": invalid type: integer `5`"#,
            ),
            (
                r#"{"names": "a"}"#,
                r#"field "names": invalid type: string "a", expected a sequence"#,
            ),
            (
                r#"{"names": [1]}"#,
                r#"field "names": invalid type: integer `1`, expected a string"#,
            ),
            (
                r#"{"Created": 1}"#,
                r#"field "Created": invalid type: integer `1`"#,
            ),
            (
                r#"{"flags": []}"#,
                r#"field "flags": invalid type: sequence, expected a map"#,
            ),
            (
                r#"{"big-data-sizes": {"k": 1.5}}"#,
                r#"field "big-data-sizes": invalid type: float"#,
            ),
            (
                r#"{"big-data-sizes": {"k": "1"}}"#,
                r#"field "big-data-sizes": invalid type: string"#,
            ),
            (
                r#"{"big-data-digests": {"k": 1}}"#,
                r#"field "big-data-digests": invalid type"#,
            ),
        ];
        for (json, expected) in cases {
            let said = error(json.as_bytes());
            assert!(said.contains(expected), "{json}: {said}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        let cases: [(&[u8], &str); 9] = [
            (
                b"{\"id\":\n \"a\",}",
                "line 2, column 6 (byte 13): trailing comma",
            ),
            (b"{\"id\": \"a\" \"b\"}", "(byte 12): expected `,` or `}`"),
            (
                b"{\"id\": \"\\ud800\"}",
                "field \"id\": unexpected end of hex escape",
            ),
            (
                b"{\"id\": \"\\udc00\"}",
                "field \"id\": lone leading surrogate in hex escape",
            ),
            (b"{\"id\": \"\\x\"}", "field \"id\": invalid escape"),
            (
                b"{\"id\": \"a\xff\"}",
                "line 1, column 11 (byte 10): bytes that are not UTF-8",
            ),
            (b"{\"id\": \"a\0\"}", "(byte 10): NUL bytes"),
            (b"{\"id\": \"a\n\"}", "control character"),
            (b"{\"id\": \"a\"]}", "(byte 11): expected `,` or `}`"),
        ];
        for (json, expected) in cases {
            let said = error(json);
            assert!(said.contains(expected), "{json:?}: {said}");
        }
    }

    #[test]
    fn a_flag_that_lies_too_deep_is_refused_and_an_unknown_field_is_not() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let flag = error(format!("{{\"flags\": {{\"f\": {deep}}}}}").as_bytes());
        assert!(flag.contains("more than 127 deep"), "{flag}");
        let unknown = record(&format!("{{\"x\": {deep}}}")).image;
        assert_eq!(unknown.unknown_fields.get("x"), Some(&deep));
    }
}
