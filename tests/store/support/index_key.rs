//! The keys of the indexes as `migrations/README.md` specifies them, written a second time.

use std::cmp::Ordering;

use redb::{Key, TypeName, Value};

/// A text, which is packed where it is a hash.
#[derive(Debug)]
pub(crate) struct IndexKey;

fn unpack(bytes: &[u8]) -> String {
    match bytes {
        [0xff, hash @ ..] => hex::encode(hash),
        [0xfe, hash @ ..] => format!("sha256:{}", hex::encode(hash)),
        text => String::from_utf8(text.to_vec()).unwrap(),
    }
}

fn pack(text: &str) -> Vec<u8> {
    let (tag, digits) = match text.strip_prefix("sha256:") {
        Some(digits) => (0xfe, digits),
        None => (0xff, text),
    };
    match hex::decode(digits) {
        Ok(hash) if hash.len() == 32 && hex::encode(&hash) == digits => {
            [&[tag], &hash[..]].concat()
        }
        _ => text.as_bytes().to_vec(),
    }
}

impl Value for IndexKey {
    type SelfType<'a> = String;
    type AsBytes<'a> = Vec<u8>;

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> String
    where
        Self: 'a,
    {
        let text = unpack(data);
        // A row has its key in one way only.
        assert_eq!(pack(&text), data);
        text
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a String) -> Vec<u8>
    where
        Self: 'b,
    {
        pack(value)
    }

    fn type_name() -> TypeName {
        TypeName::new("image-store::text")
    }
}

impl Key for IndexKey {
    fn compare(one: &[u8], other: &[u8]) -> Ordering {
        unpack(one).cmp(&unpack(other))
    }
}
