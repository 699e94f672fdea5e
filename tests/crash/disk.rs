//! A disk in memory, and what a power cut may leave of what was written to it.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use redb::{BackendError, StorageBackend};

use crate::place::Files;

/// The storage of one process: the file of a store, and the redo log beside it. Its locks always
/// succeed.
#[derive(Clone, Debug)]
pub struct Disk {
    inner: Arc<Mutex<Inner>>,
    part: Part,
}

/// A file of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Store,
    Redo,
}

/// The bytes of both files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    pub store: Vec<u8>,
    pub redo: Vec<u8>,
}

impl Bytes {
    pub fn of_store(store: Vec<u8>) -> Self {
        let redo = Vec::new();
        Self { store, redo }
    }

    fn part(&mut self, part: Part) -> &mut Vec<u8> {
        match part {
            Part::Store => &mut self.store,
            Part::Redo => &mut self.redo,
        }
    }
}

#[derive(Default)]
struct Inner {
    bytes: Bytes,
    log: Option<Vec<Event>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.store.len())
    }
}

/// What happened to a disk.
#[derive(Clone, Debug)]
pub enum Event {
    Write(Part, usize, Arc<[u8]>),
    SetLen(Part, usize),
    /// Everything before it in this file is on disk.
    Sync(Part),
    /// So many operations had been acknowledged.
    Acknowledged(usize),
}

impl Disk {
    pub fn new(bytes: Bytes) -> Self {
        Self::with(bytes, None)
    }

    /// A disk that remembers what happens to it.
    pub fn recording(bytes: Bytes) -> Self {
        Self::with(bytes, Some(Vec::new()))
    }

    fn with(bytes: Bytes, log: Option<Vec<Event>>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner { bytes, log })),
            part: Part::Store,
        }
    }

    pub fn record(&self, event: Event) {
        self.inner.lock().unwrap().log.as_mut().unwrap().push(event);
    }

    pub fn take_log(&self) -> Vec<Event> {
        self.inner.lock().unwrap().log.take().unwrap()
    }

    fn happen(&self, event: Event) -> io::Result<()> {
        self.inner.lock().unwrap().happen(event);
        Ok(())
    }
}

impl Files for Disk {
    type File = Self;

    fn file(&self, part: Part) -> Self {
        let inner = Arc::clone(&self.inner);
        Self { inner, part }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner.lock().unwrap().bytes.part(self.part).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap();
        let offset = offset as usize;
        let bytes = inner.bytes.part(self.part).get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.happen(Event::SetLen(self.part, len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.happen(Event::Sync(self.part))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.happen(Event::Write(self.part, offset as usize, data.into()))
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
    fn apply(&self, bytes: &mut Bytes) {
        match self {
            Self::Write(part, offset, data) => put(bytes.part(*part), *offset, data),
            Self::SetLen(part, len) => bytes.part(*part).resize(*len, 0),
            Self::Sync(_) | Self::Acknowledged(_) => {}
        }
    }

    fn is_of(&self, which: Part) -> bool {
        matches!(self, Self::Write(part, ..) | Self::SetLen(part, _) if *part == which)
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
    pub durable: Arc<Bytes>,
    /// What was written since the last sync of its file, in that order.
    pub pending: Vec<Event>,
    /// How many operations were acknowledged.
    pub acknowledged: usize,
}

/// The moments just before a sync ends, when most is not yet on disk, and just after an operation
/// was acknowledged.
pub fn moments(start: Bytes, log: &[Event]) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut bytes = start.clone();
    let mut durable = Arc::new(start);
    let mut pending = Vec::new();
    let mut acknowledged = 0;
    for (index, event) in log.iter().enumerate() {
        let mut moment = |pending: &Vec<Event>, durable: &Arc<Bytes>, acknowledged| {
            moments.push(Moment {
                event: index,
                durable: Arc::clone(durable),
                pending: pending.clone(),
                acknowledged,
            });
        };
        match event {
            Event::Sync(part) => {
                moment(&pending, &durable, acknowledged);
                pending.retain(|event| !event.is_of(*part));
                let mut synced = Bytes::clone(&durable);
                synced.part(*part).clone_from(bytes.part(*part));
                durable = Arc::new(synced);
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
        let long = |event: &Event| matches!(event, Event::Write(_, _, data) if data.len() > SECTOR);
        self.pending.iter().any(long)
    }

    /// The disk after the power was cut.
    pub fn image(&self, cut: Cut) -> Bytes {
        let mut bytes = Bytes::clone(&self.durable);
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
            Cut::Random(seed) => {
                let mut random = StdRng::seed_from_u64(seed);
                for part in [Part::Store, Part::Redo] {
                    self.random(part, bytes.part(part), &mut random);
                }
            }
        }
        bytes
    }

    /// Changes of the length reach a disk in their order, since file systems keep them in a
    /// journal; writes between two of them in any order, and each in any of its sectors.
    fn random(&self, part: Part, bytes: &mut Vec<u8>, random: &mut StdRng) {
        let pending: Vec<&Event> = self.pending.iter().filter(|e| e.is_of(part)).collect();
        let lengths = |event: &&&Event| matches!(event, Event::SetLen(..));
        let mut surviving = random.random_range(0..=pending.iter().filter(lengths).count());
        let kept = [0.1, 0.5, 0.9][random.random_range(0..3)];
        let torn = [0.0, 0.3, 1.0][random.random_range(0..3)];
        let ordered = random.random_bool(0.3);
        // A write beyond the end either makes the file longer, or goes with the lost length.
        let extends = random.random_bool(0.5);
        for group in pending.chunk_by(|_, next| !matches!(next, Event::SetLen(..))) {
            let mut writes: Vec<&Event> = group.to_vec();
            if let Some(Event::SetLen(_, len)) = group.first() {
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
                let Event::Write(_, offset, data) = event else {
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
