//! `names`: what an image is and was called.

use std::io::{self, BufWriter, Write as _};

use clap::{Args, Subcommand};
use image_store::Lookup as _;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::image_arg::ImageArg;

/// Show or set the names of an image
#[derive(Debug, Args)]
pub(crate) struct Names {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the names, one a line
    List(ImageArg),
    /// Print the names that the image has had, the newest first
    History(ImageArg),
    /// Give the image these names and no others
    ///
    /// A name that another image has is taken from it.
    Set {
        #[command(flatten)]
        image: ImageArg,

        /// The names; none takes all from it
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

impl Names {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            Command::List(arg) => {
                print(&context.open_to_read()?.get(&arg.image)?.names)?;
            }
            Command::History(arg) => {
                print(&context.open_to_read()?.get(&arg.image)?.names_history)?;
            }
            Command::Set { image, names } => {
                context.change(|transaction| Ok(transaction.set_names(&image.image, &names)?))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn print(names: &[String]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for name in names {
        writeln!(out, "{}", human::printable(name))?;
    }
    out.flush()
}
