//! Keys of the indexes: texts, those that are hashes at half their length.
//!
//! IDs, digests and layers are 64 hexadecimal digits for the most part, and an index is little else
//! than its keys: packed, it has half the pages, which are read, written and kept in memory. The
//! rows lie in the order of the texts, whether these are packed or not.

use std::borrow::Cow;
use std::cmp::Ordering;

use redb::{Key, TypeName, Value};

use super::packed::PackedText;
use crate::engine::{Failure, Outcome};
use crate::model::put_hex;

/// What packed keys begin with: bytes that begin no text. What follows are pairs of digits.
const HEX: u8 = 0xff;
/// The same behind [`SHA_256_PREFIX`].
const SHA_256: u8 = 0xfe;
const SHA_256_PREFIX: &str = "sha256:";

/// The tag and the bytes of a hash.
const PACKED: usize = 1 + 32;

/// The type of such keys, as the engine has to know it.
#[derive(Debug)]
pub struct IndexKey;

/// A key, as its bytes.
#[derive(Clone, Copy, Debug)]
pub struct KeyText<'a>(Stored<'a>);

#[derive(Clone, Copy, Debug)]
enum Stored<'a> {
    Bytes(&'a [u8]),
    /// The first of these bytes.
    Packed([u8; PACKED], usize),
}

/// Where [`KeyText::text`] puts a text that is not there as it is.
pub(crate) struct Room([u8; SHA_256_PREFIX.len() + 64]);

impl Room {
    pub(crate) const fn new() -> Self {
        Self([0; SHA_256_PREFIX.len() + 64])
    }
}

impl<'a> KeyText<'a> {
    /// The key of a text.
    pub(crate) fn of(text: &'a str) -> Self {
        match PackedText::pack(text) {
            PackedText::Text(text) => Self(Stored::Bytes(text.as_bytes())),
            PackedText::Hex64(hash) => Self::packed(HEX, &hash, 32),
            PackedText::Sha256(hash) => Self::packed(SHA_256, &hash, 32),
        }
    }

    /// Where the keys of texts that begin with `prefix` would begin. It compares as [`Self::of`] does,
    /// and with packed keys it does so faster.
    pub(crate) fn beginning(prefix: &'a str) -> Self {
        let digits = prefix.len();
        let mut padded = [b'0'; 64];
        if digits.is_multiple_of(2)
            && let Some(room) = padded.get_mut(..digits)
        {
            room.copy_from_slice(prefix.as_bytes());
            let padded = str::from_utf8(&padded).map(PackedText::pack);
            if let Ok(PackedText::Hex64(hash)) = padded {
                return Self::packed(HEX, &hash, digits / 2);
            }
        }
        Self::of(prefix)
    }

    /// The key that has these bytes. Those of a key that schema 1 wrote, which a redo log may still
    /// hold, become those of its text.
    pub(crate) fn stored(bytes: &'a [u8]) -> Self {
        if matches!(bytes.len(), 64 | 71)
            && let Ok(text) = str::from_utf8(bytes)
        {
            return Self::of(text);
        }
        Self(Stored::Bytes(bytes))
    }

    fn packed(tag: u8, hash: &[u8; 32], length: usize) -> Self {
        let mut bytes = [tag; PACKED];
        for (to, from) in bytes.iter_mut().skip(1).zip(hash) {
            *to = *from;
        }
        Self(Stored::Packed(bytes, 1 + length))
    }

    /// The bytes that the table has.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Stored::Bytes(bytes) => bytes,
            Stored::Packed(bytes, length) => bytes.get(..*length).unwrap_or_default(),
        }
    }

    /// The text, for which there must be room where it is packed.
    ///
    /// # Errors
    ///
    /// [`Failure::Corrupt`] where the bytes are no key.
    pub(crate) fn text<'t>(&'t self, room: &'t mut Room) -> Outcome<&'t str> {
        let (prefix, hash) = match self.bytes() {
            [HEX, hash @ ..] => ("", hash),
            [SHA_256, hash @ ..] => (SHA_256_PREFIX, hash),
            text => return str::from_utf8(text).map_err(no_key),
        };
        let hash: &[u8; 32] = hash.try_into().map_err(no_key)?;
        let (start, digits) = room.0.split_at_mut(prefix.len());
        start.copy_from_slice(prefix.as_bytes());
        put_hex(digits, hash);
        let text = room.0.get(..prefix.len() + 64).unwrap_or_default();
        str::from_utf8(text).map_err(no_key)
    }

    /// The same as a text of its own.
    ///
    /// # Errors
    ///
    /// As [`Self::text`].
    pub(crate) fn to_text(self) -> Outcome<String> {
        self.text(&mut Room::new()).map(str::to_owned)
    }
}

fn no_key(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::corrupt_because("a key of an index is no text", error)
}

/// The tag of a packed key; `None` of one that is a text as it is.
fn tag(key: &[u8]) -> Option<u8> {
    key.first().copied().filter(|first| *first >= SHA_256)
}

/// The bytes of the text of a key.
fn unpacked(key: &[u8]) -> impl Iterator<Item = u8> {
    let (prefix, plain, packed): (&[u8], &[u8], &[u8]) = match key {
        [HEX, packed @ ..] => (b"", b"", packed),
        [SHA_256, packed @ ..] => (SHA_256_PREFIX.as_bytes(), b"", packed),
        plain => (b"", plain, b""),
    };
    let digits = packed.iter().flat_map(|byte| {
        let mut digits = [0; 2];
        put_hex(&mut digits, &[*byte]);
        digits
    });
    prefix.iter().chain(plain).copied().chain(digits)
}

impl Value for IndexKey {
    type SelfType<'a> = KeyText<'a>;
    type AsBytes<'a> = &'a [u8];

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> KeyText<'a>
    where
        Self: 'a,
    {
        KeyText::stored(data)
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a KeyText<'b>) -> &'a [u8]
    where
        Self: 'b,
    {
        value.bytes()
    }

    fn type_name() -> TypeName {
        TypeName::new("image-store::text")
    }
}

impl Key for IndexKey {
    fn compare(one: &[u8], other: &[u8]) -> Ordering {
        if tag(one) == tag(other) {
            // Digits ascend as their values do.
            one.cmp(other)
        } else {
            unpacked(one).cmp(unpacked(other))
        }
    }

    /// As few bytes of `right` as tell it from `left`, where both are of one kind. So a key in the
    /// middle of the tree may be packed and shorter than a hash.
    fn separator<'a>(left: &'a [u8], right: &'a [u8]) -> Cow<'a, [u8]> {
        let common = left.iter().zip(right).take_while(|(l, r)| l == r).count();
        let mut shortest = common + 1;
        if tag(right).is_none() {
            // The bytes that go on with a character.
            while right.get(shortest).is_some_and(|byte| byte >> 6 == 0b10) {
                shortest += 1;
            }
        }
        let is_shorter = shortest < left.len().min(right.len());
        let shortened = right.get(..shortest).filter(|_| is_shorter);
        match shortened {
            Some(shortened) if tag(left) == tag(right) => Cow::Borrowed(shortened),
            _ => Cow::Borrowed(left),
        }
    }

    fn min_encoded_key() -> Option<Cow<'static, [u8]>> {
        Some(Cow::Borrowed(b""))
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;
    use redb::{Key as _, Value as _};

    use super::{IndexKey, KeyText, Room};

    fn bytes(text: &str) -> Vec<u8> {
        KeyText::of(text).bytes().to_vec()
    }

    /// The bytes of the format. If this test fails, the indexes of a store in the field are no
    /// longer read.
    #[test]
    fn golden_bytes() {
        let digits = "0123456789abcdef".repeat(4);
        let packed = "0123456789abcdef".repeat(4);
        assert_eq!(hex::encode(bytes(&digits)), format!("ff{packed}"));
        let digest = format!("sha256:{digits}");
        assert_eq!(hex::encode(bytes(&digest)), format!("fe{packed}"));
        for text in [
            "",
            "first",
            "日本",
            digits.trim_start_matches('0'),
            &digits.to_uppercase(),
        ] {
            assert_eq!(bytes(text), text.as_bytes());
        }
        assert_eq!(IndexKey::type_name().name(), "image-store::text");
    }

    #[test]
    fn a_damaged_key_is_told() {
        for bytes in [&b"\xff"[..], b"\xff1234", &[0xfe; 34], b"\x80", b"a\xff"] {
            assert!(KeyText::stored(bytes).text(&mut Room::new()).is_err());
        }
    }

    #[test]
    fn a_key_of_schema_1_is_that_of_its_text() {
        let digits = "0123456789abcdef".repeat(4);
        for text in [digits.clone(), format!("sha256:{digits}"), "é".repeat(32)] {
            let stored = KeyText::stored(text.as_bytes());
            assert_eq!(stored.bytes(), bytes(&text));
        }
    }

    /// Texts that are packed, nearly so, and not, many of which begin with each other.
    fn texts() -> impl Strategy<Value = String> {
        let hash = prop_oneof!["0{60}[0-2a]{4}", "[0-9a-f]{64}", "ab[cd]f{61}"];
        let hash = hash.prop_map(|hash| hash).boxed();
        prop_oneof![
            hash.clone(),
            hash.clone().prop_map(|hash| format!("sha256:{hash}")),
            (hash.clone(), 0_usize..64).prop_map(|(hash, cut)| hash.split_at(cut).0.to_owned()),
            (hash.clone(), 0_usize..64)
                .prop_map(|(hash, cut)| format!("sha256:{}", hash.split_at(cut).0)),
            (hash, "[ -~é]{1,2}").prop_map(|(hash, more)| hash + &more),
            "[0-9a-g/:. é日]{0,6}",
            "sha25[5-7]:?[0-9a-f]?",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn keys_are_in_the_order_of_their_texts(one in texts(), other in texts()) {
            let (left, right) = (bytes(&one), bytes(&other));
            prop_assert_eq!(IndexKey::compare(&left, &right), one.cmp(&other));
            let beginning = KeyText::beginning(&one);
            prop_assert_eq!(IndexKey::compare(beginning.bytes(), &right), one.cmp(&other));
            prop_assert_eq!(IndexKey::compare(&left, &left), Ordering::Equal);
        }

        #[test]
        fn what_is_packed_unpacks_to_the_same_text(text in texts()) {
            prop_assert_eq!(KeyText::of(&text).to_text().unwrap(), text.as_str());
            let stored = bytes(&text);
            prop_assert_eq!(KeyText::stored(&stored).to_text().unwrap(), text);
        }

        #[test]
        fn a_separator_is_between_its_keys(mut texts in [texts(), texts()]) {
            texts.sort();
            let [left, right] = texts.each_ref().map(|text| bytes(text));
            if left != right {
                let separator = IndexKey::separator(&left, &right);
                prop_assert!(IndexKey::compare(&left, &separator).is_le());
                prop_assert!(IndexKey::compare(&separator, &right).is_lt());
                prop_assert!(separator.len() <= left.len());
            }
        }

        /// The order is total whatever the bytes are: a damaged page must not lead the engine astray.
        #[test]
        fn any_bytes_have_a_place(keys in prop::array::uniform3(damaged())) {
            let [one, two, three] = &keys;
            let compare = |one: &Vec<u8>, two: &Vec<u8>| IndexKey::compare(one, two);
            prop_assert_eq!(compare(one, two), compare(two, one).reverse());
            if compare(one, two).is_le() && compare(two, three).is_le() {
                prop_assert!(compare(one, three).is_le());
            }
            let _ = KeyText::stored(one).text(&mut Room::new());
        }
    }

    fn damaged() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop_oneof![Just(0xff), Just(0xfe), Just(b'0'), Just(b's'), any::<u8>()],
            0..6,
        )
    }
}
