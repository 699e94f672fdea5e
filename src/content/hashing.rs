//! Hashing bytes while something else reads them.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::model::ContentHash;

/// Hashes and counts what passes through.
pub(crate) struct Hashing<R> {
    input: R,
    hasher: Sha256,
    size: u64,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    /// The hash and the length of what was read.
    pub(crate) fn finish(self) -> (ContentHash, u64) {
        let hash = ContentHash::from_bytes(self.hasher.finalize().into());
        (hash, self.size)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if let Some(bytes) = buffer.get(..read) {
            self.hasher.update(bytes);
            self.size += read as u64;
        }
        Ok(read)
    }
}
