//! How values are written as bytes. Nothing else knows the formats.
//!
//! Every value is sealed: a format byte, a checksum, and a payload ([`seal`](mod@seal)). Payloads of
//! records are bincode 2 with its standard configuration; its golden bytes are kept in the tests of
//! each format, so that another codec that writes the same bytes can take over.

mod content;
mod head;
mod index_key;
mod packed;
mod places;
mod record;
mod redo;
mod seal;
mod tagged;

pub(crate) use content::{Content, Encoding, decode_content, encode_content};
pub(crate) use head::decode_head;
pub(crate) use index_key::{IndexKey, KeyText, Room};
pub(crate) use record::{decode_image, encode_image, encode_unnumbered};
pub(crate) use redo::{
    BLOCK, Change, Changes, Entry, LONGEST, LogId, TableTag, blocks, decode_entry, decode_header,
    each_change, encode_entry, encode_header, may_be_log,
};
pub(crate) use seal::{SEAL_LENGTH, Sealed, Unsealed, seal, unseal};

use bincode::enc::write::Writer;
use bincode::error::EncodeError;

use crate::engine::{Failure, Outcome};
use crate::model::limits;

/// The longest payload.
pub(crate) const VALUE_LIMIT: usize = limits::MAX_RECORD;

/// The most that one value may take when it is decoded, in bytes. bincode aborts the process on a
/// wild length without a limit, and a damaged file must not cost gigabytes of memory.
///
/// More than a payload: bincode counts a list at the size that its entries have in memory.
const DECODE_LIMIT: usize = 4 * VALUE_LIMIT;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<DECODE_LIMIT>,
> = bincode::config::standard().with_limit::<DECODE_LIMIT>();

/// Encodes a payload, which usually is no longer than `expected`.
fn encode_payload(value: &impl bincode::Encode, expected: usize) -> Outcome<Unsealed> {
    // Not `encode_to_vec`, which encodes twice: once to find the length.
    let mut unsealed = Unsealed::with_capacity(expected);
    bincode::encode_into_writer(value, &mut unsealed, CONFIG)
        .map_err(|error| Failure::corrupt_because("a value could not be encoded", error))?;
    Ok(unsealed)
}

impl Writer for Unsealed {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.push(bytes);
        Ok(())
    }
}

/// Decodes a payload and refuses trailing bytes. `what` names the value in the error.
fn decode_payload<'a, T: bincode::BorrowDecode<'a, ()>>(
    payload: &'a [u8],
    what: impl Fn() -> String,
) -> Outcome<T> {
    let (value, read) = decode(payload, &what)?;
    if read == payload.len() {
        return Ok(value);
    }
    Err(Failure::corrupt(format!(
        "{} has {} trailing bytes",
        what(),
        payload.len().saturating_sub(read)
    )))
}

/// Decodes what a payload begins with, and does not look at the rest.
fn decode_beginning<'a, T: bincode::BorrowDecode<'a, ()>>(
    payload: &'a [u8],
    what: impl Fn() -> String,
) -> Outcome<T> {
    decode(payload, &what).map(|(value, _)| value)
}

fn decode<'a, T: bincode::BorrowDecode<'a, ()>>(
    payload: &'a [u8],
    what: &impl Fn() -> String,
) -> Outcome<(T, usize)> {
    bincode::borrow_decode_from_slice(payload, CONFIG)
        .map_err(|error| Failure::corrupt_because(format!("{} does not decode", what()), error))
}
