//! Random bytes, which only the system gives.
//!
//! A generator of the thread would be faster, and would be wrong twice: a forked process goes on with
//! a copy of it and draws what its parent draws, and it is gone while the values of a thread that ends
//! are dropped.

use std::io;

use rand::TryRng as _;
use rand::rngs::SysRng;

/// As many random bytes.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}
