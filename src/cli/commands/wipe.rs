//! `wipe`: an empty store.

use clap::Args;
use image_store::Lookup as _;

use crate::cli::confirm;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;

/// Remove every image from the store
///
/// Asks first; where there is no terminal to ask at, --yes is needed. The store itself stays, and
/// its file keeps its length; compact gives the room back.
#[derive(Debug, Args)]
pub(crate) struct Wipe {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Wipe {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let store = context.open_existing()?;
        if !self.yes {
            if !confirm::can_ask() {
                return Err(Failure::usage(
                    "wipe asks before it removes every image, and here is nobody to ask; \
                     say that you mean it with --yes",
                ));
            }
            let images = human::count(store.len()?, "image");
            let path = context.store().display();
            if !confirm::ask(&format!("remove all {images} from {path}?"))? {
                return Ok(Exit::No);
            }
        }
        let images = store.wipe()?;
        output::line(&format!("removed {}", human::count(images, "image")))?;
        Ok(Exit::Done)
    }
}
