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
///
/// # Examples
///
/// ```
/// use image_store::{NewBigData, NewImage};
/// let image = NewImage::new().big_data("manifest", b"{}".as_slice());
/// let item: &NewBigData = &image.big_data[0];
/// assert_eq!((item.key.as_str(), item.data.as_slice()), ("manifest", &b"{}"[..]));
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new();
    /// assert!(image.id.is_none() && image.names.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the ID.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// assert_eq!(NewImage::new().id("ab12").id.as_deref(), Some("ab12"));
    /// ```
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a name.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new().name("app:1").name("app:latest");
    /// assert_eq!(image.names, ["app:1", "app:latest"]);
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Sets the top layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new().top_layer("4ff42ff59223");
    /// assert_eq!(image.top_layer.as_deref(), Some("4ff42ff59223"));
    /// ```
    #[must_use]
    pub fn top_layer(mut self, layer: impl Into<String>) -> Self {
        self.top_layer = Some(layer.into());
        self
    }

    /// Sets the metadata.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// assert_eq!(NewImage::new().metadata("{}").metadata, "{}");
    /// ```
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Sets the digest.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ContentHash, NewImage};
    /// let digest = ContentHash::of(b"{}").to_digest();
    /// let image = NewImage::new().digest(&digest);
    /// assert_eq!(image.digest, Some(digest));
    /// ```
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// Sets the creation time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new().created("2024-03-01T12:30:00Z".parse()?);
    /// assert_eq!(image.created.unwrap().unix_seconds(), 1_709_296_200);
    /// # Ok::<(), image_store::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub fn created(mut self, created: Timestamp) -> Self {
        self.created = Some(created);
        self
    }

    /// Sets a flag.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new().flag("incomplete", true);
    /// assert_eq!(image.flags["incomplete"], true);
    /// ```
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.flags.insert(flag.into(), value.into());
        self
    }

    /// Adds a big data item whose recorded digest is the SHA-256 of its bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let image = NewImage::new().big_data("manifest", b"{}".as_slice());
    /// assert_eq!(image.big_data[0].digest, None);
    /// ```
    #[must_use]
    pub fn big_data(self, key: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        self.item(key.into(), data.into(), None)
    }

    /// Adds a big data item with the digest to record for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::NewImage;
    /// let digest = format!("sha384:{}", "0".repeat(96));
    /// let image = NewImage::new().big_data_with_digest("manifest", b"{}".as_slice(), &digest);
    /// assert_eq!(image.big_data[0].digest, Some(digest));
    /// ```
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
