//! How long others are waited for.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::store::pauses::Pauses;

/// No wait is longer, in a hundred years: what the clock cannot count to is meant to be for ever.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// When a wait began, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitLimit {
    begun: Instant,
    deadline: Instant,
}

impl WaitLimit {
    /// The limit of a wait that begins now.
    pub(crate) fn from_now(limit: Duration) -> Self {
        let begun = Instant::now();
        let deadline = begun.checked_add(limit.min(LONGEST)).unwrap_or(begun);
        Self { begun, deadline }
    }

    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long may still be waited.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long was waited.
    pub(crate) fn waited(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Pauses between attempts, as long as it may be waited.
    pub(crate) const fn pauses(&self) -> Pauses {
        Pauses::until(self.deadline)
    }

    /// That others had the store at `path` for all this time.
    pub(crate) fn busy(&self, path: &Path) -> Error {
        Error::Busy {
            path: path.to_owned(),
            waited: self.waited(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST, WaitLimit};

    #[test]
    fn for_ever_is_longer_than_anybody_waits() {
        let wait = WaitLimit::from_now(Duration::MAX);
        assert!(wait.left() > LONGEST / 2);
        assert!(wait.waited() < LONGEST / 2);
        assert!(wait.pauses().take(100).count() == 100);
    }

    #[test]
    fn a_wait_of_nothing_is_one_attempt() {
        let wait = WaitLimit::from_now(Duration::ZERO);
        assert_eq!(wait.left(), Duration::ZERO);
        assert_eq!(wait.pauses().count(), 1);
    }
}
