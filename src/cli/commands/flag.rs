//! `flag`: values that belong to the engine.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::{ImageArg, flag_value};

/// Set or clear a flag of an image
///
/// Flags are values that belong to the engine; inspect shows them, and list with --filter flag=FLAG
/// the images that have one.
#[derive(Debug, Args)]
pub(crate) struct Flag {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set a flag
    Set {
        #[command(flatten)]
        image: ImageArg,

        /// The flag
        flag: String,

        /// The value: JSON, or else a text
        #[arg(default_value = "true", value_parser = flag_value, allow_negative_numbers = true)]
        value: Value,
    },
    /// Clear a flag; one that is not set is cleared already
    Clear {
        #[command(flatten)]
        image: ImageArg,

        /// The flag
        flag: String,
    },
}

impl Flag {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.change(|transaction| match &self.command {
            Command::Set { image, flag, value } => {
                Ok(transaction.set_flag(&image.image, flag, value.clone())?)
            }
            Command::Clear { image, flag } => Ok(transaction.clear_flag(&image.image, flag)?),
        })?;
        Ok(Exit::Done)
    }
}
