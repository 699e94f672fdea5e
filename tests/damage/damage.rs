//! Ways in which a file gets damaged.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PAGE: usize = 4_096;

/// The bytes of a file with damage that follows from `seed` alone.
pub fn damage(original: &[u8], seed: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = original.to_vec();
    let pages = bytes.len() / PAGE;
    match seed % 8 {
        // One flipped bit, anywhere.
        0 | 1 => {
            let bit = random.random_range(0..bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        // Several flipped bits, near each other.
        2 => {
            let start = random.random_range(0..bytes.len() - 64);
            for _ in 0..random.random_range(2..20) {
                let at = start + random.random_range(0..64);
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        }
        // A page that was never written.
        3 => {
            let page = random.random_range(0..pages);
            bytes[page * PAGE..(page + 1) * PAGE].fill(0);
        }
        // A file that lost its end.
        4 => bytes.truncate(random.random_range(0..original.len())),
        // Two pages in each other's place.
        5 => {
            let (one, other) = (random.random_range(0..pages), random.random_range(0..pages));
            let first = original[one * PAGE..(one + 1) * PAGE].to_vec();
            let second = original[other * PAGE..(other + 1) * PAGE].to_vec();
            bytes[one * PAGE..(one + 1) * PAGE].copy_from_slice(&second);
            bytes[other * PAGE..(other + 1) * PAGE].copy_from_slice(&first);
        }
        // Random bytes over a stretch.
        6 => {
            let length = random.random_range(1..2 * PAGE);
            let start = random.random_range(0..bytes.len() - length);
            random.fill(&mut bytes[start..start + length]);
        }
        // The header and the first pages, where a little damage goes a long way.
        _ => {
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..2 * PAGE);
                bytes[at] = random.random();
            }
        }
    }
    bytes
}
