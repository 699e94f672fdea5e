//! How far an import is.

/// How far an import is. Where it is verified, that counts from 0 again.
///
/// # Examples
///
/// See [`ImportOptions::on_progress`](super::ImportOptions::on_progress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportProgress {
    /// The size of `images.json` in bytes.
    pub records_size: u64,
    /// How many of its bytes were read.
    pub record_bytes: u64,
    /// How many records were looked at.
    pub images: u64,
    /// How many items were read: those that have bytes.
    pub items: u64,
    /// How many bytes of items were read.
    pub item_bytes: u64,
    /// What it is about.
    pub stage: ImportStage,
}

/// What an import is about.
///
/// # Examples
///
/// See [`ImportOptions::on_progress`](super::ImportOptions::on_progress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImportStage {
    /// Records and items are read, and put into the store.
    #[default]
    Reading,
    /// All is read, and is brought to the disk. What is verified takes the place of the store
    /// before only then, and so comes here twice.
    Writing,
    /// What was written is read back and compared with the source.
    Verifying,
}
