//! `data`: the big data items of an image: manifests, configurations, signatures.

mod get;
mod list;
mod set;

use std::collections::HashSet;

use clap::{Args, Subcommand};
use image_store::Lookup as _;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::ImageArg;
use crate::cli::output;

/// Show, read, set or delete the big data items of an image
#[derive(Debug, Args)]
pub(crate) struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Get(get::Get),
    Set(set::Set),
    /// Print the recorded size of an item in bytes
    Size(ItemArg),
    /// Print the recorded digest of an item
    Digest(ItemArg),
    /// Delete items, all of them or none
    ///
    /// Where the image does not have one of them, nothing is changed and it exits with 1.
    Delete {
        #[command(flatten)]
        image: ImageArg,

        /// The keys of the items
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

/// An item of an image.
#[derive(Debug, Args)]
pub(super) struct ItemArg {
    #[command(flatten)]
    image: ImageArg,

    /// The key of the item
    key: String,
}

impl Data {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            Command::List(command) => return command.run(context),
            Command::Get(command) => return command.run(context),
            Command::Set(command) => return command.run(context),
            Command::Size(ItemArg { image, key }) => {
                let size = context.open_to_read()?.big_data_size(&image.image, &key)?;
                output::line(&size.to_string())?;
            }
            Command::Digest(ItemArg { image, key }) => {
                let digest = context
                    .open_to_read()?
                    .big_data_digest(&image.image, &key)?;
                output::line(&digest)?;
            }
            Command::Delete { image, keys } => context.change(|transaction| {
                let mut gone = HashSet::new();
                // One that is named twice is to go all the same.
                for key in keys.iter().filter(|key| gone.insert(*key)) {
                    transaction.remove_big_data(&image.image, key)?;
                }
                Ok(())
            })?,
        }
        Ok(Exit::Done)
    }
}
