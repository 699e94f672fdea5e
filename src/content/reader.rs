//! Reading item bytes back, whole or as a stream.

use std::fmt;
use std::io::{self, BufRead, Read};

use redb::ReadableTable;

use crate::codec::{Content, Encoding, Sealed, unseal};
use crate::content::encode::{decode, decoder};
use crate::content::hashing::Hashing;
use crate::engine::{Failure, Outcome, contain};
use crate::model::ContentHash;
use crate::tables::ReadTables;

/// Reads the bytes of a content whole.
///
/// # Errors
///
/// [`Failure::Corrupt`] where a part is missing or damaged, or the bytes are not as many as
/// recorded.
pub(crate) fn read_all(tables: &impl ReadTables, content: &Content) -> Outcome<Vec<u8>> {
    let mut encoded = Vec::new();
    let parts = (content.number, 0)..=(content.number, u32::MAX);
    for (next, row) in (0..).zip(tables.blobs()?.range(parts)?) {
        let (key, value) = row?;
        let (number, part) = key.value();
        if part != next {
            return Err(missing_part(number, next));
        }
        encoded.extend_from_slice(unseal(Sealed::Part(number, part), value.value())?);
    }
    let bytes = decode(content.encoding, encoded, content.size).map_err(|error| {
        Failure::corrupt_because(format!("content number {}", content.number), error)
    })?;
    if bytes.len() as u64 != content.size {
        return Err(wrong_size(content, bytes.len() as u64));
    }
    Ok(bytes)
}

/// Where a [`BigDataReader`] gets parts from.
pub(crate) trait PartSource {
    /// The payload of a part; `None` where there is no such part.
    fn part(&self, number: u64, part: u32) -> io::Result<Option<Vec<u8>>>;
}

/// Reads one part from tables.
pub(crate) fn read_part(
    tables: &impl ReadTables,
    number: u64,
    part: u32,
) -> Outcome<Option<Vec<u8>>> {
    match tables.blobs()?.get((number, part))? {
        Some(row) => Ok(Some(
            unseal(Sealed::Part(number, part), row.value())?.to_vec(),
        )),
        None => Ok(None),
    }
}

/// Reads the bytes of one big data item as a stream, in bounded memory.
///
/// It reads from the state that it was opened on, whatever is written meanwhile. An error of the
/// store is the source of the [`io::Error`]; a stream that ends without an error was whole.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Lookup, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// use std::io::Read;
///
/// store.create(NewImage::new().id("a").big_data("index", vec![7; 1_000_000]))?;
/// let mut reader = store.big_data_reader("a", "index")?;
/// let mut beginning = [0; 16];
/// reader.read_exact(&mut beginning)?;
/// assert_eq!(beginning, [7; 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BigDataReader<'a> {
    size: u64,
    read: u64,
    decoder: Box<dyn Read + 'a>,
}

impl<'a> BigDataReader<'a> {
    pub(crate) fn new(source: impl PartSource + 'a, content: Content) -> io::Result<Self> {
        let parts = Parts::new(source, content.number);
        Ok(Self {
            size: content.size,
            read: 0,
            decoder: decoder(content.encoding, parts)?,
        })
    }

    /// The length of the item in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("index", vec![7; 1_000]))?;
    /// assert_eq!(store.big_data_reader("a", "index")?.size(), 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Read for BigDataReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A decoder that has no room takes it for a failure.
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.decoder.read(buffer)?;
        self.read += read as u64;
        let short = read == 0 && self.read < self.size;
        if short || self.read > self.size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the item has {} bytes instead of {}", self.read, self.size),
            ));
        }
        Ok(read)
    }
}

impl fmt::Debug for BigDataReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BigDataReader")
            .field("size", &self.size)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

/// The parts of a content, one after the other.
struct Parts<S> {
    source: S,
    number: u64,
    next: u32,
    part: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl<S> Parts<S> {
    const fn new(source: S, number: u64) -> Self {
        Self {
            source,
            number,
            next: 0,
            part: io::Cursor::new(Vec::new()),
            ended: false,
        }
    }
}

impl<S: PartSource> BufRead for Parts<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while !self.ended && self.part.position() >= self.part.get_ref().len() as u64 {
            match self.source.part(self.number, self.next)? {
                Some(bytes) => {
                    self.part = io::Cursor::new(bytes);
                    self.next = self.next.saturating_add(1);
                }
                None => self.ended = true,
            }
        }
        self.part.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.part.consume(amount);
    }
}

impl<S: PartSource> Read for Parts<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

fn missing_part(number: u64, part: u32) -> Failure {
    Failure::corrupt(format!("part {part} of content number {number} is missing"))
}

fn wrong_size(content: &Content, found: u64) -> Failure {
    Failure::corrupt(format!(
        "content number {} has {found} bytes instead of {}",
        content.number, content.size
    ))
}

/// Reads a content from tables as a stream.
pub(crate) fn stream<'a, T: ReadTables>(
    tables: &'a T,
    content: &Content,
) -> Outcome<BigDataReader<'a>> {
    BigDataReader::new(InTables(tables), *content).map_err(|error| {
        Failure::corrupt_because(format!("content number {}", content.number), error)
    })
}

/// Hashes the bytes of a content, in bounded memory.
///
/// # Errors
///
/// [`Failure::Corrupt`] where they cannot be read or are not as many as recorded.
pub(crate) fn hash_stored(tables: &impl ReadTables, content: &Content) -> Outcome<ContentHash> {
    let mut stored = Hashing::new(stream(tables, content)?);
    io::copy(&mut stored, &mut io::sink()).map_err(|error| {
        Failure::corrupt_because(format!("content number {}", content.number), error)
    })?;
    Ok(stored.finish().0)
}

/// Hashes and counts the bytes that the parts of a content number hold, where its row is lost.
pub(crate) fn hash_nameless(
    tables: &impl ReadTables,
    number: u64,
    encoding: Encoding,
) -> Outcome<(ContentHash, u64)> {
    let unreadable = |error| Failure::corrupt_because(format!("content number {number}"), error);
    let parts = Parts::new(InTables(tables), number);
    let mut stored = Hashing::new(decoder(encoding, parts).map_err(unreadable)?);
    io::copy(&mut stored, &mut io::sink()).map_err(unreadable)?;
    Ok(stored.finish())
}

/// Tables that a stream takes parts from.
struct InTables<'a, T>(&'a T);

impl<T: ReadTables> PartSource for InTables<'_, T> {
    fn part(&self, number: u64, part: u32) -> io::Result<Option<Vec<u8>>> {
        // A panic of the engine must not leave the one who reads in the middle of its own work.
        contain(|| read_part(self.0, number, part)).map_err(io::Error::other)
    }
}
