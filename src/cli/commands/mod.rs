//! The commands, one file each: its arguments and what it does.

mod batch;
mod completions;
mod export;
mod import;
mod inspect;
mod list;

use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Batch(batch::Batch),
    Completions(completions::Completions),
    Export(export::Export),
    Import(import::Import),
    Inspect(inspect::Inspect),
    List(list::List),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Self::Batch(command) => command.run(context),
            Self::Completions(command) => command.run(),
            Self::Export(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::List(command) => command.run(context),
        }
    }
}
