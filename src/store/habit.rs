//! How many callers a group of steps can expect, and how long it waits for them.
//!
//! Those whose steps were committed together come back at the same time with their next ones, a moment
//! after the next leader has begun. Without them the callers would fall into two halves that wait for
//! each other's commits.

use std::time::Duration;

/// The longest that a group waits: other processes do, too.
const LONGEST: Duration = Duration::from_millis(20);

/// So many groups do not wait after one that waited in vain.
const DISCOURAGED: u32 = 16;

/// What the leaders of a handle have seen.
#[derive(Debug, Default)]
pub(super) struct Habit {
    /// The callers at the end of the last group, those in it and those that waited.
    callers: usize,
    /// How long the last commit took, and the one before.
    commits: [Duration; 2],
    /// So many groups more do not wait.
    discouraged: u32,
}

impl Habit {
    /// Whether a group of so many members is likely to get more.
    pub(super) const fn expects_more_than(&self, members: usize) -> bool {
        members < self.callers && self.discouraged == 0
    }

    /// How long it is worth waiting: as long as the commit that a caller who comes too late would
    /// have to wait for. One commit may be slow for other reasons.
    pub(super) fn patience(&self) -> Duration {
        let [last, before] = self.commits;
        last.min(before).min(LONGEST)
    }

    /// A group ended with so many callers, whose commit took so long.
    pub(super) fn learn(&mut self, callers: usize, commit: Duration) {
        self.callers = callers;
        self.commits = [commit, self.commits[0]];
        self.discouraged = self.discouraged.saturating_sub(1);
    }

    /// Those who were expected did not come in time.
    pub(super) const fn waited_in_vain(&mut self) {
        self.discouraged = DISCOURAGED;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DISCOURAGED, Habit, LONGEST};

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(1);

    #[test]
    fn one_caller_is_never_waited_for() {
        let mut habit = Habit::default();
        assert!(!habit.expects_more_than(1));
        habit.learn(1, LONG);
        assert!(!habit.expects_more_than(1));
    }

    #[test]
    fn one_slow_commit_makes_nobody_wait_long() {
        let mut habit = Habit::default();
        habit.learn(2, SHORT);
        assert_eq!(habit.patience(), Duration::ZERO);
        habit.learn(2, LONG);
        assert_eq!(habit.patience(), SHORT);
        habit.learn(2, LONG);
        assert_eq!(habit.patience(), LONGEST);
    }

    #[test]
    fn after_waiting_in_vain_some_groups_do_not_wait() {
        let mut habit = Habit::default();
        habit.learn(2, SHORT);
        habit.waited_in_vain();
        for _ in 0..DISCOURAGED {
            assert!(!habit.expects_more_than(1));
            habit.learn(2, SHORT);
        }
        assert!(habit.expects_more_than(1));
        assert!(!habit.expects_more_than(2));
    }
}
