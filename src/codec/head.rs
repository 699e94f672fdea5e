//! The beginning of a record.

use crate::codec::packed::PackedText;
use crate::codec::{Sealed, decode_beginning, unseal};
use crate::engine::Outcome;

/// The fields that a record begins with, which are all that some lookups need.
#[derive(bincode::Encode, bincode::BorrowDecode)]
pub(super) struct Head<'a> {
    pub(super) id: PackedText<'a>,
    pub(super) digest: Option<PackedText<'a>>,
    pub(super) names: Vec<&'a str>,
}

/// What a record says of an image's ID and names; the rest is not looked at.
pub(crate) struct ImageHead<'a>(Head<'a>);

/// Decodes the beginning of the record of image `number`.
///
/// # Errors
///
/// [`Failure::Corrupt`](crate::engine::Failure::Corrupt) with the image number.
pub(crate) fn decode_head(number: u64, sealed: &[u8]) -> Outcome<ImageHead<'_>> {
    let owner = Sealed::Record(number);
    decode_beginning(unseal(owner, sealed)?, || owner.describe()).map(ImageHead)
}

impl ImageHead<'_> {
    pub(crate) fn id(&self) -> String {
        self.0.id.unpack()
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.0.names.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::decode_head;
    use crate::codec::encode_image;
    use crate::model::Image;

    #[test]
    fn says_what_the_whole_record_says() {
        let image = Image {
            id: "ab".repeat(32),
            digest: Some("sha256:cut".into()),
            names: vec!["a".into(), "b".into()],
            names_history: vec!["c".into()],
            ..Image::default()
        };
        let sealed = encode_image(7, &image).unwrap();
        let head = decode_head(7, &sealed).unwrap();
        assert_eq!(head.id(), image.id);
        assert!(head.has_name("a") && head.has_name("b"));
        assert!(!head.has_name("c"));
    }

    #[test]
    fn damage_behind_what_it_looks_at_is_noticed_too() {
        let image = Image {
            id: "a".into(),
            metadata: "some metadata".into(),
            ..Image::default()
        };
        let mut sealed = encode_image(7, &image).unwrap();
        assert!(decode_head(8, &sealed).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(decode_head(7, &sealed).is_err());
    }
}
