//! A reader that refuses to yield more than an item may hold.

use std::io::{self, Read};

/// Yields what `input` yields, and fails where that is more than the limit.
pub(super) struct Limited<'a> {
    input: &'a mut dyn Read,
    left: u64,
    passed: bool,
}

impl<'a> Limited<'a> {
    pub(super) fn new(input: &'a mut dyn Read, limit: u64) -> Self {
        Self {
            input,
            left: limit,
            passed: false,
        }
    }

    /// Whether it failed because of the limit.
    pub(super) const fn passed_limit(&self) -> bool {
        self.passed
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => {
                self.passed = true;
                Err(io::Error::from(io::ErrorKind::FileTooLarge))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Limited;

    #[test]
    fn one_below_at_and_above_the_limit() {
        for (length, passes) in [(99, false), (100, false), (101, true)] {
            let mut input = std::io::repeat(7).take(length);
            let mut limited = Limited::new(&mut input, 100);
            let mut bytes = Vec::new();
            assert_eq!(limited.read_to_end(&mut bytes).is_err(), passes);
            assert_eq!(limited.passed_limit(), passes);
        }
    }
}
