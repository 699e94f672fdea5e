//! Splitting an `images.json` of any size into its records.
//!
//! A store of a million images has a text of a gigabyte, so the text is never in memory whole: the
//! splitter looks only for the end of each element, which takes the quotes and the brackets, and
//! leaves the rest to the reader of records. Every element is nevertheless checked, since a
//! record that is not valid JSON is refused there.

use std::io::Read;

use memchr::memchr;

use super::error::{Byte, JsonError, JsonFault};
use super::position::Position;
use super::scan::{DEPTH_LIMIT, Progress, Scan};
use super::whole::{Step, Whole};
use super::window::Window;
use crate::model::limits::MAX_RECORD;

/// Within so many bytes of its brace a record that is looked for has the name of its ID.
const LOOK_AHEAD: usize = 4 << 10;

/// Yields the elements of a JSON array as bytes.
pub(crate) struct Splitter<R> {
    text: Window<R>,
    expect: Expect,
    limit: usize,
    /// Whether the text may be damaged and is read on after that.
    salvaging: bool,
    /// How many bytes were looked at to find the ends of objects.
    #[cfg(test)]
    pub(super) looked_at: u64,
}

/// One element of the array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// Where it begins.
    pub(crate) position: Position,
    /// From its opening to its closing brace.
    pub(crate) bytes: &'a [u8],
}

/// What comes next in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Array,
    FirstElement,
    CommaOrEnd,
    Nothing,
}

impl<R: Read> Splitter<R> {
    pub(crate) fn new(input: R) -> Self {
        Self::with_limit(input, MAX_RECORD)
    }

    /// Reads a text that may be damaged. What cannot be the beginning of a record is noticed at the
    /// first byte that is wrong, so that reading on costs no more than the text is long.
    pub(super) fn salvaging(input: R) -> Self {
        Self {
            salvaging: true,
            ..Self::new(input)
        }
    }

    fn with_limit(input: R, limit: usize) -> Self {
        Self {
            text: Window::new(input),
            expect: Expect::Array,
            limit,
            salvaging: false,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// The next element, or `None` after the last. An empty text and `null` have no elements.
    ///
    /// After an error there is nothing more.
    pub(crate) fn next(&mut self) -> Result<Option<Element<'_>>, JsonError> {
        match self.find_next() {
            Ok(None) => Ok(None),
            Ok(Some(length)) => Ok(Some(self.take_element(length))),
            Err(error) => {
                self.expect = Expect::Nothing;
                self.text.close();
                Err(error)
            }
        }
    }

    /// Takes the element of this length that begins here.
    pub(super) fn take_element(&mut self, length: usize) -> Element<'_> {
        let position = self.text.position();
        self.text.take(length);
        let bytes = self.text.taken(length);
        Element { position, bytes }
    }

    /// The element of this length that begins here; it is not taken.
    pub(super) fn element(&self, length: usize) -> Element<'_> {
        Element {
            position: self.text.position(),
            bytes: self.text.rest().get(..length).unwrap_or_default(),
        }
    }

    /// Passes over what cannot be read, up to the next place that looks like the beginning of a
    /// record, which `is_record` then judges; whether there is one. What is passed over is never in
    /// memory whole.
    ///
    /// The legacy store writes the ID first, so a record begins with a brace and that field.
    ///
    /// # Errors
    ///
    /// Only those of the input.
    pub(super) fn seek_record(
        &mut self,
        is_record: impl Fn(Element<'_>) -> bool,
    ) -> Result<Option<usize>, JsonError> {
        loop {
            match memchr(b'{', self.text.rest()) {
                None => {
                    self.text.take(self.text.rest().len());
                    if self.text.has_ended() {
                        self.expect = Expect::Nothing;
                        return Ok(None);
                    }
                    self.text.fill()?;
                }
                Some(at) => {
                    self.text.take(at);
                    self.text.fill_to(LOOK_AHEAD)?;
                    if begins_with_id(self.text.rest()) {
                        match self.object_length() {
                            Ok(length) if is_record(self.element(length)) => {
                                self.expect = Expect::CommaOrEnd;
                                return Ok(Some(length));
                            }
                            Err(error) if matches!(error.fault(), JsonFault::Read(_)) => {
                                return Err(error);
                            }
                            Ok(_) | Err(_) => {}
                        }
                    }
                    self.text.take(1);
                }
            }
        }
    }

    /// The place of what comes next.
    pub(super) const fn position(&self) -> Position {
        self.text.position()
    }

    /// How many bytes of the text were taken.
    pub(crate) const fn offset(&self) -> u64 {
        self.text.position().offset
    }

    /// Moves to the next element and finds its length.
    pub(super) fn find_next(&mut self) -> Result<Option<usize>, JsonError> {
        if self.expect == Expect::Array && !self.open_array()? {
            return Ok(None);
        }
        if self.expect == Expect::Nothing {
            return Ok(None);
        }
        match self.text.peek()? {
            None => return Err(self.text.fault(JsonFault::CutShort)),
            Some(b']') => {
                self.text.take(1);
                self.expect_nothing_more()?;
                return Ok(None);
            }
            Some(b',') if self.expect == Expect::CommaOrEnd => {
                self.text.take(1);
            }
            Some(byte) if self.expect == Expect::CommaOrEnd => {
                return Err(self.unexpected(byte, "a comma or the end of the array"));
            }
            Some(_) => {}
        }
        match self.text.peek()? {
            None => Err(self.text.fault(JsonFault::CutShort)),
            Some(b'{') => {
                self.expect = Expect::CommaOrEnd;
                self.object_length().map(Some)
            }
            Some(byte) => Err(self.no_object(byte)),
        }
    }

    /// Takes what precedes the first element; false where there can be none.
    fn open_array(&mut self) -> Result<bool, JsonError> {
        self.text.fill_to(3)?;
        if self.text.rest().starts_with(b"\xef\xbb\xbf") {
            return Err(self.text.fault(JsonFault::ByteOrderMark));
        }
        match self.text.peek()? {
            None => self.expect = Expect::Nothing,
            Some(b'[') => {
                self.text.take(1);
                self.expect = Expect::FirstElement;
            }
            Some(b'n') if self.starts_with_null()? => {
                self.text.take(4);
                self.expect_nothing_more()?;
            }
            Some(0) => return Err(self.text.fault(JsonFault::NulBytes)),
            Some(_) => return Err(self.text.fault(JsonFault::NotAnArray)),
        }
        Ok(self.expect != Expect::Nothing)
    }

    fn starts_with_null(&mut self) -> Result<bool, JsonError> {
        self.text.fill_to(4)?;
        Ok(self.text.rest().starts_with(b"null"))
    }

    fn expect_nothing_more(&mut self) -> Result<(), JsonError> {
        self.expect = Expect::Nothing;
        match self.text.peek()? {
            None => Ok(()),
            Some(0) => Err(self.text.fault(JsonFault::NulBytes)),
            Some(_) => Err(self.text.fault(JsonFault::TrailingGarbage)),
        }
    }

    /// The length of the object that begins here.
    fn object_length(&mut self) -> Result<usize, JsonError> {
        let (mut scan, mut whole) = (Scan::default(), Whole::default());
        loop {
            if self.salvaging {
                #[cfg(test)]
                let before = whole.done();
                let step = whole.run(self.text.rest());
                #[cfg(test)]
                {
                    self.looked_at += (whole.done() - before) as u64;
                }
                match step {
                    Step::End(length) => return Ok(length),
                    Step::Broken(at, fault) => return Err(self.text.fault_in(at, fault)),
                    Step::More => {}
                }
            } else {
                match scan.run(self.text.rest()) {
                    Progress::End(length) => return Ok(length),
                    Progress::TooDeep(at) => {
                        let limit = DEPTH_LIMIT;
                        return Err(self.text.fault_in(at, JsonFault::TooDeep { limit }));
                    }
                    Progress::More => {}
                }
            }
            let before = self.text.rest().len();
            if before > self.limit {
                let limit = self.limit;
                return Err(self.or_nul_bytes(0, JsonFault::TooLarge { limit }));
            }
            self.text.fill()?;
            if self.text.rest().len() == before {
                return Err(self.or_nul_bytes(before, JsonFault::CutShort));
            }
        }
    }

    /// A record that does not end may have a hole in it, which is what the user must know.
    fn or_nul_bytes(&self, length: usize, fault: JsonFault) -> JsonError {
        match memchr(0, self.text.rest()) {
            Some(hole) => self.text.fault_in(hole, JsonFault::NulBytes),
            None => self.text.fault_in(length, fault),
        }
    }

    fn unexpected(&self, byte: u8, expected: &'static str) -> JsonError {
        self.text.fault(match byte {
            0 => JsonFault::NulBytes,
            byte => JsonFault::Unexpected {
                found: Byte(byte),
                expected,
            },
        })
    }

    fn no_object(&mut self, byte: u8) -> JsonError {
        match byte {
            b'n' => match self.starts_with_null() {
                Ok(true) => self.text.fault(JsonFault::NullElement),
                Ok(false) => self.unexpected(byte, "an image record"),
                Err(error) => error,
            },
            b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' => {
                self.text.fault(JsonFault::NotAnObject)
            }
            byte => self.unexpected(byte, "an image record"),
        }
    }
}

/// Whether `text` begins with a brace and, but for white space, the field `id`.
fn begins_with_id(text: &[u8]) -> bool {
    let inside = text.get(1..).unwrap_or_default().trim_ascii_start();
    let name = inside.get(..4).unwrap_or_default();
    name.eq_ignore_ascii_case(b"\"id\"")
}

#[cfg(test)]
mod tests;
