//! `tag`: more names for an image.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::ImageArg;

/// Give an image more names
///
/// A name that another image has is taken from it. Names are kept as they are given: no registry
/// and no tag is added.
#[derive(Debug, Args)]
pub(crate) struct Tag {
    #[command(flatten)]
    image: ImageArg,

    /// The names
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Tag {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.change(|transaction| Ok(transaction.add_names(&self.image.image, &self.names)?))?;
        Ok(Exit::Done)
    }
}
