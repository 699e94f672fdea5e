//! The legacy `images.json`: reading and writing it as the legacy store does.

mod compact;
mod error;
mod field;
mod go_format;
mod image_json;
mod position;
mod read;
mod reader;
mod split;
mod writer;

pub use error::{Byte, JsonError, JsonFault};
pub use image_json::ImageJson;
pub use position::Position;
pub use read::{Oddity, Record};
pub use reader::ImagesJsonReader;
pub use writer::ImagesJsonWriter;
