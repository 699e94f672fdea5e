//! An image as a JSON object with the legacy field names.

use std::collections::BTreeMap;

use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::field::Field;
use super::number::EXACT;
use crate::model::{BigDataItem, Image, Timestamp};

/// An image as one JSON object with the field names of the legacy store, in its order: an element
/// of `images.json`.
///
/// Empty fields are left out, but for `id` and `created`; an image without a date has
/// `0001-01-01T00:00:00Z`. Fields that the legacy store does not know come last, as they were
/// imported. Numbers in flags are what they are for the legacy store: double-precision floats.
///
/// # Examples
///
/// ```
/// use image_store::Image;
/// use image_store::legacy::ImageJson;
///
/// let image = Image::default();
/// let json = serde_json::to_string(&ImageJson::new(&image))?;
/// assert_eq!(json, r#"{"id":"","created":"0001-01-01T00:00:00Z"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ImageJson<'a> {
    image: &'a Image,
    with_digests: bool,
}

impl<'a> ImageJson<'a> {
    /// The element of `images.json`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Image;
    /// # use image_store::legacy::ImageJson;
    /// let mut image = Image::default();
    /// image.names.push("app".to_owned());
    /// let json = serde_json::to_value(ImageJson::new(&image))?;
    /// assert_eq!(json["names"][0], "app");
    /// assert!(json.get("metadata").is_none());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub const fn new(image: &'a Image) -> Self {
        Self {
            image,
            with_digests: false,
        }
    }

    /// The form for programs and people: it has `digests`, all digests by which the image is
    /// found, and not the fields that are only kept for `images.json`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Image;
    /// # use image_store::legacy::ImageJson;
    /// let mut image = Image::default();
    /// image.digests.push("sha256:0a".to_owned());
    /// let json = ImageJson::new(&image);
    /// assert!(serde_json::to_value(json)?.get("digests").is_none());
    /// assert_eq!(serde_json::to_value(json.with_digests())?["digests"][0], "sha256:0a");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub const fn with_digests(mut self) -> Self {
        self.with_digests = true;
        self
    }
}

impl Serialize for ImageJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = self.image;
        let mut object = Object(serializer.serialize_map(None)?);
        object.always(Field::Id, &image.id)?;
        object.text(Field::Digest, image.digest.as_deref().unwrap_or_default())?;
        if self.with_digests {
            object.list("digests", &image.digests)?;
        }
        object.list(Field::Names.name(), &image.names)?;
        object.list(Field::NamesHistory.name(), &image.names_history)?;
        object.text(
            Field::TopLayer,
            image.top_layer.as_deref().unwrap_or_default(),
        )?;
        object.list(Field::MappedTopLayers.name(), &image.mapped_top_layers)?;
        object.text(Field::Metadata, &image.metadata)?;
        object.list(Field::BigDataNames.name(), &image.big_data_names)?;
        object.items(Field::BigDataSizes, &image.big_data, |item| item.size)?;
        object.items(Field::BigDataDigests, &image.big_data, |item| {
            item.digest.as_deref()
        })?;
        let created = image.created.unwrap_or(Timestamp::ZERO);
        object.always(Field::Created, &created.to_string())?;
        if !image.flags.is_empty() {
            object.always(Field::Flags, &Flags(&image.flags))?;
        }
        if !self.with_digests {
            object.unknown(&image.unknown_fields)?;
        }
        object.0.end()
    }
}

/// An object of which empty fields are left out.
struct Object<M>(M);

impl<M: SerializeMap> Object<M> {
    fn always(&mut self, field: Field, value: &(impl Serialize + ?Sized)) -> Result<(), M::Error> {
        self.0.serialize_entry(field.name(), value)
    }

    fn text(&mut self, field: Field, text: &str) -> Result<(), M::Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.always(field, text)
    }

    fn list(&mut self, name: &str, texts: &[String]) -> Result<(), M::Error> {
        if texts.is_empty() {
            return Ok(());
        }
        self.0.serialize_entry(name, texts)
    }

    fn items<'a, V: Serialize>(
        &mut self,
        field: Field,
        items: &'a BTreeMap<String, BigDataItem>,
        value: impl Fn(&'a BigDataItem) -> Option<V>,
    ) -> Result<(), M::Error> {
        let known: BTreeMap<_, _> = items
            .iter()
            .filter_map(|(key, item)| Some((key, value(item)?)))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        self.always(field, &known)
    }

    fn unknown(&mut self, fields: &BTreeMap<String, String>) -> Result<(), M::Error> {
        for (name, json) in fields {
            // A date that was none is kept there; written again, it would keep the legacy store
            // from loading the whole file.
            if Field::of(name).is_some() {
                continue;
            }
            let value: &RawValue = serde_json::from_str(json).map_err(M::Error::custom)?;
            self.0.serialize_entry(name, value)?;
        }
        Ok(())
    }
}

/// Flags in the order of their names, which `serde_json` would keep only without one of its
/// features.
struct Flags<'a>(&'a BTreeMap<String, Value>);

impl Serialize for Flags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, FlagValue(value))))
    }
}

/// A value of a flag as the legacy store has it, whose numbers are all floats.
struct FlagValue<'a>(&'a Value);

impl Serialize for FlagValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => serialize_number(number, serializer),
            Value::Array(values) => serializer.collect_seq(values.iter().map(FlagValue)),
            Value::Object(values) => {
                let sorted: BTreeMap<_, _> = values
                    .iter()
                    .map(|(name, value)| (name, FlagValue(value)))
                    .collect();
                serializer.collect_map(sorted)
            }
            Value::Null | Value::Bool(_) | Value::String(_) => self.0.serialize(serializer),
        }
    }
}

fn serialize_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) if integer.unsigned_abs() <= EXACT => serializer.serialize_i64(integer),
        (_, Some(float)) => serializer.serialize_f64(float),
        (_, None) => number.serialize(serializer),
    }
}
