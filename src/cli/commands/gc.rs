//! `gc`: what nothing refers to.

use clap::Args;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;

/// Free what nothing refers to, and tell what it was
///
/// Frees bytes of items that no image has, and removes files that killed runs of import, repair or
/// of a store's creation left beside it. Every transaction cleans up after itself, so mostly there
/// is nothing. The room that is freed stays in the file and is used again; compact gives it back.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let store = context.open_existing()?;
        let contents = store.collect_garbage()?;
        let leftovers = store.remove_leftovers()?;
        if self.json {
            let object = json!({
                "contents": contents,
                "leftover-files": leftovers.files,
                "leftover-bytes": leftovers.bytes,
            });
            output::line(&object.to_string())?;
        } else {
            output::line(&format!(
                "freed {}; removed {} of killed runs with {}",
                human::count(contents, "content"),
                human::count(leftovers.files, "leftover"),
                human::size(leftovers.bytes),
            ))?;
        }
        Ok(Exit::Done)
    }
}
