//! `mapped-layer`: top layers under other ID mappings.

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::ImageArg;

/// Record, or forget, a layer that is an image's top layer under another ID mapping
///
/// inspect shows them, and list with --filter layer=ID the images that have one.
#[derive(Debug, Args)]
pub(crate) struct MappedLayer {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record a layer
    Add {
        #[command(flatten)]
        image: ImageArg,

        /// The ID of the layer
        layer: String,
    },
    /// Forget a layer; one that is not recorded is forgotten already
    Remove {
        #[command(flatten)]
        image: ImageArg,

        /// The ID of the layer
        layer: String,
    },
}

impl MappedLayer {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.change(|transaction| match &self.command {
            Command::Add { image, layer } => {
                Ok(transaction.add_mapped_top_layer(&image.image, layer)?)
            }
            Command::Remove { image, layer } => {
                Ok(transaction.remove_mapped_top_layer(&image.image, layer)?)
            }
        })?;
        Ok(Exit::Done)
    }
}
