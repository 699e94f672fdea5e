//! The index rows of an image, without the image.

use std::collections::BTreeMap;

use super::{Rows, set};
use crate::model::ContentHash;

/// Index rows in few pieces of memory, to be handed from thread to thread.
#[derive(Debug)]
pub(crate) struct OwnedRows {
    /// The ID, the names, the digests and the layers, one after the other.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    names: usize,
    digests: usize,
    contents: BTreeMap<ContentHash, u64>,
}

impl OwnedRows {
    /// How many names there are.
    pub(crate) const fn names(&self) -> usize {
        self.names
    }

    /// How many items refer to contents.
    pub(crate) fn references(&self) -> u64 {
        self.contents.values().sum()
    }

    pub(crate) fn rows(&self) -> Rows<'_> {
        let mut begin = 0;
        let mut texts = self.ends.iter().map(|end| {
            let text = self.text.get(begin..*end).unwrap_or_default();
            begin = *end;
            text
        });
        Rows {
            id: texts.next(),
            names: set(texts.by_ref().take(self.names)),
            digests: set(texts.by_ref().take(self.digests)),
            layers: set(texts),
            contents: self.contents.clone(),
        }
    }
}

impl From<Rows<'_>> for OwnedRows {
    fn from(rows: Rows<'_>) -> Self {
        let sets = [&rows.names, &rows.digests, &rows.layers];
        let texts = || rows.id.iter().chain(sets.into_iter().flatten());
        let mut text = String::with_capacity(texts().map(|text| text.len()).sum());
        let ends = texts().map(|next| {
            text.push_str(next);
            text.len()
        });
        Self {
            ends: ends.collect(),
            text,
            names: rows.names.len(),
            digests: rows.digests.len(),
            contents: rows.contents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OwnedRows, Rows};
    use crate::model::{BigDataItem, ContentHash, Image};

    #[test]
    fn rows_are_as_they_were() {
        let item = BigDataItem {
            content: Some(ContentHash::of(b"a")),
            ..BigDataItem::default()
        };
        let image = Image {
            id: "é1".into(),
            names: vec!["b".into(), String::new(), "b".into()],
            digests: vec!["d".into(), "c".into()],
            top_layer: Some("l".into()),
            mapped_top_layers: vec!["l".into(), "k".into()],
            big_data: [("k".into(), item.clone()), ("l".into(), item)].into(),
            ..Image::default()
        };
        for image in [image, Image::default()] {
            let owned = OwnedRows::from(Rows::of(Some(&image)));
            assert_eq!(owned.rows(), Rows::of(Some(&image)));
        }
    }
}
