//! The commands, one file each: its arguments and what it does.

mod backup;
mod batch;
mod compact;
mod completions;
mod create;
mod data;
mod delete;
mod exists;
mod export;
mod find;
mod flag;
mod gc;
mod history;
mod import;
mod inspect;
mod list;
mod man;
mod mapped_layer;
mod metadata;
mod names;
mod rename;
mod repair;
mod stats;
mod tag;
mod untag;
mod verify;
mod wipe;

use clap::Subcommand;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Find(find::Find),
    Inspect(inspect::Inspect),
    Exists(exists::Exists),
    History(history::History),
    Create(create::Create),
    Delete(delete::Delete),
    Tag(tag::Tag),
    Untag(untag::Untag),
    Rename(rename::Rename),
    Names(names::Names),
    Data(data::Data),
    Metadata(metadata::Metadata),
    Flag(flag::Flag),
    MappedLayer(mapped_layer::MappedLayer),
    Import(import::Import),
    Export(export::Export),
    Batch(batch::Batch),
    Stats(stats::Stats),
    Verify(verify::Verify),
    Repair(repair::Repair),
    Backup(backup::Backup),
    Compact(compact::Compact),
    Gc(gc::Gc),
    Wipe(wipe::Wipe),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(context),
            Self::Find(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::Exists(command) => command.run(context),
            Self::History(command) => command.run(context),
            Self::Create(command) => command.run(context),
            Self::Delete(command) => command.run(context),
            Self::Tag(command) => command.run(context),
            Self::Untag(command) => command.run(context),
            Self::Rename(command) => command.run(context),
            Self::Names(command) => command.run(context),
            Self::Data(command) => command.run(context),
            Self::Metadata(command) => command.run(context),
            Self::Flag(command) => command.run(context),
            Self::MappedLayer(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Batch(command) => command.run(context),
            Self::Stats(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Repair(command) => command.run(context),
            Self::Backup(command) => command.run(context),
            Self::Compact(command) => command.run(context),
            Self::Gc(command) => command.run(context),
            Self::Wipe(command) => command.run(context),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}
