//! `metadata`: the text that belongs to the engine.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use image_store::Lookup as _;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::image_arg::ImageArg;
use crate::cli::input;

/// Show or set the metadata of an image
#[derive(Debug, Args)]
pub(crate) struct Metadata {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the metadata as it is; at a terminal with a line end
    Get(ImageArg),
    /// Set the metadata
    #[command(
        group(ArgGroup::new("what").required(true).args(["text", "file"])),
        // Made by the parser, it would have the two before the image.
        override_usage = "image-store metadata set [OPTIONS] <IMAGE> <TEXT|--file <FILE>>"
    )]
    Set {
        #[command(flatten)]
        image: ImageArg,

        /// The metadata
        text: Option<String>,

        /// Read it from a file, "-" for standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

impl Metadata {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            Command::Get(arg) => {
                let metadata = context.open_to_read()?.metadata(&arg.image)?;
                let mut out = io::stdout().lock();
                if out.is_terminal() {
                    writeln!(out, "{}", human::printable(&metadata))?;
                } else {
                    out.write_all(metadata.as_bytes())?;
                }
                out.flush()?;
            }
            Command::Set { image, text, file } => {
                context.refuse_read_only()?;
                // Read before the transaction, in which others would wait for it.
                let metadata = match (text, file) {
                    (None, Some(file)) => input::text(&file)?,
                    (text, _) => text.unwrap_or_default(),
                };
                context
                    .change(|transaction| Ok(transaction.set_metadata(&image.image, &metadata)?))?;
            }
        }
        Ok(Exit::Done)
    }
}
