//! The row of one content: item bytes that are stored once.

use crate::codec::{Sealed, decode_payload, encode_payload, unseal};
use crate::engine::{Failure, Outcome};
use crate::model::ContentHash;

/// Where the bytes of a content hash are and how many items refer to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// The number under which the parts are stored.
    pub(crate) number: u64,
    /// How many items of how many images refer to the bytes.
    pub(crate) references: u64,
    /// The length of the bytes, as they were given.
    pub(crate) size: u64,
    /// How the parts hold them.
    pub(crate) encoding: Encoding,
}

/// How the parts of a content hold its bytes. The numbers are the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are.
    Plain = 0,
    /// One zstd frame.
    Zstd = 1,
}

/// Three numbers of nine bytes and a byte.
const LONGEST: usize = 28;

impl Encoding {
    /// Every encoding.
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Zstd];

    const fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            0 => Some(Self::Plain),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

pub(crate) fn encode_content(hash: &ContentHash, content: &Content) -> Outcome<Vec<u8>> {
    let row = (
        content.number,
        content.references,
        content.size,
        content.encoding as u8,
    );
    Ok(encode_payload(&row, LONGEST)?.seal(Sealed::Content(*hash.as_bytes())))
}

pub(crate) fn decode_content(hash: &ContentHash, sealed: &[u8]) -> Outcome<Content> {
    let owner = Sealed::Content(*hash.as_bytes());
    let (number, references, size, tag) =
        decode_payload::<(u64, u64, u64, u8)>(unseal(owner, sealed)?, || owner.describe())?;
    let encoding = Encoding::from_tag(tag).ok_or_else(|| {
        Failure::corrupt(format!(
            "{} has the unknown encoding {tag}",
            owner.describe()
        ))
    })?;
    Ok(Content {
        number,
        references,
        size,
        encoding,
    })
}

#[cfg(test)]
mod tests {
    use super::{Content, Encoding, decode_content, encode_content};
    use crate::model::ContentHash;

    /// The bytes of the format. If this test fails, files in the field no longer open.
    #[test]
    fn golden_bytes() {
        let hash = ContentHash::from_bytes([7; 32]);
        let content = Content {
            number: 300,
            references: 2,
            size: 70_000,
            encoding: Encoding::Zstd,
        };
        let sealed = encode_content(&hash, &content).unwrap();
        assert_eq!(hex::encode(&sealed), "014daecdcdfb2c0102fc7011010001");
        assert_eq!(decode_content(&hash, &sealed).unwrap(), content);
    }
}
