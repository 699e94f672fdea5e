//! The envelope of every stored value: what format it is in, and whether it is still what was
//! written.

use crate::engine::{Failure, Outcome};

/// What a sealed value belongs to. The checksum covers it, so that a value that turns up under
/// another key is damage too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sealed {
    /// The record of an image number.
    Record(u64),
    /// The row of a content hash.
    Content([u8; 32]),
    /// A part of a content number's bytes.
    Part(u64, u32),
}

/// The bytes that a seal adds: the format byte and the checksum.
pub(crate) const SEAL_LENGTH: usize = 5;

/// The format byte of this version. A later format takes another byte.
const FORMAT_1: u8 = 1;

/// Puts the format byte and the checksum (CRC-32, little-endian) before `payload`.
pub(crate) fn seal(owner: Sealed, payload: &[u8]) -> Vec<u8> {
    let mut unsealed = Unsealed::with_capacity(payload.len());
    unsealed.push(payload);
    unsealed.seal(owner)
}

/// A payload behind room for its seal: it is sealed where it lies.
#[derive(Debug)]
pub(crate) struct Unsealed(Vec<u8>);

impl Unsealed {
    /// An empty payload, with room for so many bytes.
    pub(super) fn with_capacity(payload: usize) -> Self {
        let mut bytes = Vec::with_capacity(payload.saturating_add(SEAL_LENGTH));
        bytes.extend_from_slice(&[0; SEAL_LENGTH]);
        Self(bytes)
    }

    /// Adds to the payload.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.0.get(SEAL_LENGTH..).unwrap_or_default()
    }

    /// The sealed value.
    pub(crate) fn seal(mut self, owner: Sealed) -> Vec<u8> {
        let seal = owner.seal_of(self.payload());
        if let Some(room) = self.0.first_chunk_mut() {
            *room = seal;
        }
        self.0
    }

    /// Adds the sealed value to `values`.
    pub(crate) fn seal_onto(&self, owner: Sealed, values: &mut Vec<u8>) {
        values.extend_from_slice(&owner.seal_of(self.payload()));
        values.extend_from_slice(self.payload());
    }
}

/// Returns the payload of a sealed value.
///
/// # Errors
///
/// [`Failure::Corrupt`] where the value is too short, of an unknown format, or not what was sealed
/// for this owner.
pub(crate) fn unseal(owner: Sealed, sealed: &[u8]) -> Outcome<&[u8]> {
    let Some((format, rest)) = sealed.split_first() else {
        return Err(Failure::corrupt(format!("{} is empty", owner.describe())));
    };
    if *format != FORMAT_1 {
        return Err(Failure::corrupt(format!(
            "{} is in the unknown format {format}",
            owner.describe()
        )));
    }
    let Some((checksum, payload)) = rest.split_first_chunk::<4>() else {
        return Err(Failure::corrupt(format!(
            "{} is cut short",
            owner.describe()
        )));
    };
    if u32::from_le_bytes(*checksum) != owner.checksum(payload) {
        return Err(Failure::corrupt(format!(
            "{} does not match its checksum",
            owner.describe()
        )));
    }
    Ok(payload)
}

impl Sealed {
    /// The value's name in an error.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Record(number) => format!("the record of image number {number}"),
            Self::Content(hash) => format!("the row of content {}", hex::encode(hash)),
            Self::Part(number, part) => format!("part {part} of content number {number}"),
        }
    }

    /// What stands before a payload.
    fn seal_of(self, payload: &[u8]) -> [u8; SEAL_LENGTH] {
        let [a, b, c, d] = self.checksum(payload).to_le_bytes();
        [FORMAT_1, a, b, c, d]
    }

    fn checksum(self, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        match self {
            Self::Record(number) => hasher.update(&number.to_le_bytes()),
            Self::Content(hash) => hasher.update(&hash),
            Self::Part(number, part) => {
                hasher.update(&number.to_le_bytes());
                hasher.update(&part.to_le_bytes());
            }
        }
        hasher.update(payload);
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::{SEAL_LENGTH, Sealed, Unsealed, seal, unseal};

    /// The bytes of the format. If this test fails, files in the field no longer open.
    #[test]
    fn golden_bytes() {
        let sealed = seal(Sealed::Part(3, 1), b"payload");
        assert_eq!(hex::encode(&sealed), "016d2590677061796c6f6164");
        assert_eq!(sealed.len(), SEAL_LENGTH + 7);
        assert_eq!(unseal(Sealed::Part(3, 1), &sealed).unwrap(), b"payload");

        let mut unsealed = Unsealed::with_capacity(0);
        unsealed.push(b"payload");
        let mut values = b"before".to_vec();
        unsealed.seal_onto(Sealed::Part(3, 1), &mut values);
        assert_eq!(values, [b"before".as_slice(), &sealed].concat());
    }

    #[test]
    fn any_changed_bit_or_owner_is_noticed() {
        let owner = Sealed::Record(9);
        let sealed = seal(owner, b"some record");
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(owner, &damaged).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(unseal(owner, &sealed[..length]).is_err(), "length {length}");
        }
        assert!(unseal(Sealed::Record(8), &sealed).is_err());
    }
}
