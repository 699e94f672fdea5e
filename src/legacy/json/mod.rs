//! The legacy `images.json`: reading and writing it as the legacy store does.

mod compact;
mod error;
mod field;
mod go_format;
mod image_json;
mod number;
mod parts;
mod position;
mod read;
mod reader;
mod salvage;
mod scan;
mod split;
mod whole;
mod window;
mod writer;

pub use error::{Byte, JsonError, JsonFault};
pub use image_json::ImageJson;
pub(crate) use number::as_engines_keep;
pub use position::Position;
pub(crate) use read::read as read_record;
pub use read::{Oddity, Record};
pub use reader::ImagesJsonReader;
pub(crate) use salvage::{Lost, Salvaged, Salvager};
pub(crate) use split::{Element, Splitter};
pub use writer::ImagesJsonWriter;
