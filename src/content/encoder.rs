//! Encoding item bytes, on another thread where there are many.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::codec::Encoding;
use crate::content::encode::encode;
use crate::content::parts::{PartRow, part_rows};
use crate::engine::{Failure, Outcome, contain};
use crate::model::ContentHash;

/// Bytes of a content that has a number.
pub(super) struct Raw {
    pub(super) hash: ContentHash,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

/// What [`Raw`] bytes are encoded to.
pub(super) struct Ready {
    pub(super) hash: ContentHash,
    pub(super) encoding: Encoding,
    pub(super) parts: Vec<PartRow>,
}

impl Raw {
    pub(super) fn encode(self) -> Outcome<Ready> {
        let (encoding, encoded) = encode(&self.bytes)?;
        Ok(Ready {
            hash: self.hash,
            encoding,
            parts: part_rows(self.number, &encoded).collect(),
        })
    }
}

/// A thread that encodes while the one that creates images goes on: to compress a manifest and a
/// config takes as long as to write all that belongs to their image.
pub(super) struct Encoder {
    batches: Sender<Vec<Raw>>,
    ready: Receiver<Outcome<Vec<Ready>>>,
    /// How many batches are on their way.
    under_way: usize,
}

impl Encoder {
    /// Starts the thread, which ends with this; `None` where there is none to be had.
    pub(super) fn start() -> Option<Self> {
        let (batches, to_do) = mpsc::channel::<Vec<Raw>>();
        let (done, ready) = mpsc::channel();
        let work = move || {
            for batch in to_do {
                let encoded = contain(|| batch.into_iter().map(Raw::encode).collect());
                if done.send(encoded).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("image-store-encode".to_owned());
        thread.spawn(work).ok()?;
        Some(Self {
            batches,
            ready,
            under_way: 0,
        })
    }

    /// Gives the thread bytes to encode.
    pub(super) fn send(&mut self, batch: Vec<Raw>) -> Outcome<()> {
        self.batches.send(batch).map_err(|_| died())?;
        self.under_way += 1;
        Ok(())
    }

    /// Waits for the batch that was sent first of those that are on their way.
    pub(super) fn next(&mut self) -> Outcome<Option<Vec<Ready>>> {
        if self.under_way == 0 {
            return Ok(None);
        }
        self.under_way -= 1;
        self.ready.recv().map_err(|_| died())?.map(Some)
    }
}

fn died() -> Failure {
    Failure::corrupt("the thread that encodes items has died")
}
