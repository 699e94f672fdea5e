//! Entrances for this project's own tests and fuzz targets. Not for programs: anything here may
//! change at any time.

use super::item_path::{file_path, folder_path, item_file_name};
use super::json::{Position, Salvaged, Salvager};

/// A part of a damaged `images.json`.
#[derive(Clone, Debug)]
pub enum Part {
    /// A whole record.
    Record {
        /// Where it begins.
        begin: Position,
        /// Its text.
        json: Vec<u8>,
    },
    /// What cannot be read.
    Lost {
        /// Where it begins.
        begin: Position,
        /// How many bytes it has.
        length: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl Part {
    /// Where a record begins.
    #[must_use]
    pub const fn offset_of_record(&self) -> Option<u64> {
        match self {
            Self::Record { begin, .. } => Some(begin.offset),
            Self::Lost { .. } => None,
        }
    }
}

/// What an import that salvages makes of a text.
#[must_use]
pub fn salvage(text: &[u8]) -> Vec<Part> {
    let mut salvager = Salvager::new(text);
    let mut parts = Vec::new();
    // A slice can be read without errors.
    while let Ok(Some(salvaged)) = salvager.next() {
        parts.push(match salvaged {
            Salvaged::Record(element) => Part::Record {
                begin: element.position,
                json: element.bytes.to_vec(),
            },
            Salvaged::Lost(lost) => Part::Lost {
                begin: lost.begin,
                length: lost.length,
                what: lost.error.to_string(),
            },
        });
    }
    parts
}

/// The names on the way from the images directory to the item `key` of the image `id`; `None` where
/// it leads out of the directory.
#[must_use]
pub fn item_path(id: &str, key: &str) -> Option<Vec<String>> {
    let folder = folder_path(id)?;
    let file = item_file_name(key);
    let path = file_path(&folder, &file)?;
    Some(path.into_iter().map(str::to_owned).collect())
}
