//! `untag`: names taken from an image.

use clap::Args;
use image_store::Lookup as _;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::ImageArg;

/// Take names from an image, or all of them
///
/// Where the image does not have one of the names, nothing is changed and it exits with 1.
#[derive(Debug, Args)]
pub(crate) struct Untag {
    #[command(flatten)]
    image: ImageArg,

    /// The names [default: all that the image has]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Untag {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.change(|transaction| {
            let image = transaction.get(&self.image.image)?;
            if let Some(name) = self.names.iter().find(|name| !image.names.contains(name)) {
                return Err(Failure::no(format!(
                    "the image {:?} does not have the name {name:?}; see: image-store names list",
                    image.id
                )));
            }
            let names = if self.names.is_empty() {
                &image.names
            } else {
                &self.names
            };
            Ok(transaction.remove_names(&image.id, names)?)
        })?;
        Ok(Exit::Done)
    }
}
