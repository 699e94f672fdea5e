//! How values are written as bytes. Nothing else knows the formats.
//!
//! Every value is sealed: a format byte, a checksum, and a payload ([`seal`]). Payloads of records
//! are bincode 2 with its standard configuration; its golden bytes are kept in the tests of each
//! format, so that another codec that writes the same bytes can take over.

mod content;
mod head;
mod packed;
mod record;
mod redo;
mod seal;

pub(crate) use content::{Content, Encoding, decode_content, encode_content};
pub(crate) use head::decode_head;
pub(crate) use record::{decode_image, encode_image};
pub(crate) use redo::{
    BLOCK, Change, Changes, LONGEST, LogId, TableTag, blocks, decode_entry, decode_header,
    each_change, encode_entry, encode_header,
};
pub(crate) use seal::{SEAL_LENGTH, Sealed, seal, unseal};

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

fn encode_payload(value: &impl bincode::Encode) -> Outcome<Vec<u8>> {
    bincode::encode_to_vec(value, CONFIG)
        .map_err(|error| Failure::corrupt_because("a value could not be encoded", error))
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
