//! An item as a record has it.

use bincode::de::{BorrowDecode, BorrowDecoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::codec::packed::{PackedText, sha_256};
use crate::codec::tagged::tagged;
use crate::model::{BigDataItem, ContentHash, with_hex};

#[derive(bincode::Encode, bincode::BorrowDecode)]
pub(super) struct Item<'a> {
    key: ItemKey<'a>,
    size: Option<i64>,
    content: Option<[u8; 32]>,
    digest: ItemDigest<'a>,
}

/// An item key. Engines use few kinds, and most hold a digest that is the content's hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ItemKey<'a> {
    Text(&'a str),
    Manifest,
    ManifestOf([u8; 32]),
    ManifestOfContent,
    Sha256([u8; 32]),
    Content,
}

/// A recorded item digest, which mostly is the content's hash.
enum ItemDigest<'a> {
    Unknown,
    Content,
    Text(PackedText<'a>),
}

impl<'a> Item<'a> {
    pub(super) fn pack(key: &'a str, item: &'a BigDataItem) -> Self {
        let content = item.content.map(|hash| *hash.as_bytes());
        Self {
            key: ItemKey::pack(key, content),
            size: item.size,
            content,
            digest: match &item.digest {
                None => ItemDigest::Unknown,
                Some(digest) if content.is_some() && sha_256(digest) == content => {
                    ItemDigest::Content
                }
                Some(digest) => ItemDigest::Text(PackedText::pack(digest)),
            },
        }
    }

    /// An item of which nothing but its key is known.
    pub(super) fn unknown(key: &'a str) -> Self {
        Self {
            key: ItemKey::pack(key, None),
            size: None,
            content: None,
            digest: ItemDigest::Unknown,
        }
    }

    pub(super) fn unpack_key(&self) -> String {
        self.key.unpack(&self.content.unwrap_or_default())
    }

    pub(super) fn unpack(&self) -> BigDataItem {
        BigDataItem {
            size: self.size,
            digest: match self.digest {
                ItemDigest::Unknown => None,
                ItemDigest::Content => Some(with_hex("sha256:", &self.content.unwrap_or_default())),
                ItemDigest::Text(text) => Some(text.unpack()),
            },
            content: self.content.map(ContentHash::from_bytes),
        }
    }
}

impl<'a> ItemKey<'a> {
    pub(super) fn pack(key: &'a str, content: Option<[u8; 32]>) -> Self {
        if key == "manifest" {
            return Self::Manifest;
        }
        if let Some(hash) = key.strip_prefix("manifest-").and_then(sha_256) {
            return match content {
                Some(content) if content == hash => Self::ManifestOfContent,
                _ => Self::ManifestOf(hash),
            };
        }
        match sha_256(key) {
            Some(hash) if content == Some(hash) => Self::Content,
            Some(hash) => Self::Sha256(hash),
            None => Self::Text(key),
        }
    }

    pub(super) fn unpack(&self, content: &[u8; 32]) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Manifest => "manifest".to_owned(),
            Self::ManifestOf(hash) => with_hex("manifest-sha256:", hash),
            Self::ManifestOfContent => with_hex("manifest-sha256:", content),
            Self::Sha256(hash) => with_hex("sha256:", hash),
            Self::Content => with_hex("sha256:", content),
        }
    }
}

tagged!(ItemDigest<'de>: 0u8 => Unknown, 1u8 => Content, 2u8 => Text(text));
tagged!(
    ItemKey<'de>:
    0u8 => Text(text),
    1u8 => Manifest,
    2u8 => ManifestOf(hash),
    3u8 => ManifestOfContent,
    4u8 => Sha256(hash),
    5u8 => Content,
);
