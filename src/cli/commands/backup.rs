//! `backup`: a copy of a store in use.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;
use crate::cli::output_file::refuse_store;
use crate::cli::stage_bar::StageBar;

/// Copy the store, while others use it, to a new file that is as small as it can be
///
/// The copy is of one state, and a store itself. It appears whole or not at all, and never replaces
/// anything. Where the store is damaged, there is no copy: see verify and repair, or copy the file.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where the copy goes; nothing may be there
    #[arg(value_name = "COPY")]
    destination: PathBuf,
}

impl Backup {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        refuse_store(&self.destination, context.store())?;
        let snapshot = context.open_to_read()?.read()?;
        let bar = StageBar::new();
        let summary = snapshot.backup(&self.destination, |reached| bar.show(reached));
        bar.finish();
        let summary = summary?;
        output::line(&format!(
            "copied {} to {}, which takes {}",
            human::count(summary.images, "image"),
            self.destination.display(),
            human::size(summary.length),
        ))?;
        Ok(Exit::Done)
    }
}
