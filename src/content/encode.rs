//! Which encoding a content gets, and the encoding itself.

use std::borrow::Cow;
use std::io::{self, Read as _};

use crate::codec::{Encoding, VALUE_LIMIT};
use crate::engine::{Failure, Outcome};

/// The zstd level: higher ones gained little on manifests and configs and cost more time.
pub(super) const LEVEL: i32 = 3;

/// Compression must save an eighth, or the bytes are stored as they are and read without work.
const fn pays(encoded: usize, plain: usize) -> bool {
    encoded <= plain - plain / 8
}

/// Below this length a frame's own header eats what compression saves.
const SHORTEST: usize = 64;

/// Encodes bytes that are whole in memory.
pub(super) fn encode(bytes: &[u8]) -> Outcome<(Encoding, Cow<'_, [u8]>)> {
    if bytes.len() >= SHORTEST {
        let encoded = zstd::bulk::compress(bytes, LEVEL)
            .map_err(|error| Failure::corrupt_because("item bytes could not be encoded", error))?;
        if pays(encoded.len(), bytes.len()) {
            return Ok((Encoding::Zstd, Cow::Owned(encoded)));
        }
    }
    Ok((Encoding::Plain, Cow::Borrowed(bytes)))
}

/// Chooses the encoding of a stream by its beginning.
pub(super) fn choose(beginning: &[u8]) -> Outcome<Encoding> {
    encode(beginning).map(|(encoding, _)| encoding)
}

/// A reader of the bytes behind `encoded`, whatever way they are encoded.
pub(super) fn decoder<'a>(
    encoding: Encoding,
    encoded: impl io::BufRead + 'a,
) -> io::Result<Box<dyn io::Read + 'a>> {
    Ok(match encoding {
        Encoding::Plain => Box::new(encoded),
        Encoding::Zstd => {
            // Nothing but one frame is ever written.
            Box::new(zstd::stream::read::Decoder::with_buffer(encoded)?.single_frame())
        }
    })
}

/// Decodes bytes that are whole in memory and must be `size` long.
pub(super) fn decode(encoding: Encoding, encoded: Vec<u8>, size: u64) -> io::Result<Vec<u8>> {
    match (encoding, usize::try_from(size)) {
        (Encoding::Plain, _) => Ok(encoded),
        (Encoding::Zstd, Ok(size)) if size <= VALUE_LIMIT => zstd::bulk::decompress(&encoded, size),
        // Memory for a large item is taken as it comes, not on the word of a row.
        (Encoding::Zstd, _) => {
            let mut bytes = Vec::new();
            decoder(encoding, encoded.as_slice())?
                .take(size.saturating_add(1))
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}
