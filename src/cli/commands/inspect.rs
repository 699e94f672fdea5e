//! `inspect`: everything that is known of some images.

use std::collections::BTreeMap;

use clap::Args;
use image_store::legacy::ImageJson;
use image_store::{Image, Lookup as _};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output;

/// Print everything that is known of images, as one JSON array with the legacy field names
///
/// "unknown-fields" has what else stood in an imported record: fields that the engines do not know,
/// which export writes back, and a "created" that is no date. Exits with 1 where an image is unknown;
/// the others are printed all the same.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// IDs, names, or unambiguous prefixes of IDs
    #[arg(required = true, value_name = "IMAGE")]
    references: Vec<String>,
}

impl Inspect {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let snapshot = context.open_to_read()?.read()?;
        let mut exit = Exit::Done;
        let mut found = Vec::new();
        for reference in &self.references {
            match snapshot.get(reference) {
                Ok(image) => found.push(image),
                Err(error) if Exit::of(&error) == Exit::No => {
                    exit = failure::report(error, context.verbose());
                }
                Err(error) => return Err(error.into()),
            }
        }

        let records: Vec<_> = found.iter().map(Inspected::new).collect();
        output::end(output::pretty_json(&records), exit)
    }
}

/// The record of an image as everywhere, and what only this command shows.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    record: ImageJson<'a>,
    /// Not among the fields of the record: one may be called as something is that is made here, such
    /// as `digests`.
    #[serde(
        rename = "unknown-fields",
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "json_texts"
    )]
    unknown_fields: &'a BTreeMap<String, String>,
}

impl<'a> Inspected<'a> {
    const fn new(image: &'a Image) -> Self {
        Self {
            record: ImageJson::new(image).with_digests(),
            unknown_fields: &image.unknown_fields,
        }
    }
}

/// Values that are kept as JSON text, to the letter: numbers may be longer than any that is one here.
fn json_texts<S: Serializer>(
    texts: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(texts.len()))?;
    for (name, text) in texts {
        let value: &RawValue = serde_json::from_str(text).map_err(S::Error::custom)?;
        object.serialize_entry(name, value)?;
    }
    object.end()
}
