//! Lines of input, with a limit on how much of one is held in memory.

use std::io::{self, BufRead, Read as _};

/// What is kept of the buffer between lines; more is given back after a long line.
const KEEP: usize = 1 << 20;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Its bytes, without the line feed.
    Whole(&'a [u8]),
    /// It was longer than the limit of so many bytes and has been passed over.
    TooLong(u64),
}

pub(super) struct Lines<R> {
    input: R,
    limit: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R, limit: u64) -> Self {
        Self {
            input,
            limit,
            buffer: Vec::new(),
        }
    }

    /// The next line, `None` at the end of input. The last line may lack its line feed.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        self.buffer.shrink_to(KEEP);
        // One more than the limit for the line feed, or to see that there is none.
        let mut input = self.input.by_ref().take(self.limit.saturating_add(1));
        if input.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        let cut_short = input.limit() == 0;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if cut_short {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong(self.limit)));
        }
        Ok(Some(Line::Whole(&self.buffer)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines};

    fn lines(input: &str, limit: u64) -> Vec<String> {
        // A buffer of two bytes, so that lines lie across its ends.
        let mut lines = Lines::new(
            std::io::BufReader::with_capacity(2, input.as_bytes()),
            limit,
        );
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(match line {
                Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Line::TooLong(limit) => format!("more than {limit}"),
            });
        }
        all
    }

    #[test]
    fn every_line_comes_once_also_the_last_without_a_line_feed() {
        assert_eq!(lines("", 9), [""; 0]);
        assert_eq!(lines("\n", 9), [""]);
        assert_eq!(lines("a\n\nbc", 9), ["a", "", "bc"]);
        assert_eq!(lines("a\r\n", 9), ["a\r"]);
    }

    #[test]
    fn a_line_past_the_limit_is_passed_over_and_the_next_is_read() {
        assert_eq!(lines("abc\nabcd\nab\n", 3), ["abc", "more than 3", "ab"]);
        assert_eq!(lines("abcd", 3), ["more than 3"]);
        assert_eq!(lines("abc", 3), ["abc"]);
        assert_eq!(lines("abcdefghij\nx\n", 3), ["more than 3", "x"]);
    }
}
