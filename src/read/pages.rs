//! Iterators that read a page of rows at a time.
//!
//! An iterator of the engine borrows its table; one that a caller keeps must own what it reads
//! from. Reading page by page and going on after the last key does that for snapshots and
//! transactions alike, at the cost of one more descent a page.
//!
//! A page holds rows as they are stored, side by side in one buffer that the next page uses again,
//! and each becomes an image when the caller asks for it: a page of images would be a thousand small
//! allocations at a time, which the allocator and the processor's caches answer much more slowly
//! than a few that come and go.

use crate::error::Result;
use crate::read::ahead::{Ahead, Fetch};

/// Rows of the first page: a caller that wants one row should not pay for many.
const FIRST: usize = 8;
/// Rows of the largest page, from which on another thread fetches ahead: to hand a page over takes as
/// long as a few dozen rows.
const LARGEST: usize = 1024;
/// A page that holds so many bytes takes no more rows.
const FULL: usize = 512 * 1024;

/// What is listed.
pub(super) trait Listing {
    /// What a row is kept under until it is read.
    type Key: Send + 'static;
    /// What the caller gets.
    type Item;

    /// Adds rows to an empty page until it [is full](Page::is_full), going on where the last call
    /// stopped. A page that is not full is the last, and so is one that fails.
    fn fetch(&mut self, page: &mut Page<Self::Key>) -> Result<()>;

    /// Makes of a row what the caller gets. An error does not end the iteration.
    fn read(&self, key: Self::Key, value: &[u8]) -> Result<Self::Item>;

    /// [Fetches](Self::fetch) from here on in another thread; `None` where only this one can, or
    /// where it would gain nothing.
    fn apart(&self) -> Option<Fetch<Self::Key>> {
        None
    }
}

/// Fetches from where `listing` is, in any thread.
pub(super) fn fetch<L: Listing + Send + 'static>(mut listing: L) -> Fetch<L::Key> {
    Box::new(move |page| listing.fetch(page))
}

/// Rows that were fetched and not read yet.
pub(super) struct Page<K> {
    /// Each row with where its bytes end, the next row to be read last.
    rows: Vec<(K, usize)>,
    bytes: Vec<u8>,
    wanted: usize,
}

impl<K> Page<K> {
    fn new(wanted: usize) -> Self {
        Self {
            rows: Vec::new(),
            bytes: Vec::new(),
            wanted,
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
    }

    pub(super) fn push(&mut self, key: K, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.rows.push((key, self.bytes.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.wanted || self.bytes.len() >= FULL
    }
}

/// Yields what is listed.
pub(super) fn paged<L: Listing>(listing: L) -> impl Iterator<Item = Result<L::Item>> {
    Paged::new(listing)
}

/// Yields what is listed of a state that nobody holds, where the first page is all of it, and what
/// is listed of one that `held` holds, from the beginning, where it is longer.
///
/// To hold a state costs as much as to read a row of it, and what is listed by one key is mostly short.
///
/// # Errors
///
/// Those of the first page, and of `held`.
pub(super) fn paged_once<L, H>(
    present: L,
    held: impl FnOnce() -> Result<H>,
) -> Result<impl Iterator<Item = Result<L::Item>>>
where
    L: Listing,
    H: Listing<Item = L::Item>,
{
    let mut short = Paged::new(present);
    short.turn()?;
    let (short, long) = if short.ended {
        (Some(short), None)
    } else {
        (None, Some(Paged::new(held()?)))
    };
    let short = short.into_iter().flatten();
    Ok(short.chain(long.into_iter().flatten()))
}

struct Paged<L: Listing> {
    listing: L,
    page: Page<L::Key>,
    /// Fetches in the place of `listing`, once that turned out to be long.
    ahead: Option<Ahead<L::Key>>,
    /// How many of the page's bytes belong to rows that were read.
    read: usize,
    ended: bool,
}

impl<L: Listing> Paged<L> {
    fn new(listing: L) -> Self {
        Self {
            listing,
            page: Page::new(FIRST),
            ahead: None,
            read: 0,
            ended: false,
        }
    }

    fn turn(&mut self) -> Result<()> {
        self.page.clear();
        self.read = 0;
        let ahead = self.ahead.as_mut();
        let fetched = match ahead.and_then(|ahead| ahead.turn(&mut self.page)) {
            Some(fetched) => fetched,
            None => self.listing.fetch(&mut self.page),
        };
        self.ended = fetched.is_err() || !self.page.is_full();
        if self.ended {
            self.ahead = None;
        } else if self.page.wanted < LARGEST {
            self.page.wanted *= 2;
        } else if self.ahead.is_none() {
            let fetch = self.listing.apart();
            self.ahead = fetch.and_then(|fetch| Ahead::start(fetch, Page::new(LARGEST)));
        }
        // Rows are taken from the end.
        self.page.rows.reverse();
        fetched
    }
}

impl<L: Listing> Iterator for Paged<L> {
    type Item = Result<L::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.rows.is_empty()
            && !self.ended
            && let Err(error) = self.turn()
        {
            self.page.rows.clear();
            return Some(Err(error));
        }
        let (key, end) = self.page.rows.pop()?;
        let value = self.page.bytes.get(self.read..end).unwrap_or_default();
        self.read = end;
        Some(self.listing.read(key, value))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{FIRST, FULL, LARGEST, Listing, Page, paged, paged_once};
    use crate::error::{Error, Result};
    use crate::read::ahead::Fetch;

    fn unknown() -> Error {
        Error::ImageUnknown {
            reference: "x".into(),
        }
    }

    /// Numbers, each with as many bytes as is said.
    #[derive(Clone)]
    struct Numbers {
        next: usize,
        count: usize,
        length: usize,
        longest_page: usize,
        /// Whether another thread may fetch, and the page that then fails.
        apart: Option<usize>,
    }

    /// The bytes of a row, which no other row of its page has.
    fn bytes_of(number: usize, length: usize) -> Vec<u8> {
        number
            .to_le_bytes()
            .into_iter()
            .cycle()
            .take(length)
            .collect()
    }

    impl Listing for Numbers {
        type Key = usize;
        type Item = usize;

        fn fetch(&mut self, page: &mut Page<usize>) -> Result<()> {
            while self.next < self.count && !page.is_full() {
                page.push(self.next, &bytes_of(self.next, self.length));
                self.next += 1;
            }
            self.longest_page = self.longest_page.max(page.bytes.len());
            assert!(self.longest_page < FULL + self.length, "a page has no end");
            Ok(())
        }

        fn read(&self, key: usize, value: &[u8]) -> Result<usize> {
            assert_eq!(value, bytes_of(key, self.length), "another row's bytes");
            Ok(key)
        }

        fn apart(&self) -> Option<Fetch<usize>> {
            let mut pages = self.apart?;
            let mut numbers = self.clone();
            Some(Box::new(move |page| {
                pages -= 1;
                numbers.fetch(page)?;
                if pages == 0 { Err(unknown()) } else { Ok(()) }
            }))
        }
    }

    fn numbers(count: usize, length: usize, apart: Option<usize>) -> Numbers {
        Numbers {
            next: 0,
            count,
            length,
            longest_page: 0,
            apart,
        }
    }

    /// Rows of all pages that the caller's own thread fetches: each is twice as long as the one
    /// before.
    const ALONE: usize = 2 * LARGEST - FIRST;

    #[test]
    fn yields_every_row_once_at_any_page_boundary() {
        let counts = [0, 1, 7, 8, 9, 23, 24, 25, 1_000].into_iter();
        let long = [0, 1, LARGEST, 3 * LARGEST + 5].map(|more| ALONE + more);
        let long = long.into_iter().flat_map(|count| [count - 1, count]);
        for (count, length) in counts
            .chain(long)
            .flat_map(|count| [(count, 0), (count, 3), (count.min(25), FULL / LARGEST * 40)])
        {
            for apart in [None, Some(usize::MAX)] {
                let rows: Result<Vec<usize>> = paged(numbers(count, length, apart)).collect();
                assert_eq!(rows.unwrap(), (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn only_what_is_longer_than_a_page_is_held() {
        for count in [0, 1, FIRST - 1, FIRST, FIRST + 1, ALONE + 5] {
            let holds = Cell::new(0);
            let rows = paged_once(numbers(count, 3, None), || {
                holds.set(holds.get() + 1);
                Ok(numbers(count, 3, None))
            });
            let rows: Result<Vec<usize>> = rows.unwrap().collect();
            assert_eq!(rows.unwrap(), (0..count).collect::<Vec<_>>());
            assert_eq!(holds.get(), usize::from(count >= FIRST), "{count}");
        }
    }

    #[test]
    fn what_cannot_be_held_fails_at_once() {
        let held = || Err::<Numbers, _>(unknown());
        assert!(paged_once(numbers(FIRST, 0, None), held).is_err());
        assert!(paged_once(numbers(1, 0, None), held).is_ok());
        assert!(paged_once(Damaged { pages: 1 }, held).is_err());
    }

    #[test]
    fn a_page_that_fails_in_another_thread_ends() {
        for failing in [1, 2, 3] {
            let mut rows = paged(numbers(usize::MAX, 3, Some(failing)));
            let read = rows.by_ref().map_while(Result::ok);
            assert!(read.eq(0..ALONE + (failing - 1) * LARGEST));
            assert!(rows.next().is_none(), "one error, and then the end");
        }
    }

    /// The second row is damaged, and the second page fails after it has found a row.
    struct Damaged {
        pages: usize,
    }

    impl Listing for Damaged {
        type Key = usize;
        type Item = usize;

        fn fetch(&mut self, page: &mut Page<usize>) -> Result<()> {
            self.pages += 1;
            if self.pages == 2 {
                page.push(0, b"");
                return Err(unknown());
            }
            while !page.is_full() {
                page.push(page.rows.len(), b"");
            }
            Ok(())
        }

        fn read(&self, key: usize, _: &[u8]) -> Result<usize> {
            if key == 1 { Err(unknown()) } else { Ok(key) }
        }
    }

    #[test]
    fn a_damaged_row_is_passed_over_and_a_failed_page_ends() {
        let rows = paged(Damaged { pages: 0 });
        let kinds: Vec<bool> = rows.map(|row| row.is_ok()).collect();
        assert_eq!(kinds.len(), 9);
        assert_eq!(kinds.iter().filter(|ok| !**ok).count(), 2);
        assert!(!kinds[1] && !kinds[8]);
    }
}
