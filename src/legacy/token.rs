//! The token in `images.lock`, by which the legacy store notices that somebody else wrote.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::lock::Lock;
use crate::random::random;

/// How many bytes `images.lock` has once somebody wrote.
pub(crate) const TOKEN_SIZE: usize = 64;

/// Tells everybody who has read a directory before that it changed.
pub(crate) fn renew(lock: &Lock) -> io::Result<()> {
    lock.file().write_all_at(&fresh()?, 0)?;
    lock.file().sync_all()
}

/// A token that nobody had before.
///
/// Mirrors `newLastWrite` of the legacy store: the time in nanoseconds, a counter, the process ID,
/// all little-endian, and random bytes.
pub(crate) fn fresh() -> io::Result<[u8; TOKEN_SIZE]> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| since.as_nanos());
    // Wraps in the year 2554, as it does there.
    let now = u64::try_from(now & u128::from(u64::MAX)).unwrap_or_default();
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    let random: [u8; 44] = random()?;
    let bytes = now
        .to_le_bytes()
        .into_iter()
        .chain(counter.to_le_bytes())
        .chain(std::process::id().to_le_bytes())
        .chain(random);
    let mut token = [0; TOKEN_SIZE];
    for (to, from) in token.iter_mut().zip(bytes) {
        *to = from;
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::fresh;

    #[test]
    fn has_the_layout_of_the_legacy_store_and_is_never_the_same() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        assert!(number(&one[..8]) > 1_600_000_000_000_000_000);
        assert!(number(&other[8..16]) > number(&one[8..16]));
        assert_eq!(one[16..20], std::process::id().to_le_bytes());
        assert_ne!(one[20..], other[20..]);
    }
}
