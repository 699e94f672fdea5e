//! Why a legacy JSON text cannot be read, and where.

use std::fmt;
use std::io;

use thiserror::Error;

use super::position::Position;

/// An `images.json`, or one record of it, that cannot be read.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::ImagesJsonReader;
/// let error = ImagesJsonReader::new(b"[null]".as_slice()).next_record().unwrap_err();
/// let told = "line 1, column 2 (byte 1): an element is null where an image record is expected";
/// assert_eq!(error.to_string(), told);
/// ```
#[derive(Debug, Error)]
#[error("{position}: {fault}")]
pub struct JsonError {
    /// Where the damage was noticed.
    position: Position,
    /// What it is.
    #[source]
    fault: JsonFault,
}

/// What is wrong with a JSON text.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::{ImagesJsonReader, JsonFault};
/// let error = ImagesJsonReader::new(b"[5]".as_slice()).next_record().unwrap_err();
/// assert!(matches!(error.fault(), JsonFault::NotAnObject));
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// The text begins with a byte order mark.
    #[error("the text begins with a byte order mark; remove it")]
    ByteOrderMark,
    /// The text is some other value than an array or `null`.
    #[error("the text is not an array of image records")]
    NotAnArray,
    /// An element is `null`.
    #[error("an element is null where an image record is expected")]
    NullElement,
    /// An element is some other value than an object.
    #[error("an element is not an object where an image record is expected")]
    NotAnObject,
    /// A comma, a bracket or something else where it cannot be.
    #[error("{found} where {expected} is expected")]
    Unexpected {
        /// What is there.
        found: Byte,
        /// What could have been there.
        expected: &'static str,
    },
    /// The text ends inside of a record or before the array is closed.
    #[error("the text is cut short: it ends here, but the array is not closed")]
    CutShort,
    /// NUL bytes, as a power cut leaves them.
    #[error("NUL bytes: a part of the text was never written to the disk")]
    NulBytes,
    /// Something follows the array.
    #[error("something follows the end of the array")]
    TrailingGarbage,
    /// The text is not UTF-8.
    #[error("bytes that are not UTF-8")]
    InvalidUtf8,
    /// Objects and arrays lie too deep in each other.
    #[error("objects and arrays lie in each other more than {limit} deep")]
    TooDeep {
        /// The depth that is read.
        limit: usize,
    },
    /// A record is too large to be one.
    #[error("a record is larger than {limit} bytes")]
    TooLarge {
        /// The largest size that is read, in bytes.
        limit: usize,
    },
    /// A record is not valid JSON, or a field has a value of the wrong type.
    #[error("{what}")]
    Record {
        /// What is wrong, with the field's name.
        what: String,
    },
    /// The system refused to read on.
    #[error("reading failed")]
    Read(#[source] io::Error),
}

impl JsonError {
    pub(crate) const fn new(position: Position, fault: JsonFault) -> Self {
        Self { position, fault }
    }

    /// Where the damage was noticed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonReader;
    /// let error = ImagesJsonReader::new(b"[\n  null]".as_slice()).next_record().unwrap_err();
    /// let position = error.position();
    /// assert_eq!((position.offset, position.line, position.column), (4, 2, 3));
    /// ```
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What the damage is.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{ImagesJsonReader, JsonFault};
    /// let error = ImagesJsonReader::new(b"[{\"id\":".as_slice()).next_record().unwrap_err();
    /// assert!(matches!(error.fault(), JsonFault::CutShort));
    /// ```
    #[must_use]
    pub const fn fault(&self) -> &JsonFault {
        &self.fault
    }

    /// The fault itself.
    pub(crate) fn into_fault(self) -> JsonFault {
        self.fault
    }
}

/// A byte of a text as people read it.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::{ImagesJsonReader, JsonFault};
/// let error = ImagesJsonReader::new(b"[x]".as_slice()).next_record().unwrap_err();
/// let JsonFault::Unexpected { found, .. } = error.fault() else { panic!("{error}") };
/// assert_eq!(found.to_string(), "'x'");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte(pub(crate) u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte if byte.is_ascii_graphic() => write!(f, "'{}'", char::from(byte)),
            byte => write!(f, "the byte 0x{byte:02x}"),
        }
    }
}
