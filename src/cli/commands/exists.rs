//! `exists`: whether an image is there.

use clap::Args;
use image_store::Lookup as _;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::ImageArg;

/// Exit with 0 where the image is there, and with 1 where it is not
///
/// Prints nothing. An ambiguous prefix is no image.
#[derive(Debug, Args)]
pub(crate) struct Exists {
    #[command(flatten)]
    image: ImageArg,
}

impl Exists {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let exists = context.open_to_read()?.exists(&self.image.image)?;
        Ok(if exists { Exit::Done } else { Exit::No })
    }
}
