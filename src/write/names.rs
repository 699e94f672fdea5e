//! Names move between images.

use std::collections::HashSet;

use crate::engine::Outcome;
use crate::model::{dedupe, limits};
use crate::read::resolve_image;
use crate::tables::WriteTables;
use crate::write::put::{Change, Taking};

/// What is done with the names that a caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameChange {
    /// They become the names of the image.
    Set,
    /// They are put in front of its names.
    Add,
    /// They are taken from its names.
    Remove,
}

/// Changes the names of an image. A name that another image has is taken from it, and all names
/// that the image then has move to the front of its history.
///
/// Mirrors `imageStore.updateNames` and `applyNameOperation` of the legacy store.
pub(crate) fn change_names(
    tables: &mut WriteTables<'_>,
    reference: &str,
    change: NameChange,
    names: Vec<String>,
) -> Outcome<()> {
    let (number, before) = resolve_image(tables, reference)?;
    let held = before.names.iter().cloned();
    let mut after = before.clone();
    after.names = match change {
        NameChange::Set => dedupe(names),
        NameChange::Add => dedupe(names.into_iter().chain(held)),
        NameChange::Remove => {
            let names: HashSet<_> = names.into_iter().collect();
            dedupe(held.filter(|name| !names.contains(name)))
        }
    };
    limits::check_names(&after.names)?;
    after.move_names_to_history();
    let taking = Taking::of(tables, &after.names, Some(number))?;
    let change = Change::replacement(number, before, after)?;
    taking.write(tables)?;
    change.write(tables)?;
    Ok(())
}
