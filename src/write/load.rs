//! Filling a store that nobody sees yet with many images.

use std::collections::BTreeMap;
use std::mem;
use std::path::Path;

use crate::codec::{Sealed, Unsealed, decode_image, encode_unnumbered};
use crate::content::{Encoded, Stored};
use crate::engine::{Failure, Outcome};
use crate::index::{OwnedRows, Rows};
use crate::model::{ContentHash, Image};
use crate::tables::WriteTables;
use crate::write::legacy_record::{Displaced, insert_legacy};
use crate::write::pending::Pending;

/// An image that is ready to be loaded. Making this is most of the work, and needs no store: many
/// threads can do it for one that writes. It is a few pieces of memory, where the image is dozens.
#[derive(Debug)]
pub(crate) struct Loadable {
    id: String,
    rows: OwnedRows,
    record: Outcome<Unsealed>,
    /// Numbers in these need not be the same to the last digit once they are read back.
    flags: BTreeMap<String, serde_json::Value>,
}

impl Loadable {
    /// Makes an image ready whose digests follow from its record already.
    pub(crate) fn new(image: Image) -> Self {
        Self {
            rows: Rows::of(Some(&image)).into(),
            record: encode_unnumbered(&image),
            id: image.id,
            flags: image.flags,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How many names the image has; one that is listed twice is one.
    pub(crate) fn names(&self) -> u64 {
        self.rows.names() as u64
    }

    /// How many of its items have bytes.
    pub(crate) fn items(&self) -> u64 {
        self.rows.references()
    }

    /// Takes the image out.
    pub(crate) fn take_image(&mut self) -> Outcome<Image> {
        let number = 0;
        let mut sealed = Vec::new();
        encoded(&mut self.record)?.seal_onto(Sealed::Record(number), &mut sealed);
        let mut image = decode_image(number, &sealed)?;
        image.flags = mem::take(&mut self.flags);
        Ok(image)
    }
}

/// A record, or why there is none; that is told once.
fn encoded(record: &mut Outcome<Unsealed>) -> Outcome<&Unsealed> {
    let told = || Failure::corrupt("a record that could not be encoded is asked for again");
    record
        .as_mut()
        .map(|record| &*record)
        .map_err(|failure| mem::replace(failure, told()))
}

/// Images on their way into the tables of a store that had none.
///
/// Only what contradicts an image before, its ID or a name, is put into the tables at once, after
/// all that waits.
pub(crate) struct Load {
    pending: Pending,
    /// Whether nothing was taken away or written in pieces of unknown number.
    is_packed: bool,
}

impl Load {
    /// Begins to fill an empty store. What does not fit into memory waits in files in this folder,
    /// without names.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            pending: Pending::new(folder),
            is_packed: true,
        }
    }

    /// Whether no more than a few pages can have become free between others.
    pub(crate) const fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// As [`put_encoded`](super::put_encoded).
    pub(crate) fn put(
        &mut self,
        tables: &WriteTables<'_>,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Outcome<Stored> {
        let contents = &mut self.pending.contents;
        contents.put_encoded(tables, hash, size, encoded)
    }

    /// Whether the bytes of this hash are stored.
    pub(crate) fn has(&mut self, tables: &WriteTables<'_>, hash: &ContentHash) -> Outcome<bool> {
        Ok(self.pending.contents.find(tables, hash)?.is_some())
    }

    /// Lets `store` store bytes that are not stored yet, as [`put_content`](super::put_content).
    pub(crate) fn put_stream(
        &mut self,
        tables: &mut WriteTables<'_>,
        store: impl FnOnce(&mut WriteTables<'_>) -> Outcome<Stored>,
    ) -> Outcome<Stored> {
        self.is_packed = false;
        self.pending.contents.put_stream(tables, store)
    }

    /// As [`insert_legacy`].
    pub(crate) fn insert(
        &mut self,
        tables: &mut WriteTables<'_>,
        image: &mut Loadable,
    ) -> Outcome<Displaced> {
        let rows = image.rows.rows();
        if self.pending.rows.note(&rows) {
            self.is_packed = false;
            self.finish(tables)?;
            return insert_legacy(tables, image.take_image()?);
        }
        let number = self.pending.next_number(tables)?;
        let record = encoded(&mut image.record)?;
        self.pending.add(tables, number, record, &rows)?;
        Ok(Displaced {
            names: Vec::new(),
            image: None,
        })
    }

    /// Writes everything that waits.
    pub(crate) fn finish(&mut self, tables: &mut WriteTables<'_>) -> Outcome<()> {
        self.pending.finish(tables)
    }
}

#[cfg(test)]
mod tests {
    use super::Loadable;
    use crate::model::{BigDataItem, ContentHash, Image};

    /// An image that contradicts one before it is put into the tables as such.
    #[test]
    fn what_is_ready_to_be_loaded_is_the_image_yet() {
        let item = BigDataItem {
            size: Some(1),
            digest: Some("sha256:cut".into()),
            content: Some(ContentHash::of(b"a")),
        };
        let mut image = Image {
            id: "ab".repeat(32),
            names: vec!["b".into(), "a".into(), "b".into()],
            names_history: vec!["b".into(), "c".into()],
            big_data_names: vec!["k".into(), "k".into()],
            big_data: [("k".into(), item.clone()), ("j".into(), item)].into(),
            created: "2020-02-29T23:59:59.000000001+05:30".parse().ok(),
            flags: [("f".into(), serde_json::json!([1.1e-300, null]))].into(),
            unknown_fields: [("u".into(), "1.50".into())].into(),
            ..Image::default()
        };
        image.recompute_digests();
        let mut loadable = Loadable::new(image.clone());
        assert_eq!(
            (loadable.id(), loadable.names(), loadable.items()),
            (image.id.as_str(), 2, 2)
        );
        assert_eq!(loadable.take_image().unwrap(), image);
    }
}
