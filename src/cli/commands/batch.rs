//! `batch`: drives the store through a pipe, one JSON request and one JSON reply a line.

use std::io;

use clap::Args;
use image_store::Access;

use crate::cli::args::count;
use crate::cli::batch::serve;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Serve requests from standard input, one JSON object a line, and answer each on standard output
///
/// A store that is not there yet is created, but not with --read-only. Nothing that is asked ends
/// it but end of input, which aborts an open transaction.
#[derive(Debug, Args)]
pub(crate) struct Batch {
    /// Refuse request lines that are longer than this; 256 MiB if it is not given
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 256 << 20,
        hide_default_value = true,
        value_parser = count::<u64>,
        allow_negative_numbers = true
    )]
    max_line: u64,

    /// Keep everybody else out of the store, and change it faster
    ///
    /// Small changes are then on disk in a log beside the store, which is folded into it at the end.
    #[arg(long)]
    exclusive: bool,
}

impl Batch {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        // The parser would see it only where both stand behind the command.
        if self.exclusive && context.read_only() {
            return Err(Failure::usage(
                "the argument '--exclusive' cannot be used with '--read-only'; leave out one of them",
            ));
        }
        let access = if self.exclusive {
            Access::Exclusive
        } else {
            Access::Shared
        };
        serve(
            context,
            access,
            self.max_line,
            io::stdin().lock(),
            io::stdout().lock(),
        )?;
        Ok(Exit::Done)
    }
}
