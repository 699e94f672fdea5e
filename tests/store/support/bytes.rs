//! Item bytes of every size, that compress and that do not.

use std::io::{self, Read};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// Bytes that no encoder makes shorter; the same for the same seed.
pub(crate) fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SmallRng::seed_from_u64(seed).fill(bytes.as_mut_slice());
    bytes
}

/// Bytes that compress well, but no two stretches of them are the same.
pub(crate) fn text_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    for line in 0_u64.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend_from_slice(format!("{seed} layer {line} of many\n").as_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Yields `bytes` in reads of odd lengths, then ends, or fails where `fails` is set.
#[derive(Debug)]
pub(crate) struct Dribble<'a> {
    bytes: &'a [u8],
    fails: bool,
    next: usize,
}

impl<'a> Dribble<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            fails: false,
            next: 0,
        }
    }

    /// Fails after `bytes`.
    pub(crate) const fn failing(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            fails: true,
            next: 0,
        }
    }
}

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const LENGTHS: [usize; 6] = [1, 4_099, 3, 70_001, 8_192, 511];
        if self.bytes.is_empty() && self.fails {
            return Err(io::Error::other("the source broke"));
        }
        let length = LENGTHS[self.next % LENGTHS.len()];
        self.next += 1;
        let length = length.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

/// Reads to the end in reads of `length` bytes.
pub(crate) fn read_in_steps(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; length];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
