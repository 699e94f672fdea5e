//! A disk in memory, and what a power cut may leave of what was written to it.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use redb::{BackendError, StorageBackend};

/// The storage of one process: its locks always succeed.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    bytes: Vec<u8>,
    log: Option<Vec<Event>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// What happened to a disk.
#[derive(Clone, Debug)]
pub enum Event {
    Write(usize, Arc<[u8]>),
    SetLen(usize),
    /// Everything before it is on disk.
    Sync,
    /// So many operations had been acknowledged.
    Acknowledged(usize),
}

impl Disk {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Inner { bytes, log: None })))
    }

    /// A disk that remembers what happens to it.
    pub fn recording(bytes: Vec<u8>) -> Self {
        let log = Some(Vec::new());
        Self(Arc::new(Mutex::new(Inner { bytes, log })))
    }

    pub fn record(&self, event: Event) {
        self.0.lock().unwrap().log.as_mut().unwrap().push(event);
    }

    pub fn take_log(&self) -> Vec<Event> {
        self.0.lock().unwrap().log.take().unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.0.lock().unwrap();
        let offset = offset as usize;
        let bytes = inner.bytes.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().happen(Event::SetLen(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.lock().unwrap().happen(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let event = Event::Write(offset as usize, data.into());
        self.0.lock().unwrap().happen(event);
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

impl Inner {
    fn happen(&mut self, event: Event) {
        event.apply(&mut self.bytes);
        if let Some(log) = &mut self.log {
            log.push(event);
        }
    }
}

impl Event {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => put(bytes, *offset, data),
            Self::SetLen(len) => bytes.resize(*len, 0),
            Self::Sync | Self::Acknowledged(_) => {}
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(data);
}

/// A moment at which the power may be cut.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Its place in the log.
    pub event: usize,
    /// What is on disk for certain.
    pub durable: Arc<Vec<u8>>,
    /// What was written since the last sync, in that order.
    pub pending: Vec<Event>,
    /// How many operations were acknowledged.
    pub acknowledged: usize,
}

/// The moments just before a sync ends, when most is not yet on disk, and just after an operation
/// was acknowledged.
pub fn moments(start: Vec<u8>, log: &[Event]) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut bytes = start.clone();
    let mut durable = Arc::new(start);
    let mut pending = Vec::new();
    let mut acknowledged = 0;
    for (index, event) in log.iter().enumerate() {
        let mut moment = |pending: &Vec<Event>, durable: &Arc<Vec<u8>>, acknowledged| {
            moments.push(Moment {
                event: index,
                durable: Arc::clone(durable),
                pending: pending.clone(),
                acknowledged,
            });
        };
        match event {
            Event::Sync => {
                moment(&pending, &durable, acknowledged);
                pending.clear();
                durable = Arc::new(bytes.clone());
            }
            Event::Acknowledged(operations) => {
                acknowledged = *operations;
                moment(&pending, &durable, acknowledged);
            }
            written => {
                written.apply(&mut bytes);
                pending.push(written.clone());
            }
        }
    }
    moments
}

/// What the power cut does to what was not synced.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Nothing of it arrived.
    None,
    /// All of it arrived.
    All,
    /// All but one.
    Without(usize),
    /// One alone.
    Only(usize),
    /// Some, whole or in sectors, in any order.
    Random(u64),
}

/// The unit in which a disk writes at once.
const SECTOR: usize = 512;

impl Moment {
    /// `count` ways in which the power may be cut at this moment, all of the plain ones first.
    pub fn cuts(&self, count: usize, seed: u64) -> Vec<Cut> {
        let mut cuts = vec![Cut::None];
        if !self.pending.is_empty() {
            cuts.push(Cut::All);
        }
        if self.pending.len() > 1 && self.pending.len() * 3 <= count {
            cuts.extend((0..self.pending.len()).flat_map(|i| [Cut::Without(i), Cut::Only(i)]));
        }
        if self.pending.len() > 1 || self.is_long() {
            let missing = count.saturating_sub(cuts.len()) as u64;
            let first = seed ^ ((self.event as u64) << 32);
            cuts.extend((0..missing).map(|n| Cut::Random(first.wrapping_add(n))));
        }
        cuts
    }

    fn is_long(&self) -> bool {
        let long = |event: &Event| matches!(event, Event::Write(_, data) if data.len() > SECTOR);
        self.pending.iter().any(long)
    }

    /// The disk after the power was cut.
    pub fn image(&self, cut: Cut) -> Vec<u8> {
        let mut bytes = self.durable.to_vec();
        match cut {
            Cut::None => {}
            Cut::All => self
                .pending
                .iter()
                .for_each(|event| event.apply(&mut bytes)),
            Cut::Without(missing) => {
                let kept = self
                    .pending
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| *i != missing);
                kept.for_each(|(_, event)| event.apply(&mut bytes));
            }
            Cut::Only(one) => self.pending[one].apply(&mut bytes),
            Cut::Random(seed) => self.random(&mut bytes, &mut StdRng::seed_from_u64(seed)),
        }
        bytes
    }

    /// Changes of the length reach a disk in their order, since file systems keep them in a
    /// journal; writes between two of them in any order, and each in any of its sectors.
    fn random(&self, bytes: &mut Vec<u8>, random: &mut StdRng) {
        let lengths = |event: &&Event| matches!(event, Event::SetLen(_));
        let mut surviving = random.random_range(0..=self.pending.iter().filter(lengths).count());
        let kept = [0.1, 0.5, 0.9][random.random_range(0..3)];
        let torn = [0.0, 0.3, 1.0][random.random_range(0..3)];
        let ordered = random.random_bool(0.3);
        // A write beyond the end either makes the file longer, or goes with the lost length.
        let extends = random.random_bool(0.5);
        for group in self
            .pending
            .chunk_by(|_, next| !matches!(next, Event::SetLen(_)))
        {
            let mut writes: Vec<&Event> = group.iter().collect();
            if let Some(Event::SetLen(len)) = group.first() {
                writes.remove(0);
                if surviving > 0 {
                    surviving -= 1;
                    bytes.resize(*len, 0);
                }
            }
            if !ordered {
                writes.shuffle(random);
            }
            for event in writes {
                let Event::Write(offset, data) = event else {
                    continue;
                };
                if !random.random_bool(kept) || (!extends && offset + data.len() > bytes.len()) {
                    continue;
                }
                let is_torn = random.random_bool(torn);
                for (sector, part) in data.chunks(SECTOR).enumerate() {
                    if !is_torn || random.random_bool(0.5) {
                        put(bytes, offset + sector * SECTOR, part);
                    }
                }
            }
        }
    }
}
