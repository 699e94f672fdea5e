//! Texts that are mostly hexadecimal, at half their length.
//!
//! A third of a record would be hexadecimal digits. Each kind of text has a tag; a text that is of
//! no kind is written as it is. Packing is exact: what is packed unpacks to the same text.

use bincode::de::{BorrowDecode, BorrowDecoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::model::with_hex;

/// A text, packed where it is 64 lower-case hexadecimal digits or a SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PackedText<'a> {
    /// Any text.
    Text(&'a str),
    /// 64 hexadecimal digits: an ID.
    Hex64([u8; 32]),
    /// `sha256:` and 64 hexadecimal digits.
    Sha256([u8; 32]),
}

const TEXT: u8 = 0;
const HEX_64: u8 = 1;
const SHA_256: u8 = 2;

impl<'a> PackedText<'a> {
    pub(super) fn pack(text: &'a str) -> Self {
        if let Some(bytes) = hex_64(text) {
            return Self::Hex64(bytes);
        }
        if let Some(bytes) = sha_256(text) {
            return Self::Sha256(bytes);
        }
        Self::Text(text)
    }

    pub(super) fn unpack(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Hex64(bytes) => with_hex("", &bytes),
            Self::Sha256(bytes) => with_hex("sha256:", &bytes),
        }
    }
}

/// The bytes of 64 lower-case hexadecimal digits; `None` for any other text.
fn hex_64(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    // Without a way out in the middle the compiler does many digits at once.
    let (mut bytes, mut wrong) = ([0; 32], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (value(*high), value(*low));
        wrong |= high | low;
        *byte = high << 4 | low & 15;
    }
    (wrong < 16).then_some(bytes)
}

/// The value of a digit, or 255 for what is none; an upper-case one would unpack to another text.
const fn value(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if number < 10 {
        number
    } else if letter < 6 {
        letter + 10
    } else {
        255
    }
}

/// The bytes of a SHA-256 digest; `None` for any other text.
pub(super) fn sha_256(text: &str) -> Option<[u8; 32]> {
    hex_64(text.strip_prefix("sha256:")?)
}

impl Encode for PackedText<'_> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        match self {
            Self::Text(text) => (TEXT, text).encode(encoder),
            Self::Hex64(bytes) => (HEX_64, bytes).encode(encoder),
            Self::Sha256(bytes) => (SHA_256, bytes).encode(encoder),
        }
    }
}

impl<'de, Context> BorrowDecode<'de, Context> for PackedText<'de> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        match u8::borrow_decode(decoder)? {
            TEXT => BorrowDecode::borrow_decode(decoder).map(Self::Text),
            HEX_64 => BorrowDecode::borrow_decode(decoder).map(Self::Hex64),
            SHA_256 => BorrowDecode::borrow_decode(decoder).map(Self::Sha256),
            tag => Err(unknown_tag("text", tag)),
        }
    }
}

pub(super) fn unknown_tag(what: &str, tag: u8) -> DecodeError {
    DecodeError::OtherString(format!("unknown tag {tag} of a {what}"))
}

#[cfg(test)]
mod tests {
    use super::PackedText;

    #[test]
    fn unpacks_to_the_same_text() {
        let hex = "0123456789abcdef".repeat(4);
        for text in [
            "",
            "first",
            "with space",
            "sha256:",
            &hex,
            hex.trim_start_matches('0'),
            &hex.to_uppercase(),
            &format!("sha256:{hex}"),
            &format!("sha256:{}", hex.to_uppercase()),
            &format!("sha512:{hex}{hex}"),
            &format!("SHA256:{hex}"),
        ] {
            assert_eq!(PackedText::pack(text).unpack(), text);
        }
    }
}
