//! Pauses between attempts at what another process holds.

use std::time::{Duration, Instant};

use crate::random::random;

/// How long is paused between attempts to open, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));

/// Random numbers lie below this.
const SPAN: f64 = (1_u64 << 32) as f64;

/// Pauses that grow, with jitter so that processes do not stay in step, until a deadline. There is
/// one in any case: a caller that does not want to wait still wants to try.
pub(crate) struct Pauses {
    next: Duration,
    deadline: Instant,
    begun: bool,
}

impl Pauses {
    pub(crate) const fn until(deadline: Instant) -> Self {
        Self {
            next: PAUSES.0,
            deadline,
            begun: false,
        }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.begun && Instant::now() >= self.deadline {
            return None;
        }
        self.begun = true;
        // Without it, they stay in step at worst.
        let jitter = random().map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / SPAN);
        let pause = self.next.mul_f64(0.5 + jitter);
        self.next = (self.next * 2).min(PAUSES.1);
        Some(pause)
    }
}
