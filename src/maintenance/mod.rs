//! Keeping a store in good health: verify, repair, back up, compact.

mod backup;
mod both_ends;
mod compact;
mod leftovers;
mod progress;
mod repair;
mod set_aside;
mod stats;
mod verify;

pub use backup::BackupSummary;
pub use compact::CompactSummary;
pub use leftovers::Leftovers;
pub use progress::{Progress, Stage};
pub use repair::{RepairOptions, RepairSummary};
pub use stats::StoreStats;
pub use verify::{Finding, Index, VerifyCounts, VerifyOptions, VerifyReport};
