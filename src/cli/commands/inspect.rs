//! `inspect`: everything that is known of some images.

use clap::Args;
use image_store::Lookup as _;
use image_store::legacy::ImageJson;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output;

/// Print everything that is known of images, as one JSON array with the legacy field names
///
/// Exits with 1 where an image is unknown; the others are printed all the same.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// IDs, names, or unambiguous prefixes of IDs
    #[arg(required = true, value_name = "REF")]
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

        let records: Vec<_> = found
            .iter()
            .map(|image| ImageJson::new(image).with_digests())
            .collect();
        output::end(output::pretty_json(&records), exit)
    }
}
