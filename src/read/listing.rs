//! Pages of the listings.

use std::ops::Bound;

use redb::ReadableTable;

use crate::codec::decode_image;
use crate::engine::Outcome;
use crate::error::Result;
use crate::index;
use crate::model::Image;
use crate::read::pages::paged;
use crate::read::{DigestEntry, NameEntry, Prefix, Source, contradiction, image_at};
use crate::tables::ReadTables;

/// The images from the number `from` on, in the order of their numbers, which is that of their
/// creation.
pub(super) fn images<S: Source>(source: S, mut from: u64) -> impl Iterator<Item = Result<Image>> {
    paged(move |wanted| {
        let page = source.view(|tables| {
            let read_only = tables.read_only();
            let rows = tables.images()?.range(from..)?.take(wanted);
            rows.map(|row| {
                let (key, record) = row?;
                let number = key.value();
                let image = decode_image(number, record.value()).map(|mut image| {
                    image.read_only = read_only;
                    image
                });
                Ok((number, image))
            })
            .collect::<Outcome<Vec<_>>>()
        })?;
        if let Some((last, _)) = page.last() {
            from = last.saturating_add(1);
        }
        Ok(rows(&source, page.into_iter().map(|(_, image)| image)))
    })
}

/// The images of which an index has a row under `key`, in the order of their numbers.
pub(super) fn images_under<S: Source>(
    source: S,
    pairs: Pairs,
    key: String,
) -> impl Iterator<Item = Result<Image>> {
    let mut from = 0;
    paged(move |wanted| {
        let page = source.view(|tables| {
            let numbers = pairs.numbers(tables, &key, from, wanted)?;
            Ok(numbers
                .into_iter()
                .map(|number| {
                    let image = meant_image(tables, number, &key, |image| pairs.has(image, &key));
                    (number, image)
                })
                .collect::<Vec<_>>())
        })?;
        if let Some((last, _)) = page.last() {
            from = last.saturating_add(1);
        }
        Ok(rows(&source, page.into_iter().map(|(_, image)| image)))
    })
}

/// An index whose rows are pairs of a key and an image number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pairs {
    Digests,
    Layers,
}

impl Pairs {
    /// The image numbers of the rows under `key`, `from` on.
    fn numbers(
        self,
        tables: &impl ReadTables,
        key: &str,
        from: u64,
        wanted: usize,
    ) -> Outcome<Vec<u64>> {
        let pairs = (key, from)..=(key, u64::MAX);
        let range = match self {
            Self::Digests => tables.digests()?.range(pairs)?,
            Self::Layers => tables.layers()?.range(pairs)?,
        };
        range.take(wanted).map(|row| Ok(row?.0.value().1)).collect()
    }

    fn has(self, image: &Image, key: &str) -> bool {
        match self {
            Self::Digests => index::has_digest(image, key),
            Self::Layers => index::has_layer(image, key),
        }
    }
}

/// The image that an index row under `key` leads to, which must imply that row.
fn meant_image(
    tables: &impl ReadTables,
    number: u64,
    key: &str,
    implied: impl FnOnce(&Image) -> bool,
) -> Outcome<Image> {
    let image = image_at(tables, number)?;
    if implied(&image) {
        Ok(image)
    } else {
        Err(contradiction(key, number))
    }
}

/// IDs in ascending order.
pub(super) fn ids<S: Source>(source: S, query: Prefix<'_>) -> impl Iterator<Item = Result<String>> {
    let mut scan = Scan::new(query);
    paged(move |wanted| {
        let page = source.view(|tables| {
            let mut page = Vec::new();
            for row in tables.ids()?.range::<&str>(scan.bounds())? {
                let (id, _) = row?;
                if page.len() == wanted || !id.value().starts_with(&scan.prefix) {
                    break;
                }
                page.push(id.value().to_owned());
            }
            Ok(page)
        })?;
        scan.go_on_after(page.last());
        Ok(page.into_iter().map(Ok).collect())
    })
}

/// Names in ascending order, with the images that have them.
pub(super) fn names<S: Source>(
    source: S,
    query: Prefix<'_>,
) -> impl Iterator<Item = Result<NameEntry>> {
    let mut scan = Scan::new(query);
    paged(move |wanted| {
        let page = source.view(|tables| {
            let mut page = Vec::new();
            for row in tables.names()?.range::<&str>(scan.bounds())? {
                let (name, number) = row?;
                if page.len() == wanted || !name.value().starts_with(&scan.prefix) {
                    break;
                }
                let (name, number) = (name.value(), number.value());
                let image = meant_image(tables, number, name, |image| index::has_name(image, name));
                page.push((name.to_owned(), image.map(|image| image.id)));
            }
            Ok(page)
        })?;
        scan.go_on_after(page.last().map(|(name, _)| name));
        let entries = page
            .into_iter()
            .map(|(name, id)| id.map(|id| NameEntry { name, id }));
        Ok(rows(&source, entries))
    })
}

/// Digests in ascending order, with the images that have them.
pub(super) fn digests<S: Source>(
    source: S,
    query: Prefix<'_>,
) -> impl Iterator<Item = Result<DigestEntry>> {
    let scan = Scan::new(query);
    let mut start = match &scan.start {
        Bound::Excluded(after) => Bound::Excluded((after.clone(), u64::MAX)),
        Bound::Included(from) => Bound::Included((from.clone(), 0)),
        Bound::Unbounded => Bound::Unbounded,
    };
    paged(move |wanted| {
        let page = source.view(|tables| {
            let from = start
                .as_ref()
                .map(|(digest, number)| (digest.as_str(), *number));
            let mut page = Vec::new();
            for row in tables.digests()?.range((from, Bound::Unbounded))? {
                let (pair, _) = row?;
                let (digest, number) = pair.value();
                if page.len() == wanted || !digest.starts_with(&scan.prefix) {
                    break;
                }
                let image = meant_image(tables, number, digest, |image| {
                    index::has_digest(image, digest)
                });
                page.push((digest.to_owned(), number, image.map(|image| image.id)));
            }
            Ok(page)
        })?;
        if let Some((digest, number, _)) = page.last() {
            start = Bound::Excluded((digest.clone(), *number));
        }
        let entries = page
            .into_iter()
            .map(|(digest, _, id)| id.map(|id| DigestEntry { digest, id }));
        Ok(rows(&source, entries))
    })
}

/// How far a scan by prefix has come.
struct Scan {
    prefix: String,
    start: Bound<String>,
}

impl Scan {
    fn new(query: Prefix<'_>) -> Self {
        Self {
            prefix: query.text().to_owned(),
            start: query.start().map(str::to_owned),
        }
    }

    fn bounds(&self) -> (Bound<&str>, Bound<&str>) {
        (self.start.as_ref().map(String::as_str), Bound::Unbounded)
    }

    fn go_on_after(&mut self, last: Option<&String>) {
        if let Some(last) = last {
            self.start = Bound::Excluded(last.clone());
        }
    }
}

/// Says of failed rows which store they are in.
fn rows<S: Source, T>(source: &S, page: impl Iterator<Item = Outcome<T>>) -> Vec<Result<T>> {
    page.map(|row| row.map_err(|failure| source.error(failure)))
        .collect()
}
