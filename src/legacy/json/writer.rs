//! Writing an `images.json` record by record.

use std::io::{self, Write};

use serde::Serialize as _;

use super::go_format::GoFormat;
use super::image_json::ImageJson;
use crate::model::Image;

/// Writes an `images.json` to the byte as the legacy store writes it: one compact array without a
/// final newline.
///
/// # Examples
///
/// ```
/// use image_store::Image;
/// use image_store::legacy::ImagesJsonWriter;
///
/// let mut writer = ImagesJsonWriter::new(Vec::new())?;
/// writer.write(&Image::default())?;
/// let json = writer.finish()?;
/// assert_eq!(json, br#"[{"id":"","created":"0001-01-01T00:00:00Z"}]"#);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "without `finish` the array is not closed"]
pub struct ImagesJsonWriter<W> {
    out: W,
    is_empty: bool,
}

impl<W: Write> ImagesJsonWriter<W> {
    /// Opens the array in `out`, which should have a buffer.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"[")?;
        let is_empty = true;
        Ok(Self { out, is_empty })
    }

    /// Adds the record of an image.
    ///
    /// # Errors
    ///
    /// What `out` says; [`io::ErrorKind::InvalidData`] where an unknown field of the image is not
    /// JSON.
    pub fn write(&mut self, image: &Image) -> io::Result<()> {
        if !self.is_empty {
            self.out.write_all(b",")?;
        }
        self.is_empty = false;
        let mut serializer = serde_json::Serializer::with_formatter(&mut self.out, GoFormat);
        ImageJson::new(image).serialize(&mut serializer)?;
        Ok(())
    }

    /// Closes the array and gives back what was written to, flushed.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"]")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
