//! Storage that counts what the engine asks of the disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

/// What was asked since the last [`take`](Counts::take).
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    syncs: AtomicU64,
    writes: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// Syncs, writes and bytes written, which are counted from zero again.
    pub fn take(&self) -> (u64, u64, u64) {
        let taken = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (
            taken(&self.0.syncs),
            taken(&self.0.writes),
            taken(&self.0.bytes),
        )
    }

    /// Counts what is asked of `inner`.
    pub fn on(&self, inner: FileBackend) -> Counted {
        Counted {
            inner,
            counts: self.clone(),
        }
    }
}

/// A file of which what is asked is counted.
#[derive(Debug)]
pub struct Counted {
    inner: FileBackend,
    counts: Counts,
}

impl StorageBackend for Counted {
    fn sync_data(&self) -> io::Result<()> {
        self.counts.0.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.counts.0.writes.fetch_add(1, Ordering::Relaxed);
        let length = data.len() as u64;
        self.counts.0.bytes.fetch_add(length, Ordering::Relaxed);
        self.inner.write(offset, data)
    }
    image_store::passes_on!(inner: len, read, set_len, close, locks);
}
