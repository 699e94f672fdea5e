//! Listings of IDs, names and digests.

use std::ops::Bound;

use redb::ReadableTable;

use crate::codec::{KeyText, Room, decode_head, decode_image};
use crate::engine::Outcome;
use crate::error::Result;
use crate::index;
use crate::read::ahead::Fetch;
use crate::read::pages::{Listing, Page, fetch, paged};
use crate::read::{DigestEntry, NameEntry, Prefix, Source, contradiction, record_at};
use crate::tables::ReadTables;

/// IDs in ascending order.
pub(in crate::read) fn ids<S: Source>(
    source: S,
    query: Prefix<'_>,
) -> impl Iterator<Item = Result<String>> {
    paged(Ids {
        source,
        scan: Scan::new(query),
    })
}

struct Ids<S> {
    source: S,
    scan: Scan<String>,
}

impl<S: Source> Listing for Ids<S> {
    type Key = ();
    type Item = String;

    fn fetch(&mut self, page: &mut Page<()>) -> Result<()> {
        let scan = &mut self.scan;
        self.source.view(|tables| {
            let from = scan.from(|id| KeyText::beginning(id));
            let mut rows = tables.ids()?.lower_bound(from)?;
            let mut room = Room::new();
            while let Some((id, _)) = rows.next()? {
                let id = id.value();
                if !scan.covers_all() && !scan.covers(id.text(&mut room)?) {
                    break;
                }
                page.push((), id.bytes());
                if page.is_full() {
                    scan.last = Bound::Excluded(id.to_text()?);
                    break;
                }
            }
            Ok(())
        })
    }

    fn apart(&self) -> Option<Fetch<()>> {
        let source = self.source.apart()?;
        let scan = self.scan.clone();
        Some(fetch(Ids { source, scan }))
    }

    fn read(&self, (): (), id: &[u8]) -> Result<String> {
        text(&self.source, id)
    }
}

/// Names in ascending order, with the images that have them.
pub(in crate::read) fn names<S: Source>(
    source: S,
    query: Prefix<'_>,
) -> impl Iterator<Item = Result<NameEntry>> {
    paged(Names {
        source,
        scan: Scan::new(query),
    })
}

struct Names<S> {
    source: S,
    scan: Scan<String>,
}

impl<S: Source> Listing for Names<S> {
    /// The ID of the image.
    type Key = Outcome<String>;
    type Item = NameEntry;

    fn fetch(&mut self, page: &mut Page<Outcome<String>>) -> Result<()> {
        let scan = &mut self.scan;
        self.source.view(|tables| {
            let mut rows = tables
                .names()?
                .lower_bound(scan.from::<&str>(String::as_str))?;
            while let Some((name, number)) = rows.next()? {
                let name = name.value();
                if !scan.covers(name) {
                    break;
                }
                page.push(id_of_named(tables, number.value(), name), name.as_bytes());
                if page.is_full() {
                    scan.last = Bound::Excluded(name.to_owned());
                    break;
                }
            }
            Ok(())
        })
    }

    fn read(&self, id: Outcome<String>, name: &[u8]) -> Result<NameEntry> {
        let id = id.map_err(|failure| self.source.error(failure))?;
        let name = text(&self.source, name)?;
        Ok(NameEntry { name, id })
    }
}

/// The ID of the image that an index row of `name` leads to, which must have that name.
fn id_of_named(tables: &impl ReadTables, number: u64, name: &str) -> Outcome<String> {
    let record = record_at(tables, number)?;
    let head = decode_head(number, record.value())?;
    if head.has_name(name) {
        Ok(head.id())
    } else {
        Err(contradiction(name, number))
    }
}

/// Digests in ascending order, with the images that have them.
pub(in crate::read) fn digests<S: Source>(
    source: S,
    query: Prefix<'_>,
) -> impl Iterator<Item = Result<DigestEntry>> {
    let Scan { prefix, last } = Scan::new(query);
    let last = match last {
        Bound::Excluded(after) => Bound::Excluded((after, u64::MAX)),
        Bound::Included(from) => Bound::Included((from, 0)),
        Bound::Unbounded => Bound::Unbounded,
    };
    paged(Digests {
        source,
        scan: Scan { prefix, last },
    })
}

struct Digests<S> {
    source: S,
    scan: Scan<(String, u64)>,
}

impl<S: Source> Listing for Digests<S> {
    /// The ID of the image.
    type Key = Outcome<String>;
    type Item = DigestEntry;

    fn fetch(&mut self, page: &mut Page<Outcome<String>>) -> Result<()> {
        let scan = &mut self.scan;
        self.source.view(|tables| {
            let from = scan.from(|(digest, number)| (KeyText::of(digest), *number));
            let mut rows = tables.digests()?.lower_bound(from)?;
            let mut room = Room::new();
            while let Some((pair, _)) = rows.next()? {
                let (key, number) = pair.value();
                let digest = key.text(&mut room)?;
                if !scan.covers(digest) {
                    break;
                }
                page.push(id_of_digest(tables, number, digest), key.bytes());
                if page.is_full() {
                    scan.last = Bound::Excluded((digest.to_owned(), number));
                    break;
                }
            }
            Ok(())
        })
    }

    fn read(&self, id: Outcome<String>, digest: &[u8]) -> Result<DigestEntry> {
        let id = id.map_err(|failure| self.source.error(failure))?;
        let digest = text(&self.source, digest)?;
        Ok(DigestEntry { digest, id })
    }
}

/// The ID of the image that an index row of `digest` leads to, which must have that digest.
fn id_of_digest(tables: &impl ReadTables, number: u64, digest: &str) -> Outcome<String> {
    let record = record_at(tables, number)?;
    let image = decode_image(number, record.value())?;
    if index::has_digest(&image, digest) {
        Ok(image.id)
    } else {
        Err(contradiction(digest, number))
    }
}

/// How far a scan by prefix has come.
#[derive(Clone)]
struct Scan<K> {
    prefix: String,
    /// Where the next page begins.
    last: Bound<K>,
}

impl Scan<String> {
    fn new(query: Prefix<'_>) -> Self {
        Self {
            prefix: query.text().to_owned(),
            last: query.start().map(str::to_owned),
        }
    }
}

impl<K> Scan<K> {
    const fn covers_all(&self) -> bool {
        self.prefix.is_empty()
    }

    fn covers(&self, key: &str) -> bool {
        // Comparing with nothing is no less work for some processors than with a whole key: the
        // bytes of an empty text have no address that could be read.
        self.covers_all() || key.starts_with(&self.prefix)
    }

    fn from<'a, B>(&'a self, borrow: impl FnOnce(&'a K) -> B) -> Bound<B> {
        self.last.as_ref().map(borrow)
    }
}

/// A key that was copied as it is stored.
fn text<S: Source>(source: &S, key: &[u8]) -> Result<String> {
    let text = KeyText::stored(key).to_text();
    text.map_err(|failure| source.error(failure))
}
