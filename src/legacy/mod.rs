//! The legacy image directory: `images.json` and one folder of item files an image.
//!
//! Only this module knows its layout and its JSON.

mod directory;
mod item_path;
mod json;
mod source;

pub use directory::FileKind;
pub use item_path::item_file_name;
pub use json::{
    Byte, ImageJson, ImagesJsonReader, ImagesJsonWriter, JsonError, JsonFault, Oddity, Position,
    Record,
};
