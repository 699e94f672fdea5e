//! Reading an `images.json` record by record.

use std::io::Read;

use super::error::JsonError;
use super::position::Position;
use super::read::{self, Record};
use super::split::Splitter;

/// Reads an `images.json` of any size record by record, with bounded memory.
///
/// An empty text and `null` have no records, as for the legacy store. A record may have up to
/// 64 MiB.
///
/// # Examples
///
/// ```
/// use image_store::legacy::ImagesJsonReader;
///
/// let json = br#"[{"id":"a1","created":"2024-03-01T12:30:00Z"},{"id":"b2"}]"#;
/// let mut reader = ImagesJsonReader::new(json.as_slice());
/// let (position, record) = reader.next_record()?.expect("a first record");
/// assert_eq!((position.offset, record.image.id.as_str()), (1, "a1"));
/// assert!(reader.next_record()?.is_some());
/// assert!(reader.next_record()?.is_none());
/// # Ok::<(), image_store::legacy::JsonError>(())
/// ```
pub struct ImagesJsonReader<R> {
    splitter: Splitter<R>,
}

impl<R: Read> ImagesJsonReader<R> {
    /// Reads from `input`, which needs no buffer of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonReader;
    /// // Any source of bytes does; the legacy store takes an empty file for no records.
    /// let mut reader = ImagesJsonReader::new(std::io::empty());
    /// assert!(reader.next_record()?.is_none());
    /// # Ok::<(), image_store::legacy::JsonError>(())
    /// ```
    pub fn new(input: R) -> Self {
        Self {
            splitter: Splitter::new(input),
        }
    }

    /// The next record and where it begins, or `None` after the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonReader;
    /// // The first record has an ID that is no text; the one after it is read all the same.
    /// let json = br#"[{"id":5},{"id":"b2"}]"#;
    /// let mut reader = ImagesJsonReader::new(json.as_slice());
    /// assert!(reader.next_record().is_err());
    /// let (_, record) = reader.next_record()?.expect("a second record");
    /// assert_eq!(record.image.id, "b2");
    /// # Ok::<(), image_store::legacy::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError`] where the text cannot be read on, or a record has a value of a wrong type. A
    /// record that is whole can be passed over by calling again; after any other error there are no
    /// more records.
    pub fn next_record(&mut self) -> Result<Option<(Position, Record)>, JsonError> {
        let Some(element) = self.splitter.next()? else {
            return Ok(None);
        };
        let record = read::read(element)?;
        Ok(Some((element.position, record)))
    }

    /// How many bytes of the text were taken so far.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonReader;
    /// let json = br#"[{"id":"a1"}]"#;
    /// let mut reader = ImagesJsonReader::new(json.as_slice());
    /// while reader.next_record()?.is_some() {}
    /// assert_eq!(reader.offset(), 13);
    /// # Ok::<(), image_store::legacy::JsonError>(())
    /// ```
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.splitter.offset()
    }
}
