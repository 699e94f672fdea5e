//! The legacy images directory of podman, buildah and CRI-O: `images.json`, and one folder of item
//! files an image.
//!
//! [`import()`] brings such a directory into a new store, [`export()`] writes one. [`ImagesJsonReader`],
//! [`ImagesJsonWriter`] and [`ImageJson`] read and write the records as the legacy store does.

// Only this module knows the legacy layout and the legacy JSON.
mod directory;
mod export;
mod finding;
mod import;
mod item_path;
mod json;
mod lock;
mod source;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod token;

pub use directory::FileKind;
pub use export::{ExportFinding, ExportMode, ExportOptions, ExportProgress, ExportSummary, export};
pub use finding::{Finding, Resolution};
pub use import::{
    Existing, ImportOptions, ImportProgress, ImportStage, ImportSummary, OnConflict, OnDamage,
    import,
};
pub use item_path::{item_file_name, item_key};
pub use json::{
    Byte, ImageJson, ImagesJsonReader, ImagesJsonWriter, JsonError, JsonFault, Oddity, Position,
    Record,
};
