//! Pauses between attempts at what another process holds.

use std::time::{Duration, Instant};

/// How long is paused between attempts to open, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));

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
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>());
        self.next = (self.next * 2).min(PAUSES.1);
        Some(pause)
    }
}
