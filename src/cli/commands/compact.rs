//! `compact`: giving back room.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;
use crate::cli::stage_bar;

/// Give back the room that the store's file does not need
///
/// Nobody else may have the store open, and nobody can open it meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Compact {}

impl Compact {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let spinner = stage_bar::spinner("compacting");
        let summary = context.opening().compact(context.store());
        spinner.finish_and_clear();
        let summary = summary?;
        output::line(&format!(
            "{} on disk before, {} now",
            human::size(summary.stored_before),
            human::size(summary.stored_after),
        ))?;
        Ok(Exit::Done)
    }
}
