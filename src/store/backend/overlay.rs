//! What is written is kept in memory; the file below stays as it is.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::StorageBackend;

/// What is kept of writes comes in pieces of this many bytes: the pages of the engine.
pub(in crate::store) const PAGE: usize = 4_096;

/// The beginning of the file, which every commit, every recovery, and every open and close of a
/// writer changes.
const HEADER: usize = 512;

/// Storage that reads through to a file and keeps in memory what is written, so that the engine can
/// recover and check a file that must not change. It takes the memory of the pages that are
/// written: of the whole file that is what the engine notes of its allocations.
///
/// It answers no lock, and its length is that of the file when it was made: whoever lets the engine
/// loose on it sees to it that nobody writes to the file, or asks [`moved_on`](Self::moved_on)
/// afterwards. Clones are the same storage.
#[derive(Debug)]
pub(in crate::store) struct Overlay<B: StorageBackend>(Arc<Inner<B>>);

#[derive(Debug)]
struct Inner<B: StorageBackend> {
    below: B,
    header: [u8; HEADER],
    pages: RwLock<Pages>,
    bytes_read: AtomicU64,
}

#[derive(Debug)]
struct Pages {
    length: u64,
    /// From here on the storage was cut off once, or is longer than the file: what was not written
    /// is zero.
    cut: u64,
    written: HashMap<u64, Box<[u8; PAGE]>>,
}

impl<B: StorageBackend> Overlay<B> {
    pub(in crate::store) fn on(below: B) -> io::Result<Self> {
        let length = below.len()?;
        Ok(Self(Arc::new(Inner {
            header: header(&below, length)?,
            below,
            pages: RwLock::new(Pages {
                length,
                cut: length,
                written: HashMap::new(),
            }),
            bytes_read: AtomicU64::new(0),
        })))
    }

    /// Whether somebody committed to the file, or opened or closed it to write, since this was made.
    ///
    /// Until then the pages of the state that the file had are as they were: a writer puts nothing
    /// in the place of what the last commit refers to.
    pub(in crate::store) fn moved_on(&self) -> io::Result<bool> {
        let length = self.0.below.len()?;
        Ok(header(&self.0.below, length)? != self.0.header)
    }

    /// How many bytes were read so far.
    pub(in crate::store) fn bytes_read(&self) -> u64 {
        self.0.bytes_read.load(Ordering::Relaxed)
    }

    /// How many bytes of what was written are kept.
    pub(in crate::store) fn bytes_kept(&self) -> usize {
        self.0.pages().written.len() * PAGE
    }
}

impl<B: StorageBackend> Clone for Overlay<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The header of a file; zeroes where it is shorter.
fn header(file: &impl StorageBackend, length: u64) -> io::Result<[u8; HEADER]> {
    let mut header = [0; HEADER];
    let there = usize::try_from(length).map_or(HEADER, |length| length.min(HEADER));
    if let Some(there) = header.get_mut(..there) {
        file.read(0, there)?;
    }
    Ok(header)
}

impl<B: StorageBackend> Inner<B> {
    fn pages(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages_mut(&self) -> RwLockWriteGuard<'_, Pages> {
        self.pages.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what was never written.
    fn read_below(&self, cut: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = cut.saturating_sub(offset);
        let there = usize::try_from(there).map_or(out.len(), |there| there.min(out.len()));
        let (there, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        if there.is_empty() {
            return Ok(());
        }
        self.below.read(offset, there)
    }
}

impl<B: StorageBackend> Drop for Inner<B> {
    fn drop(&mut self) {
        // Not when the engine closes it: it may still be asked whether the file moved on.
        if let Err(error) = self.below.close() {
            tracing::debug!(%error, "closing the file below an overlay failed");
        }
    }
}

impl<B: StorageBackend> StorageBackend for Overlay<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.pages().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let pages = self.0.pages();
        if offset.saturating_add(out.len() as u64) > pages.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0
            .bytes_read
            .fetch_add(out.len() as u64, Ordering::Relaxed);
        if pages.written.is_empty() {
            return self.0.read_below(pages.cut, offset, out);
        }
        // What lies between two written pages is read at once.
        let mut done = 0;
        let mut unread = 0;
        for (page, place) in pieces(offset, out.len()) {
            let end = done + place.len();
            if let Some(bytes) = pages.written.get(&page) {
                if let Some(gap) = out.get_mut(unread..done) {
                    self.0.read_below(pages.cut, offset + unread as u64, gap)?;
                }
                if let (Some(out), Some(bytes)) = (out.get_mut(done..end), bytes.get(place)) {
                    out.copy_from_slice(bytes);
                }
                unread = end;
            }
            done = end;
        }
        match out.get_mut(unread..) {
            Some(gap) => self.0.read_below(pages.cut, offset + unread as u64, gap),
            None => Ok(()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut pages = self.0.pages_mut();
        if length < pages.length {
            pages.cut = pages.cut.min(length);
            let page = PAGE as u64;
            pages.written.retain(|number, _| *number * page < length);
            let kept = usize::try_from(length % page).unwrap_or_default();
            if let Some(last) = pages.written.get_mut(&(length / page))
                && let Some(beyond) = last.get_mut(kept..)
            {
                beyond.fill(0);
            }
        }
        pages.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut pages = self.0.pages_mut();
        if offset.saturating_add(data.len() as u64) > pages.length {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut rest = data;
        for (page, place) in pieces(offset, data.len()) {
            let Some((piece, more)) = rest.split_at_checked(place.len()) else {
                break;
            };
            rest = more;
            if !pages.written.contains_key(&page) {
                let mut bytes = Box::new([0; PAGE]);
                if piece.len() < PAGE {
                    let start = page * PAGE as u64;
                    self.0.read_below(pages.cut, start, &mut bytes[..])?;
                }
                pages.written.insert(page, bytes);
            }
            let bytes = pages.written.get_mut(&page);
            if let Some(place) = bytes.and_then(|bytes| bytes.get_mut(place)) {
                place.copy_from_slice(piece);
            }
        }
        Ok(())
    }
}

/// The pages that `length` bytes from `offset` on lie in, and where in each.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut offset = offset;
    let mut left = length;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let page = offset / PAGE as u64;
        let start = usize::try_from(offset % PAGE as u64).unwrap_or_default();
        let count = left.min(PAGE - start);
        offset += count as u64;
        left -= count;
        Some((page, start..start + count))
    })
}

#[cfg(test)]
mod tests;
