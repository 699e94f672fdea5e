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
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonWriter;
    /// let writer = ImagesJsonWriter::new(Vec::new())?;
    /// assert_eq!(writer.finish()?, b"[]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
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
    /// # Examples
    ///
    /// ```
    /// # use image_store::Image;
    /// # use image_store::legacy::ImagesJsonWriter;
    /// let mut writer = ImagesJsonWriter::new(Vec::new())?;
    /// for id in ["a1", "b2"] {
    ///     let mut image = Image::default();
    ///     image.id = id.to_owned();
    ///     writer.write(&image)?;
    /// }
    /// assert!(writer.finish()?.starts_with(br#"[{"id":"a1","#));
    /// # Ok::<(), std::io::Error>(())
    /// ```
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
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ImagesJsonWriter;
    /// let writer = ImagesJsonWriter::new(tempfile::tempfile()?)?;
    /// // What was written to comes back, here to be brought to the disk.
    /// let file = writer.finish()?;
    /// file.sync_all()?;
    /// assert_eq!(file.metadata()?.len(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
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
