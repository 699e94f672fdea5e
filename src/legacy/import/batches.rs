//! The records of a source as batches, each of which one worker prepares.

use std::fs::File;
use std::ops::Range;

use crate::legacy::json::{Element, JsonError, Lost, Position, Salvaged, Salvager, Splitter};

/// A batch ends after so many records, or so many bytes of them.
const RECORDS: usize = 64;
const BYTES: usize = 256 << 10;

/// Some records in their order, as text.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    pieces: Vec<Piece>,
    /// How many bytes of the source were read when it was made.
    pub(super) read: u64,
}

#[derive(Debug)]
enum Piece {
    Record(Position, Range<usize>),
    Lost(Lost),
    Failed(JsonError),
}

/// One thing of a batch.
pub(super) enum Next<'a> {
    Record(Element<'a>),
    /// A stretch that was passed over.
    Lost(Lost),
    /// The text cannot be read on.
    Failed(JsonError),
}

impl Batch {
    fn push(&mut self, element: Element<'_>) {
        let begin = self.text.len();
        self.text.extend_from_slice(element.bytes);
        let range = begin..self.text.len();
        self.pieces.push(Piece::Record(element.position, range));
    }

    fn is_full(&self) -> bool {
        self.pieces.len() >= RECORDS || self.text.len() >= BYTES
    }

    /// What is in it, in order.
    pub(super) fn into_each(self, mut each: impl FnMut(Next<'_>)) {
        for piece in self.pieces {
            match piece {
                Piece::Record(position, range) => {
                    let bytes = self.text.get(range).unwrap_or_default();
                    each(Next::Record(Element { position, bytes }));
                }
                Piece::Lost(lost) => each(Next::Lost(lost)),
                Piece::Failed(error) => each(Next::Failed(error)),
            }
        }
    }
}

/// Cuts the text of `images.json` into batches.
pub(super) struct Batches {
    reader: Reader,
    ended: bool,
    /// The length of the last batch, which the next will be like.
    length: usize,
}

enum Reader {
    Strict(Splitter<File>),
    Salvaging(Salvager<File>),
}

impl Batches {
    pub(super) fn new(records: File, salvage: bool) -> Self {
        let reader = if salvage {
            Reader::Salvaging(Salvager::new(records))
        } else {
            Reader::Strict(Splitter::new(records))
        };
        Self {
            reader,
            ended: false,
            length: 0,
        }
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.ended {
            return None;
        }
        let mut batch = Batch::default();
        batch.text.reserve(self.length + self.length / 8);
        while !self.ended && !batch.is_full() {
            self.ended = match self.reader.take_into(&mut batch) {
                Ok(more) => !more,
                Err(error) => {
                    batch.pieces.push(Piece::Failed(error));
                    true
                }
            };
        }
        self.length = batch.text.len();
        batch.read = self.reader.offset();
        Some(batch)
    }
}

impl Reader {
    /// Adds what comes next to `batch`; false at the end.
    fn take_into(&mut self, batch: &mut Batch) -> Result<bool, JsonError> {
        match self {
            Self::Strict(splitter) => match splitter.next()? {
                Some(element) => batch.push(element),
                None => return Ok(false),
            },
            Self::Salvaging(salvager) => match salvager.next()? {
                Some(Salvaged::Record(element)) => batch.push(element),
                Some(Salvaged::Lost(lost)) => batch.pieces.push(Piece::Lost(lost)),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    const fn offset(&self) -> u64 {
        match self {
            Self::Strict(splitter) => splitter.offset(),
            Self::Salvaging(salvager) => salvager.offset(),
        }
    }
}
