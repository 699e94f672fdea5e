//! Import of a legacy images directory into a store.
//!
//! One thread cuts the records apart, workers parse them and read, hash and compress their items,
//! and the thread that called writes: into a new store that appears when it is whole, or into one
//! transaction of the store that is merged into.

mod arrival;
mod batches;
mod checked;
mod choices;
mod destination;
mod folders;
mod items;
mod merge;
mod options;
mod ordered;
mod orphans;
mod prepare;
mod progress;
mod run;
mod sketch;
mod summary;
mod superseded;
mod verify;

pub use choices::{Existing, OnConflict, OnDamage};
pub use options::ImportOptions;
pub use progress::{ImportProgress, ImportStage};
pub use run::import;
pub use summary::ImportSummary;
