//! How processes share a store.

/// How processes share a store. Programs that have one file open at the same time must agree: a
/// shared and an exclusive writer refuse each other with [`Error::Busy`](crate::Error::Busy).
///
/// # Examples
///
/// ```
/// use image_store::{Access, ImageStore};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("images.redb");
/// let daemon = ImageStore::options().access(Access::Exclusive).open(&path)?;
/// daemon.close();
///
/// let tool = ImageStore::options().access(Access::ReadOnly).open(path)?;
/// assert!(tool.is_read_only());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Any number of processes read and write. Readers never wait for writers, and one transaction
    /// writes at a time. A commit syncs the file twice.
    #[default]
    Shared,
    /// This process alone has the store open. For one daemon that serves all others.
    ///
    /// Small transactions are made durable by a short log beside the store, `<store>-redo`, in one
    /// sync; it is folded into the store's file now and then, and when the store is closed. After a
    /// crash whoever opens the store next does that, so until then both files belong together.
    ///
    /// The first lookup after many mutations takes some milliseconds at most, and may wait for those of
    /// other threads that are under way, which end with one commit. It never waits for a
    /// [`Transaction`](crate::Transaction), or for an image with more than a megabyte of items.
    Exclusive,
    /// Any number of processes read, beside those that write with [`Access::Shared`]. Neither the
    /// file nor its folder is written to; only where the last writer died or was of an older
    /// version, whose schema is brought to that of this one, is the file mended first, if this process
    /// may write to it.
    ReadOnly,
}
