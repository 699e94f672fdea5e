//! The fields of a request, taken strictly: each by its name, of its type, and none left over.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What is wrong with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadRequest(pub(super) String);

/// The fields of one JSON object, not yet read, and where the object is in the request.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: String,
    values: BTreeMap<String, &'a RawValue>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of the object that `text` is. `place` stands before the name of a field where
    /// one is named, as in `big-data[0].`.
    pub(super) fn of(text: &'a str, place: &str) -> Result<Self, BadRequest> {
        let Object { values, twice } = serde_json::from_str(text).map_err(|error| {
            let whole = place.trim_end_matches('.');
            let what = if whole.is_empty() { "the line" } else { whole };
            BadRequest(format!("{what} is not a JSON object: {}", plain(&error)))
        })?;
        if let Some(name) = twice {
            return Err(BadRequest(format!(
                "the field \"{place}{name}\" is given twice; give it once"
            )));
        }
        Ok(Self {
            place: place.to_owned(),
            values,
            asked: Vec::new(),
        })
    }

    /// The JSON text of a field, whatever it is.
    pub(super) fn raw(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.asked.push(name);
        self.values.remove(name)
    }

    /// A field that must be there.
    pub(super) fn required<T: Deserialize<'a>>(
        &mut self,
        name: &'static str,
    ) -> Result<T, BadRequest> {
        let value = self.raw(name).ok_or_else(|| {
            let place = &self.place;
            BadRequest(format!("the field \"{place}{name}\" is missing"))
        })?;
        self.read(name, value)
    }

    /// A field that may be left out; `null` is as good as absent.
    pub(super) fn optional<T: Deserialize<'a>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, BadRequest> {
        match self.raw(name) {
            Some(value) if value.get() != "null" => self.read(name, value).map(Some),
            _ => Ok(None),
        }
    }

    /// An optional field that is a list of objects, each read by `read`.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&mut Fields<'a>) -> Result<T, BadRequest>,
    ) -> Result<Vec<T>, BadRequest> {
        let texts: Vec<&RawValue> = self.optional(name)?.unwrap_or_default();
        let place = &self.place;
        let objects = texts.iter().enumerate().map(|(index, text)| {
            let mut fields = Fields::of(text.get(), &format!("{place}{name}[{index}]."))?;
            let value = read(&mut fields)?;
            fields.finish()?;
            Ok(value)
        });
        objects.collect()
    }

    /// Refuses fields that nothing asked for: they are misspelt, or meant for another request.
    pub(super) fn finish(self) -> Result<(), BadRequest> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(BadRequest(format!(
                "the field \"{}{name}\" is not known here; there are: {}",
                self.place,
                self.asked.join(", "),
            ))),
        }
    }

    fn read<T: Deserialize<'a>>(
        &self,
        name: &'static str,
        value: &'a RawValue,
    ) -> Result<T, BadRequest> {
        serde_json::from_str(value.get()).map_err(|error| {
            let place = &self.place;
            BadRequest(format!("the field \"{place}{name}\": {}", plain(&error)))
        })
    }
}

/// The message without the place, which would be counted from the start of the field.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// A JSON object whose values are kept as text.
struct Object<'a> {
    values: BTreeMap<String, &'a RawValue>,
    /// The first field that is there more than once: no error of the JSON, so none is made of it
    /// while that is read.
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = BTreeMap::new();
                let mut twice = None;
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match values.entry(name) {
                        Entry::Vacant(entry) => {
                            entry.insert(value);
                        }
                        Entry::Occupied(entry) => {
                            twice.get_or_insert_with(|| entry.key().clone());
                        }
                    }
                }
                Ok(Object { values, twice })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Bytes written as standard base64.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of standard base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                STANDARD
                    .decode(text)
                    .map(Bytes)
                    .map_err(|error| E::custom(format_args!("not standard base64: {error}")))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::{BadRequest, Bytes, Fields};

    fn message(result: Result<impl std::fmt::Debug, BadRequest>) -> String {
        result.unwrap_err().0
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = r#"{"id": 7, "key": null, "data": "a", "extra": 1}"#;
        let mut fields = Fields::of(text, "").unwrap();
        assert_eq!(fields.optional::<String>("key"), Ok(None));
        assert_eq!(
            message(fields.required::<String>("id")),
            "the field \"id\": invalid type: integer `7`, expected a string",
        );
        assert_eq!(
            message(fields.required::<String>("names")),
            "the field \"names\" is missing",
        );
        assert!(
            message(fields.required::<Bytes>("data")).contains("\"data\": not standard base64")
        );
        assert_eq!(
            message(fields.finish()),
            "the field \"extra\" is not known here; there are: key, id, names, data",
        );
    }

    #[test]
    fn what_is_wrong_inside_a_list_is_named_with_its_place() {
        let text = r#"{"big-data": [{"key": "a"}, {"kee": "b"}]}"#;
        let mut fields = Fields::of(text, "").unwrap();
        let keys = fields.objects("big-data", |item| item.required::<String>("key"));
        assert_eq!(message(keys), "the field \"big-data[1].key\" is missing");

        let text = r#"{"big-data": [1]}"#;
        let mut fields = Fields::of(text, "").unwrap();
        let keys = fields.objects("big-data", |item| item.required::<String>("key"));
        assert!(message(keys).starts_with("big-data[0] is not a JSON object: "));
    }

    /// It was told that the line is no JSON object, which it is.
    #[test]
    fn a_field_that_is_given_twice_is_named() {
        assert_eq!(
            message(Fields::of(r#"{"a": 1, "b": 2, "b": 3, "a": 4}"#, "")),
            "the field \"b\" is given twice; give it once",
        );
        let text = r#"{"big-data": [{"key": "a", "key": "b"}]}"#;
        let mut fields = Fields::of(text, "").unwrap();
        let keys = fields.objects("big-data", |item| item.required::<String>("key"));
        assert_eq!(
            message(keys),
            "the field \"big-data[0].key\" is given twice; give it once",
        );
        // What ends in the middle is told first.
        let cut = message(Fields::of(r#"{"a": 1, "a": 2"#, ""));
        assert!(cut.starts_with("the line is not a JSON object: "), "{cut}");
    }

    #[test]
    fn only_an_object_has_fields() {
        for text in ["", " ", "[]", "1", "null", "{", "{} {}"] {
            let message = message(Fields::of(text, ""));
            assert!(
                message.starts_with("the line is not a JSON object: "),
                "{message}"
            );
        }
    }
}
