//! The commands, one file each: its arguments and what it does.

mod backup;
mod batch;
mod compact;
mod completions;
mod export;
mod import;
mod inspect;
mod list;
mod repair;
mod stats;
mod verify;

use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Backup(backup::Backup),
    Batch(batch::Batch),
    Compact(compact::Compact),
    Completions(completions::Completions),
    Export(export::Export),
    Import(import::Import),
    Inspect(inspect::Inspect),
    List(list::List),
    Repair(repair::Repair),
    Stats(stats::Stats),
    Verify(verify::Verify),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Self::Backup(command) => command.run(context),
            Self::Batch(command) => command.run(context),
            Self::Compact(command) => command.run(context),
            Self::Completions(command) => command.run(),
            Self::Export(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Repair(command) => command.run(context),
            Self::Stats(command) => command.run(context),
            Self::Verify(command) => command.run(context),
        }
    }
}
