//! What a caller says of an image that is to be created.

use std::collections::BTreeMap;

use crate::model::Timestamp;

/// An image that is to be created: everything is optional.
///
/// # Examples
///
/// ```
/// use image_store::NewImage;
///
/// let manifest = br#"{"schemaVersion": 2}"#;
/// let image = NewImage::new()
///     .name("quay.io/example/app:1")
///     .top_layer("0f1e2d")
///     .big_data("manifest", manifest.as_slice());
/// assert_eq!(image.names, ["quay.io/example/app:1"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NewImage {
    /// The ID; a random one of 64 hexadecimal digits where it is `None` or empty.
    pub id: Option<String>,
    /// The names. Repeated ones count once; one that another image has is an error.
    pub names: Vec<String>,
    /// The names that the image has had; kept as given, [`names`](Self::names) are not added.
    pub names_history: Vec<String>,
    /// The ID of the top layer.
    pub top_layer: Option<String>,
    /// Text that belongs to the caller.
    pub metadata: String,
    /// The image's digest; that of its first manifest item where it is `None`.
    pub digest: Option<String>,
    /// When the image was created; the present time where it is `None` or [`Timestamp::ZERO`].
    pub created: Option<Timestamp>,
    /// Values that belong to the caller.
    pub flags: BTreeMap<String, serde_json::Value>,
    /// The big data items, set in this order.
    pub big_data: Vec<NewBigData>,
}

/// A big data item of a [`NewImage`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewBigData {
    /// The key of the item; not empty.
    pub key: String,
    /// The bytes.
    pub data: Vec<u8>,
    /// The digest to record; the SHA-256 of the bytes where it is `None`.
    pub digest: Option<String>,
}

impl NewImage {
    /// An image with a random ID, without names and items.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the ID.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Sets the top layer.
    #[must_use]
    pub fn top_layer(mut self, layer: impl Into<String>) -> Self {
        self.top_layer = Some(layer.into());
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Sets the digest.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// Sets the creation time.
    #[must_use]
    pub fn created(mut self, created: Timestamp) -> Self {
        self.created = Some(created);
        self
    }

    /// Sets a flag.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.flags.insert(flag.into(), value.into());
        self
    }

    /// Adds a big data item whose recorded digest is the SHA-256 of its bytes.
    #[must_use]
    pub fn big_data(self, key: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        self.item(key.into(), data.into(), None)
    }

    /// Adds a big data item with the digest to record for it.
    #[must_use]
    pub fn big_data_with_digest(
        self,
        key: impl Into<String>,
        data: impl Into<Vec<u8>>,
        digest: impl Into<String>,
    ) -> Self {
        self.item(key.into(), data.into(), Some(digest.into()))
    }

    fn item(mut self, key: String, data: Vec<u8>, digest: Option<String>) -> Self {
        self.big_data.push(NewBigData { key, data, digest });
        self
    }
}
