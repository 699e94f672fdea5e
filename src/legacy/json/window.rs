//! The part of a text that is in memory.

use std::io::{self, Read};

use super::error::{JsonError, JsonFault};
use super::position::Position;

/// How much is asked of the input at once; much more than a record usually has.
const CHUNK: usize = 1 << 20;

/// What was read of a text and not taken yet.
pub(super) struct Window<R> {
    input: R,
    /// What was read and not taken yet lies in `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The place of `start` in the text.
    at: Position,
    ended: bool,
}

impl<R: Read> Window<R> {
    pub(super) const fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at: Position::START,
            ended: false,
        }
    }

    /// The next byte that is not white space; the white space is taken.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, JsonError> {
        loop {
            let rest = self.rest();
            let found = rest
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            let blank = found.unwrap_or(rest.len());
            let byte = rest.get(blank).copied();
            self.take(blank);
            if byte.is_some() || self.ended {
                return Ok(byte);
            }
            self.fill()?;
        }
    }

    /// What was read and not taken yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, length: usize) {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at = self.at.after(taken);
        self.start += length;
    }

    /// Reads until at least `length` bytes are there or the text has ended.
    pub(super) fn fill_to(&mut self, length: usize) -> Result<(), JsonError> {
        while self.rest().len() < length && !self.ended {
            self.fill()?;
        }
        Ok(())
    }

    /// Reads once more.
    pub(super) fn fill(&mut self) -> Result<(), JsonError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK / 2 {
            let doubled = (self.buffer.len() * 2).max(CHUNK);
            self.buffer.resize(doubled, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.input.read(room) {
            Ok(0) => self.ended = true,
            Ok(read) => self.end += read.min(room.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return self.fill(),
            Err(error) => return Err(self.fault_in(self.rest().len(), JsonFault::Read(error))),
        }
        Ok(())
    }

    /// A fault here.
    pub(super) fn fault(&self, fault: JsonFault) -> JsonError {
        JsonError::new(self.at, fault)
    }

    /// A fault `length` bytes from here.
    pub(super) fn fault_in(&self, length: usize, fault: JsonFault) -> JsonError {
        let before = self.rest().get(..length).unwrap_or(self.rest());
        JsonError::new(self.at.after(before), fault)
    }
}

impl<R> Window<R> {
    /// The place of what was not taken yet.
    pub(super) const fn position(&self) -> Position {
        self.at
    }

    /// Whether there is no more to read.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Leaves what was not taken, and reads no more.
    pub(super) const fn close(&mut self) {
        self.ended = true;
        self.start = self.end;
    }

    /// The last bytes that were taken, as long as nothing more is read.
    pub(super) fn taken(&self, length: usize) -> &[u8] {
        let begin = self.start.saturating_sub(length);
        self.buffer.get(begin..self.start).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.len()
    }
}
