//! Which encoding a content gets, and the encoding itself.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read as _};

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, compress_bound};

use crate::codec::{Encoding, VALUE_LIMIT};
use crate::engine::{Failure, Outcome};

/// The zstd level: higher ones gained little on manifests and configs and cost more time.
pub(super) const LEVEL: i32 = 3;

/// The level up to [`SMALL`] bytes, where 3 gained half a percent and took a third longer.
const SMALL_LEVEL: i32 = 1;
const SMALL: usize = 16 << 10;

/// Bytes up to this length are encoded and decoded with what the thread keeps for it: making a
/// context of zstd takes as long as encoding a manifest. One that served more would keep megabytes.
const KEPT: usize = 256 << 10;

/// Compression must save an eighth, or the bytes are stored as they are and read without work.
const fn pays(encoded: usize, plain: usize) -> bool {
    encoded <= plain - plain / 8
}

/// Below this length a frame's own header eats what compression saves.
const SHORTEST: usize = 64;

/// Encodes bytes that are whole in memory.
pub(super) fn encode(bytes: &[u8]) -> Outcome<(Encoding, Cow<'_, [u8]>)> {
    if bytes.len() >= SHORTEST {
        let encoded = if bytes.len() <= KEPT {
            Kept::with(|kept| kept.compress(bytes))
        } else {
            zstd::bulk::compress(bytes, LEVEL)
                .map(|encoded| Some(encoded).filter(|encoded| pays(encoded.len(), bytes.len())))
        };
        let encoded = encoded
            .map_err(|error| Failure::corrupt_because("item bytes could not be encoded", error))?;
        if let Some(encoded) = encoded {
            return Ok((Encoding::Zstd, Cow::Owned(encoded)));
        }
    }
    Ok((Encoding::Plain, Cow::Borrowed(bytes)))
}

/// What a thread keeps to encode and decode.
#[derive(Default)]
struct Kept {
    compressor: Option<Compressor<'static>>,
    decompressor: Option<Decompressor<'static>>,
    encoded: Vec<u8>,
}

thread_local! {
    static KEPT_HERE: Cell<Kept> = Cell::default();
}

impl Kept {
    fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        // A thread that is ending keeps nothing any more.
        let mut kept = KEPT_HERE.try_with(Cell::take).unwrap_or_default();
        let done = work(&mut kept);
        let _ = KEPT_HERE.try_with(|here| here.set(kept));
        done
    }

    /// The bytes compressed, where that pays.
    fn compress(&mut self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let compressor = match &mut self.compressor {
            Some(kept) => kept,
            none => none.insert(Compressor::new(LEVEL)?),
        };
        let level = if bytes.len() <= SMALL {
            SMALL_LEVEL
        } else {
            LEVEL
        };
        compressor.set_parameter(CParameter::CompressionLevel(level))?;
        self.encoded.clear();
        self.encoded.reserve(compress_bound(bytes.len()));
        compressor.compress_to_buffer(bytes, &mut self.encoded)?;
        Ok(pays(self.encoded.len(), bytes.len()).then(|| self.encoded.clone()))
    }

    fn decompress(&mut self, encoded: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let decompressor = match &mut self.decompressor {
            Some(kept) => kept,
            none => none.insert(Decompressor::new()?),
        };
        decompressor.decompress(encoded, size)
    }
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
        (Encoding::Zstd, Ok(size)) if size <= KEPT => {
            Kept::with(|kept| kept.decompress(&encoded, size))
        }
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
