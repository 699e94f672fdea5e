//! What an import does where it can do one thing or another.

/// What an import does where a store is at its destination already.
///
/// # Examples
///
/// See [`ImportOptions::existing`](super::ImportOptions::existing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// It ends with [`Error::AlreadyExists`](crate::Error::AlreadyExists).
    #[default]
    Refuse,
    /// The new store takes its place, whole; nothing of the old one is kept. What others write to
    /// the old one while the new one is built is lost.
    Replace,
    /// The images that it does not have are added to it, in one transaction.
    Merge(OnConflict),
}

/// What a merge does with an image that the store has with another content, and with a name that
/// another image of the store has.
///
/// # Examples
///
/// See [`ImportOptions::existing`](super::ImportOptions::existing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// All conflicts are told, and it ends with
    /// [`Error::MergeConflicts`](crate::Error::MergeConflicts).
    #[default]
    Fail,
    /// The store keeps its image, and its names stay where they are: an image whose name is taken
    /// is added without that name.
    Keep,
    /// The image of the directory takes the place of the store's and comes last in the order; its
    /// names are taken from the images that have them.
    Replace,
}

/// What an import does with damage; see [`Finding::is_damage`](crate::legacy::Finding::is_damage).
///
/// # Examples
///
/// See [`ImportOptions::on_damage`](super::ImportOptions::on_damage).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDamage {
    /// Damaged images are imported as far as they are there.
    #[default]
    Report,
    /// Damaged images are left out.
    Skip,
    /// All damage is told, and it ends with
    /// [`Error::LegacyDamage`](crate::Error::LegacyDamage).
    Fail,
}
