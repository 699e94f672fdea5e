//! Where in a JSON text something is.

use std::fmt;

use memchr::{memchr_iter, memrchr};

/// A place in a JSON text.
///
/// # Examples
///
/// ```
/// # use image_store::legacy::ImagesJsonReader;
/// let error = ImagesJsonReader::new(b"[\n  null]".as_slice()).next_record().unwrap_err();
/// assert_eq!(error.position().to_string(), "line 2, column 3 (byte 4)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1, in bytes.
    pub column: u64,
}

impl Position {
    /// The first byte of a text.
    pub(crate) const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    /// The place that follows `bytes`, which begin here.
    pub(crate) fn after(self, bytes: &[u8]) -> Self {
        let newlines = count(memchr_iter(b'\n', bytes).count());
        let column = match memrchr(b'\n', bytes) {
            None => self.column + count(bytes.len()),
            Some(last) => count(bytes.len() - last),
        };
        Self {
            offset: self.offset + count(bytes.len()),
            line: self.line + newlines,
            column,
        }
    }

    /// The place at `line` and `column` (both from 1) of `text`, which begins here. What lies
    /// outside of the text counts as its end.
    pub(crate) fn within(self, text: &[u8], line: usize, column: usize) -> Self {
        let line_start = match line.checked_sub(2) {
            None => 0,
            Some(newlines_before) => memchr_iter(b'\n', text)
                .nth(newlines_before)
                .map_or(text.len(), |newline| newline + 1),
        };
        let end = (line_start + column.saturating_sub(1)).min(text.len());
        self.after(text.get(..end).unwrap_or(text))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset,
            line,
            column,
        } = self;
        write!(f, "line {line}, column {column} (byte {offset})")
    }
}

/// No text in memory has more bytes than a `u64` can count.
fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn lines_and_columns_begin_at_one() {
        let text = b"ab\ncd\n\nef";
        let places: Vec<_> = (0..=text.len())
            .map(|end| Position::START.after(&text[..end]))
            .map(|position| (position.offset, position.line, position.column))
            .collect();
        assert_eq!(
            places,
            [
                (0, 1, 1),
                (1, 1, 2),
                (2, 1, 3),
                (3, 2, 1),
                (4, 2, 2),
                (5, 2, 3),
                (6, 3, 1),
                (7, 4, 1),
                (8, 4, 2),
                (9, 4, 3)
            ]
        );
    }

    #[test]
    fn a_place_in_a_record_is_a_place_in_the_file() {
        let start = Position::START.after(b"[\n  ");
        let record = b"{\n\"id\": 5}";
        let here = start.within(record, 2, 7);
        assert_eq!((here.offset, here.line, here.column), (12, 3, 7));
        let first_line = start.within(record, 1, 1);
        assert_eq!(first_line, start);
        assert_eq!(start.within(record, 9, 9), start.after(record));
    }
}
