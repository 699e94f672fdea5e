//! Export of a store into the legacy layout: the way back.
//!
//! [`layout`] says what the layout can hold, [`images`] writes records and items, [`whole`] makes a
//! directory that appears at once, and [`live`] changes one that an engine has open.

mod finding;
mod images;
mod layout;
mod live;
mod options;
mod place;
mod report;
mod run;
mod summary;
mod switch;
mod whole;

pub use finding::ExportFinding;
pub use options::{ExportMode, ExportOptions, ExportProgress};
pub use run::export;
pub use summary::ExportSummary;
