//! Storing item bytes.

use std::io::{self, Read};

use redb::ReadableTable;

use crate::codec::{Content, Encoding};
use crate::content::encode::{LEVEL, choose, encode};
use crate::content::hashing::Hashing;
use crate::content::parts::{PartWriter, STREAM_PART, part_rows};
use crate::content::references::{lookup, put, remove_parts};
use crate::engine::{Failure, Outcome};
use crate::model::ContentHash;
use crate::tables::{WriteTables, number_after};

/// What is known of bytes once they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) hash: ContentHash,
    /// The length of the bytes as they were given.
    pub(crate) size: u64,
    /// How many bytes the store took for them; none where it had them.
    pub(crate) taken: u64,
}

/// A stream up to this length is read whole before anything is written, so that known bytes cost
/// no write and the encoding is chosen by all of them.
const WHOLE: usize = 256 << 10;

/// Stores bytes that are in memory, unless they are stored already. Nothing refers to them yet.
pub(crate) fn store_bytes(tables: &mut WriteTables<'_>, bytes: &[u8]) -> Outcome<Stored> {
    let hash = ContentHash::of(bytes);
    let size = bytes.len() as u64;
    if lookup(tables, &hash)?.is_some() {
        return Ok(Stored {
            hash,
            size,
            taken: 0,
        });
    }
    let (encoding, encoded) = encode(bytes)?;
    write_encoded(tables, &hash, size, encoding, &encoded)
}

/// Bytes that are ready to be stored. Making this is most of the work of storing them, and needs no
/// store: many threads can do it for one that writes.
#[derive(Debug)]
pub(crate) struct Encoded {
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Encoded {
    /// Encodes bytes that are whole in memory.
    pub(crate) fn new(bytes: &[u8]) -> Outcome<Self> {
        let (encoding, encoded) = encode(bytes)?;
        let bytes = encoded.into_owned();
        Ok(Self { encoding, bytes })
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the store takes for it.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Stores bytes that another thread has hashed and encoded, unless they are stored already. Nothing
/// refers to them yet.
pub(crate) fn store_encoded(
    tables: &mut WriteTables<'_>,
    hash: ContentHash,
    size: u64,
    encoded: &Encoded,
) -> Outcome<Stored> {
    if lookup(tables, &hash)?.is_some() {
        return Ok(Stored {
            hash,
            size,
            taken: 0,
        });
    }
    write_encoded(tables, &hash, size, encoded.encoding, &encoded.bytes)
}

fn write_encoded(
    tables: &mut WriteTables<'_>,
    hash: &ContentHash,
    size: u64,
    encoding: Encoding,
    encoded: &[u8],
) -> Outcome<Stored> {
    let number = write_parts(tables, encoded)?;
    put(tables, hash, &new_content(number, size, encoding))?;
    Ok(Stored {
        hash: *hash,
        size,
        taken: encoded.len() as u64,
    })
}

/// Writes the parts of a content and returns its number.
fn write_parts(tables: &mut WriteTables<'_>, encoded: &[u8]) -> Outcome<u64> {
    let number = next_number(tables)?;
    for (number, part, sealed) in part_rows(number, encoded) {
        tables.blobs.insert((number, part), sealed.as_slice())?;
    }
    Ok(number)
}

/// Stores the bytes that `input` yields, in bounded memory however many they are.
///
/// # Errors
///
/// `on_input` makes the failure of an error of `input`; what was written by then is removed.
pub(crate) fn store_stream(
    tables: &mut WriteTables<'_>,
    input: &mut dyn Read,
    on_input: impl FnOnce(io::Error) -> Failure,
) -> Outcome<Stored> {
    let mut beginning = Vec::new();
    if let Err(error) = input.take(WHOLE as u64).read_to_end(&mut beginning) {
        return Err(on_input(error));
    }
    if beginning.len() < WHOLE {
        return store_bytes(tables, &beginning);
    }
    let encoding = choose(&beginning)?;
    let number = next_number(tables)?;
    let mut input = Hashing::new(beginning.as_slice().chain(input));
    let taken = match copy_encoded(tables, number, encoding, &mut input) {
        Ok(taken) => taken,
        Err(Copied::Engine(failure)) => return Err(failure),
        Err(Copied::Input(error)) => {
            remove_parts(tables, number)?;
            return Err(on_input(error));
        }
    };
    let (hash, size) = input.finish();
    if lookup(tables, &hash)?.is_some() {
        remove_parts(tables, number)?;
        return Ok(Stored {
            hash,
            size,
            taken: 0,
        });
    }
    put(tables, &hash, &new_content(number, size, encoding))?;
    Ok(Stored { hash, size, taken })
}

/// Which side of a copy failed.
enum Copied {
    Input(io::Error),
    Engine(Failure),
}

fn copy_encoded(
    tables: &mut WriteTables<'_>,
    number: u64,
    encoding: Encoding,
    input: &mut dyn Read,
) -> Result<u64, Copied> {
    let mut parts = PartWriter::new(tables, number, STREAM_PART);
    let copied = match encoding {
        Encoding::Plain => io::copy(input, &mut parts),
        Encoding::Zstd => zstd::stream::copy_encode(input, &mut parts, LEVEL).map(|()| 0),
    };
    match (copied, parts.take_failure()) {
        (_, Some(failure)) => Err(Copied::Engine(failure)),
        (Err(error), None) => Err(Copied::Input(error)),
        (Ok(_), None) => parts.finish().map_err(Copied::Engine),
    }
}

pub(super) const fn new_content(number: u64, size: u64, encoding: Encoding) -> Content {
    Content {
        number,
        references: 0,
        size,
        encoding,
    }
}

/// The number after the last: parts that are written one after the other lie side by side.
pub(super) fn next_number(tables: &WriteTables<'_>) -> Outcome<u64> {
    let last = tables.blobs.last()?.map(|(key, _)| key.value().0);
    last.map_or(Ok(0), number_after)
}
