//! Listings of images.

use std::ops::Bound;

use redb::ReadableTable;

use crate::codec::{KeyText, Room, decode_image};
use crate::engine::Outcome;
use crate::error::Result;
use crate::index;
use crate::model::Image;
use crate::read::ahead::Fetch;
use crate::read::pages::{Listing, Page, fetch, paged, paged_once};
use crate::read::{Source, contradiction, record_at};
use crate::tables::ReadTables;

/// The images from the number `from` on, in the order of their numbers, which is that of their
/// creation.
pub(in crate::read) fn images<S: Source>(
    source: S,
    from: u64,
) -> impl Iterator<Item = Result<Image>> {
    paged(Images {
        source,
        from: Bound::Included(from),
        read_only: false,
    })
}

struct Images<S> {
    source: S,
    from: Bound<u64>,
    read_only: bool,
}

impl<S: Source> Listing for Images<S> {
    type Key = u64;
    type Item = Image;

    fn fetch(&mut self, page: &mut Page<u64>) -> Result<()> {
        let from = self.from;
        (self.from, self.read_only) = self.source.view(|tables| {
            let mut last = from;
            let mut rows = tables.images()?.lower_bound(from)?;
            while !page.is_full()
                && let Some((number, record)) = rows.next()?
            {
                page.push(number.value(), record.value());
                last = Bound::Excluded(number.value());
            }
            Ok((last, tables.read_only()))
        })?;
        Ok(())
    }

    fn read(&self, number: u64, record: &[u8]) -> Result<Image> {
        let mut image =
            decode_image(number, record).map_err(|failure| self.source.error(failure))?;
        image.read_only = self.read_only;
        Ok(image)
    }

    fn apart(&self) -> Option<Fetch<u64>> {
        Some(fetch(Images {
            source: self.source.apart()?,
            from: self.from,
            read_only: self.read_only,
        }))
    }
}

/// The images of which an index has a row under `key`, in the order of their numbers.
pub(in crate::read) fn images_under<S: Source>(
    source: &S,
    pairs: Pairs,
    key: &str,
) -> Result<impl Iterator<Item = Result<Image>>> {
    paged_once(ImagesUnder::new(source, pairs, key), move || {
        Ok(ImagesUnder::new(source.hold()?, pairs, key))
    })
}

struct ImagesUnder<S> {
    source: S,
    pairs: Pairs,
    key: String,
    from: Bound<u64>,
    read_only: bool,
}

impl<S: Source> ImagesUnder<S> {
    fn new(source: S, pairs: Pairs, key: &str) -> Self {
        Self {
            source,
            pairs,
            key: key.to_owned(),
            from: Bound::Included(0),
            read_only: false,
        }
    }
}

impl<S: Source> Listing for ImagesUnder<S> {
    /// The image number, or why its record is not there.
    type Key = Outcome<u64>;
    type Item = Image;

    fn fetch(&mut self, page: &mut Page<Outcome<u64>>) -> Result<()> {
        let Self {
            pairs, key, from, ..
        } = self;
        let read_only = self.source.view(|tables| {
            pairs.numbers(tables, key, *from, |number| {
                match record_at(tables, number) {
                    Ok(record) => page.push(Ok(number), record.value()),
                    Err(failure) => page.push(Err(failure), b""),
                }
                *from = Bound::Excluded(number);
                !page.is_full()
            })?;
            Ok(tables.read_only())
        })?;
        self.read_only = read_only;
        Ok(())
    }

    fn read(&self, number: Outcome<u64>, record: &[u8]) -> Result<Image> {
        let image = number.and_then(|number| {
            let image = decode_image(number, record)?;
            if self.pairs.has(&image, &self.key) {
                Ok(image)
            } else {
                Err(contradiction(&self.key, number))
            }
        });
        let mut image = image.map_err(|failure| self.source.error(failure))?;
        image.read_only = self.read_only;
        Ok(image)
    }
}

/// An index whose rows are pairs of a key and an image number.
#[derive(Clone, Copy, Debug)]
pub(in crate::read) enum Pairs {
    Digests,
    Layers,
}

impl Pairs {
    /// Gives `take` the image numbers of the rows under `key` in turn, until it wants no more.
    fn numbers(
        self,
        tables: &impl ReadTables,
        key: &str,
        from: Bound<u64>,
        mut take: impl FnMut(u64) -> bool,
    ) -> Outcome<()> {
        let key = KeyText::of(key);
        let from = from.map(|number| (key, number));
        let mut rows = match self {
            Self::Digests => tables.digests()?.lower_bound(from)?,
            Self::Layers => tables.layers()?.lower_bound(from)?,
        };
        while let Some((pair, ())) = rows.next()?.map(|(pair, unit)| (pair, unit.value())) {
            let (found, number) = pair.value();
            if found.bytes() != key.bytes() {
                // A key that is damaged is not the end of those that are meant.
                found.text(&mut Room::new())?;
                break;
            }
            if !take(number) {
                break;
            }
        }
        Ok(())
    }

    fn has(self, image: &Image, key: &str) -> bool {
        match self {
            Self::Digests => index::has_digest(image, key),
            Self::Layers => index::has_layer(image, key),
        }
    }
}
