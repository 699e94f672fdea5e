//! Import of a legacy images directory into a new store.

mod checked;
mod folders;
mod items;
mod options;
mod run;
mod summary;

pub use options::{ImportOptions, ImportProgress};
pub use run::import;
pub use summary::ImportSummary;
