//! `rename`: a name turned into another.

use clap::Args;
use image_store::{Error, Lookup, NameEntry, Prefix, Result, Transaction};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Turn a name of an image into another, in one step
///
/// At no moment has the image none of the two names, or both. A name that another image has is only
/// taken from it with --force. The old name stays in the history of the image.
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// The name that is to go
    old: String,

    /// The name that is to take its place
    new: String,

    /// Take the new name from another image that has it
    #[arg(long)]
    force: bool,
}

impl Rename {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.change(|transaction| {
            let Some(entry) = named(transaction, &self.old)? else {
                return Err(Failure::no(format!(
                    "no image has the name {:?}; see: image-store find",
                    self.old
                )));
            };
            if self.old == self.new {
                return Ok(());
            }
            match named(transaction, &self.new)? {
                Some(holder) if holder.id != entry.id && !self.force => {
                    let NameEntry { name, id, .. } = holder;
                    let error = Error::DuplicateName { name, holder: id };
                    return Err(Failure::advised(
                        error,
                        Some("to take it from there: --force"),
                    ));
                }
                _ => {}
            }
            let mut names = transaction.get(&entry.id)?.names;
            // First as they are, so that the old one is in the history.
            transaction.set_names(&entry.id, &names)?;
            names.retain(|name| *name != self.new);
            for name in &mut names {
                if *name == self.old {
                    name.clone_from(&self.new);
                }
            }
            Ok(transaction.set_names(&entry.id, &names)?)
        })?;
        Ok(Exit::Done)
    }
}

/// The image that has exactly this name.
fn named(transaction: &Transaction, name: &str) -> Result<Option<NameEntry>> {
    let first = transaction.names(Prefix::new(name))?.next().transpose()?;
    Ok(first.filter(|entry| entry.name == name))
}
