//! Whether an image can be added to the store that is merged into.

use std::collections::HashSet;

use serde_json::Value;

use super::choices::OnConflict;
use super::superseded::Superseded;
use crate::error::Result;
use crate::legacy::json::as_engines_keep;
use crate::legacy::{Finding, Resolution};
use crate::model::{Image, Timestamp};
use crate::read::{Source as _, image_with_id, image_with_name};
use crate::store::Snapshot;

/// Compares images with the state of the store before the merge.
#[derive(Debug)]
pub(super) struct Merge {
    base: Snapshot,
    on_conflict: OnConflict,
    superseded: Superseded,
}

/// What becomes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is new.
    Add,
    /// It takes the place of an image of the store.
    Replace,
    /// The store has it as it is.
    Unchanged,
    /// A later record has its ID.
    Superseded,
    /// The store keeps another image with its ID.
    Kept,
    /// It cannot be decided; the merge will fail.
    Undecided,
}

impl Merge {
    pub(super) const fn new(
        base: Snapshot,
        on_conflict: OnConflict,
        superseded: Superseded,
    ) -> Self {
        Self {
            base,
            on_conflict,
            superseded,
        }
    }

    /// Decides about `image`, whose record begins at `offset`, and takes off it the names that stay
    /// with other images.
    pub(super) fn judge(
        &mut self,
        offset: Option<u64>,
        image: &mut Image,
        findings: &mut Vec<Finding>,
    ) -> Result<Verdict> {
        let recorded_names = image.names.clone();
        if let Some(offset) = offset
            && let Some(later) = self.superseded.take_off(offset, image, findings)
        {
            findings.push(Finding::DuplicateId {
                id: image.id.clone(),
                offset: later,
            });
            return Ok(Verdict::Superseded);
        }
        let existing = self.base.view(|tables| image_with_id(tables, &image.id))?;
        let mut verdict = Verdict::Add;
        if let Some(existing) = existing {
            // A name that a later record has too stayed here if that was left out as damaged.
            let may_be =
                |name: &&String| image.names.contains(name) || existing.names.contains(name);
            if existing.names != image.names
                && recorded_names.iter().filter(may_be).eq(&existing.names)
            {
                image.names.clone_from(&existing.names);
            }
            let fields = differences(&existing, image);
            if fields.is_empty() {
                return Ok(Verdict::Unchanged);
            }
            findings.push(Finding::ImageConflict {
                id: image.id.clone(),
                fields,
                resolution: self.resolution(),
            });
            verdict = match self.on_conflict {
                OnConflict::Fail => Verdict::Undecided,
                OnConflict::Keep => return Ok(Verdict::Kept),
                OnConflict::Replace => Verdict::Replace,
            };
        }
        let mut kept = HashSet::new();
        for name in &image.names {
            let Some(holder) = self.holder(name)?.filter(|holder| *holder != image.id) else {
                continue;
            };
            if kept.insert(name.clone()) {
                findings.push(Finding::NameConflict {
                    name: name.clone(),
                    id: image.id.clone(),
                    holder,
                    resolution: self.resolution(),
                });
            }
        }
        match self.on_conflict {
            OnConflict::Fail if !kept.is_empty() => verdict = Verdict::Undecided,
            OnConflict::Keep => image.names.retain(|name| !kept.contains(name)),
            OnConflict::Fail | OnConflict::Replace => {}
        }
        Ok(verdict)
    }

    /// The ID of the image of the store that had this name before the merge.
    pub(super) fn holder(&self, name: &str) -> Result<Option<String>> {
        let holder = self.base.view(|tables| image_with_name(tables, name))?;
        Ok(holder.map(|holder| holder.id))
    }

    const fn resolution(&self) -> Resolution {
        match self.on_conflict {
            OnConflict::Fail => Resolution::None,
            OnConflict::Keep => Resolution::Keep,
            OnConflict::Replace => Resolution::Replace,
        }
    }
}

/// The fields of `images.json` in which two images differ. What an engine makes of them when it writes
/// them anew is no difference.
pub(super) fn differences(one: &Image, other: &Image) -> Vec<&'static str> {
    [
        ("digest", one.digest == other.digest),
        ("names", one.names == other.names),
        ("names-history", one.names_history == other.names_history),
        ("layer", one.top_layer == other.top_layer),
        (
            "mapped-layers",
            one.mapped_top_layers == other.mapped_top_layers,
        ),
        ("metadata", one.metadata == other.metadata),
        ("big-data-names", one.big_data_names == other.big_data_names),
        ("big-data", one.big_data == other.big_data),
        ("created", date(one) == date(other)),
        ("flags", flags(one).eq(flags(other))),
        ("unknown fields", one.unknown_fields == other.unknown_fields),
    ]
    .into_iter()
    .filter(|(_, is_equal)| !is_equal)
    .map(|(field, _)| field)
    .collect()
}

/// An engine writes its zero date for none.
fn date(image: &Image) -> Timestamp {
    image.created.unwrap_or(Timestamp::ZERO)
}

fn flags(image: &Image) -> impl Iterator<Item = (&String, Value)> {
    let flags = image.flags.iter();
    flags.map(|(flag, value)| (flag, as_engines_keep(value.clone())))
}
