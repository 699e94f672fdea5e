//! Iterators that read a page of rows at a time.
//!
//! An iterator of the engine borrows its table; one that a caller keeps must own what it reads
//! from. Reading page by page and going on after the last key does that for snapshots and
//! transactions alike, at the cost of one more descent a page.

use std::vec;

use crate::error::Result;

/// Rows of the first page: a caller that wants one row should not pay for many.
const FIRST: usize = 8;
/// Rows of the largest page.
const LARGEST: usize = 256;

/// Yields rows from pages that `fetch` reads.
///
/// `fetch` is given the most rows that are wanted, and goes on where it stopped. Fewer rows than
/// wanted are the last. An error of `fetch` ends the iteration; an error in a row does not.
pub(super) fn paged<T, F>(fetch: F) -> impl Iterator<Item = Result<T>>
where
    F: FnMut(usize) -> Result<Vec<Result<T>>>,
{
    Paged {
        fetch,
        page: Vec::new().into_iter(),
        wanted: FIRST,
        ended: false,
    }
}

struct Paged<T, F> {
    fetch: F,
    page: vec::IntoIter<Result<T>>,
    wanted: usize,
    ended: bool,
}

impl<T, F: FnMut(usize) -> Result<Vec<Result<T>>>> Iterator for Paged<T, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(row);
        }
        if self.ended {
            return None;
        }
        match (self.fetch)(self.wanted) {
            Ok(page) => {
                self.ended = page.len() < self.wanted;
                self.wanted = (self.wanted * 2).min(LARGEST);
                self.page = page.into_iter();
                self.page.next()
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::paged;
    use crate::error::{Error, Result};

    fn unknown() -> Error {
        Error::ImageUnknown {
            reference: "x".into(),
        }
    }

    #[test]
    fn yields_every_row_once_at_any_page_boundary() {
        for count in [0_usize, 1, 7, 8, 9, 23, 24, 25, 1_000] {
            let mut next = 0;
            let rows = paged(|wanted| {
                let page = next..(next + wanted).min(count);
                next = page.end;
                Ok(page.map(Ok).collect())
            });
            let rows: Result<Vec<usize>> = rows.collect();
            assert_eq!(rows.unwrap(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_damaged_row_is_passed_over_and_a_failed_page_ends() {
        let mut pages = 0;
        let rows = paged(|wanted| {
            pages += 1;
            if pages == 2 {
                return Err(unknown());
            }
            let mut page: Vec<Result<u32>> = (1..).take(wanted - 1).map(Ok).collect();
            page.insert(1, Err(unknown()));
            Ok(page)
        });
        let kinds: Vec<bool> = rows.map(|row| row.is_ok()).collect();
        assert_eq!(kinds.len(), 9);
        assert_eq!(kinds.iter().filter(|ok| !**ok).count(), 2);
        assert!(!kinds[1] && !kinds[8]);
    }
}
