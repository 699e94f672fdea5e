//! Splitting an `images.json` of any size into its records.
//!
//! A store of a million images has a text of a gigabyte, so the text is never in memory whole: the
//! splitter looks only for the end of each element, which takes the quotes and the brackets, and
//! leaves the rest to the reader of records. Every element is nevertheless checked, since a
//! record that is not valid JSON is refused there.

use std::io::{self, Read};

use memchr::{memchr, memchr2};

use super::error::{Byte, JsonError, JsonFault};
use super::position::Position;
use super::whole::{Step, Whole};
use crate::model::limits::MAX_RECORD;

/// The legacy store's parser goes no deeper.
const DEPTH_LIMIT: usize = 10_000;
/// Within so many bytes of its brace a record that is looked for has the name of its ID.
const LOOK_AHEAD: usize = 4 << 10;
/// How much is asked of the input at once; much more than a record usually has.
const CHUNK: usize = 1 << 20;

/// Yields the elements of a JSON array as bytes.
pub(crate) struct Splitter<R> {
    input: R,
    /// What was read and not taken yet lies in `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The place of `start` in the text.
    at: Position,
    ended: bool,
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
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at: Position::START,
            ended: false,
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
                self.ended = true;
                self.start = self.end;
                Err(error)
            }
        }
    }

    /// Takes the element of this length that begins here.
    pub(super) fn take_element(&mut self, length: usize) -> Element<'_> {
        let position = self.at;
        let begin = self.start;
        self.take(length);
        let bytes = self.buffer.get(begin..begin + length).unwrap_or_default();
        Element { position, bytes }
    }

    /// The element of this length that begins here; it is not taken.
    pub(super) fn element(&self, length: usize) -> Element<'_> {
        Element {
            position: self.at,
            bytes: self.rest().get(..length).unwrap_or_default(),
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
            match memchr(b'{', self.rest()) {
                None => {
                    self.take(self.rest().len());
                    if self.ended {
                        self.expect = Expect::Nothing;
                        return Ok(None);
                    }
                    self.fill()?;
                }
                Some(at) => {
                    self.take(at);
                    self.fill_to(LOOK_AHEAD)?;
                    if begins_with_id(self.rest()) {
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
                    self.take(1);
                }
            }
        }
    }

    /// The place of what comes next.
    pub(super) const fn position(&self) -> Position {
        self.at
    }

    /// How many bytes of the text were taken.
    pub(crate) const fn offset(&self) -> u64 {
        self.at.offset
    }

    /// Moves to the next element and finds its length.
    pub(super) fn find_next(&mut self) -> Result<Option<usize>, JsonError> {
        if self.expect == Expect::Array && !self.open_array()? {
            return Ok(None);
        }
        if self.expect == Expect::Nothing {
            return Ok(None);
        }
        match self.peek()? {
            None => return Err(self.fault(JsonFault::CutShort)),
            Some(b']') => {
                self.take(1);
                self.expect_nothing_more()?;
                return Ok(None);
            }
            Some(b',') if self.expect == Expect::CommaOrEnd => {
                self.take(1);
            }
            Some(byte) if self.expect == Expect::CommaOrEnd => {
                return Err(self.unexpected(byte, "a comma or the end of the array"));
            }
            Some(_) => {}
        }
        match self.peek()? {
            None => Err(self.fault(JsonFault::CutShort)),
            Some(b'{') => {
                self.expect = Expect::CommaOrEnd;
                self.object_length().map(Some)
            }
            Some(byte) => Err(self.no_object(byte)),
        }
    }

    /// Takes what precedes the first element; false where there can be none.
    fn open_array(&mut self) -> Result<bool, JsonError> {
        self.fill_to(3)?;
        if self.rest().starts_with(b"\xef\xbb\xbf") {
            return Err(self.fault(JsonFault::ByteOrderMark));
        }
        match self.peek()? {
            None => self.expect = Expect::Nothing,
            Some(b'[') => {
                self.take(1);
                self.expect = Expect::FirstElement;
            }
            Some(b'n') if self.starts_with_null()? => {
                self.take(4);
                self.expect_nothing_more()?;
            }
            Some(0) => return Err(self.fault(JsonFault::NulBytes)),
            Some(_) => return Err(self.fault(JsonFault::NotAnArray)),
        }
        Ok(self.expect != Expect::Nothing)
    }

    fn starts_with_null(&mut self) -> Result<bool, JsonError> {
        self.fill_to(4)?;
        Ok(self.rest().starts_with(b"null"))
    }

    fn expect_nothing_more(&mut self) -> Result<(), JsonError> {
        self.expect = Expect::Nothing;
        match self.peek()? {
            None => Ok(()),
            Some(0) => Err(self.fault(JsonFault::NulBytes)),
            Some(_) => Err(self.fault(JsonFault::TrailingGarbage)),
        }
    }

    /// The length of the object that begins here.
    fn object_length(&mut self) -> Result<usize, JsonError> {
        let (mut scan, mut whole) = (Scan::default(), Whole::default());
        loop {
            if self.salvaging {
                #[cfg(test)]
                let before = whole.done();
                let step = whole.run(self.rest());
                #[cfg(test)]
                {
                    self.looked_at += (whole.done() - before) as u64;
                }
                match step {
                    Step::End(length) => return Ok(length),
                    Step::Broken(at, fault) => return Err(self.fault_in(at, fault)),
                    Step::More => {}
                }
            } else {
                match scan.run(self.rest()) {
                    Progress::End(length) => return Ok(length),
                    Progress::TooDeep(at) => {
                        let limit = DEPTH_LIMIT;
                        return Err(self.fault_in(at, JsonFault::TooDeep { limit }));
                    }
                    Progress::More => {}
                }
            }
            let before = self.rest().len();
            if before > self.limit {
                let limit = self.limit;
                return Err(self.or_nul_bytes(0, JsonFault::TooLarge { limit }));
            }
            self.fill()?;
            if self.rest().len() == before {
                return Err(self.or_nul_bytes(before, JsonFault::CutShort));
            }
        }
    }

    /// The next byte that is not white space; the white space is taken.
    fn peek(&mut self) -> Result<Option<u8>, JsonError> {
        loop {
            let rest = self.rest();
            let found = rest
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            let blank = found.unwrap_or(rest.len());
            let byte = rest.get(blank).copied();
            self.take(blank);
            if byte.is_some() || self.ended {
                return Ok(byte);
            }
            self.fill()?;
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn take(&mut self, length: usize) {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at = self.at.after(taken);
        self.start += length;
    }

    /// Reads until at least `length` bytes are there or the text has ended.
    fn fill_to(&mut self, length: usize) -> Result<(), JsonError> {
        while self.rest().len() < length && !self.ended {
            self.fill()?;
        }
        Ok(())
    }

    /// Reads once more.
    fn fill(&mut self) -> Result<(), JsonError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK / 2 {
            let doubled = (self.buffer.len() * 2).max(CHUNK);
            self.buffer.resize(doubled, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.input.read(room) {
            Ok(0) => self.ended = true,
            Ok(read) => self.end += read.min(room.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return self.fill(),
            Err(error) => return Err(self.fault_in(self.rest().len(), JsonFault::Read(error))),
        }
        Ok(())
    }

    fn fault(&self, fault: JsonFault) -> JsonError {
        JsonError::new(self.at, fault)
    }

    /// A fault `length` bytes from here.
    fn fault_in(&self, length: usize, fault: JsonFault) -> JsonError {
        let before = self.rest().get(..length).unwrap_or(self.rest());
        JsonError::new(self.at.after(before), fault)
    }

    /// A record that does not end may have a hole in it, which is what the user must know.
    fn or_nul_bytes(&self, length: usize, fault: JsonFault) -> JsonError {
        match memchr(0, self.rest()) {
            Some(hole) => self.fault_in(hole, JsonFault::NulBytes),
            None => self.fault_in(length, fault),
        }
    }

    fn unexpected(&self, byte: u8, expected: &'static str) -> JsonError {
        self.fault(match byte {
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
                Ok(true) => self.fault(JsonFault::NullElement),
                Ok(false) => self.unexpected(byte, "an image record"),
                Err(error) => error,
            },
            b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' => self.fault(JsonFault::NotAnObject),
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

/// How far the end of an object was searched for.
#[derive(Default)]
struct Scan {
    /// Bytes of the object that were looked at.
    done: usize,
    depth: usize,
    in_string: bool,
}

enum Progress {
    /// The object has this length.
    End(usize),
    /// The byte after this many opens one object or array too many.
    TooDeep(usize),
    /// More bytes are needed.
    More,
}

impl Scan {
    /// Goes on in `object`, which holds what it held before and perhaps more.
    fn run(&mut self, object: &[u8]) -> Progress {
        while let Some(rest) = object.get(self.done..).filter(|rest| !rest.is_empty()) {
            if self.in_string {
                match memchr2(b'"', b'\\', rest) {
                    None => self.done = object.len(),
                    Some(at) if rest.get(at) == Some(&b'"') => {
                        self.done += at + 1;
                        self.in_string = false;
                    }
                    // The byte after a backslash ends nothing. Where it is not there yet, this
                    // goes beyond the end and on from there.
                    Some(at) => self.done += at + 2,
                }
                continue;
            }
            for &byte in rest {
                self.done += 1;
                match byte {
                    b'"' => {
                        self.in_string = true;
                        break;
                    }
                    b'{' | b'[' => {
                        self.depth += 1;
                        if self.depth > DEPTH_LIMIT {
                            return Progress::TooDeep(self.done - 1);
                        }
                    }
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Progress::End(self.done);
                        }
                    }
                    _ => {}
                }
            }
        }
        Progress::More
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{DEPTH_LIMIT, JsonError, Splitter};

    /// Gives at most `step` bytes a call, as a pipe may.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(room.len()).min(self.0.len());
            let (now, later) = self.0.split_at(length);
            room[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn split(mut splitter: Splitter<impl Read>) -> (Vec<(u64, String)>, Option<JsonError>) {
        let mut elements = Vec::new();
        loop {
            match splitter.next() {
                Ok(Some(element)) => elements.push((
                    element.position.offset,
                    String::from_utf8_lossy(element.bytes).into_owned(),
                )),
                Ok(None) => return (elements, None),
                Err(error) => return (elements, Some(error)),
            }
        }
    }

    fn fault(text: &[u8]) -> String {
        let whole = split(Splitter::new(text)).1.unwrap().to_string();
        let bytewise = split(Splitter::new(Slow(text, 1))).1.unwrap().to_string();
        assert_eq!(whole, bytewise);
        whole
    }

    #[test]
    fn yields_every_element_with_its_offset_however_the_bytes_arrive() {
        let text = br#" [ {"a":"}\"\\"} ,{"b":[{},"]"]}
            , {} ] "#;
        let expected = [
            (3, r#"{"a":"}\"\\"}"#.to_owned()),
            (18, r#"{"b":[{},"]"]}"#.to_owned()),
            (47, "{}".to_owned()),
        ];
        for step in 1..=text.len() {
            let (elements, error) = split(Splitter::new(Slow(text, step)));
            assert!(error.is_none(), "{error:?}");
            assert_eq!(elements, expected);
        }
    }

    #[test]
    fn an_empty_text_and_null_have_no_elements() {
        for text in ["", " \n", "null", " null\n", "[]", "[ ]\n"] {
            let (elements, error) = split(Splitter::new(text.as_bytes()));
            assert!(elements.is_empty() && error.is_none(), "{text:?} {error:?}");
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let cases: [(&[u8], &str); 19] = [
            (b"[", "line 1, column 2 (byte 1): the text is cut short"),
            (b"[{}", "line 1, column 4 (byte 3): the text is cut short"),
            (b"[{},", "line 1, column 5 (byte 4): the text is cut short"),
            (
                b"[{\"a\n",
                "line 2, column 1 (byte 5): the text is cut short",
            ),
            (
                b"[{\"a\\",
                "line 1, column 6 (byte 5): the text is cut short",
            ),
            (b"\0\0\0", "line 1, column 1 (byte 0): NUL bytes"),
            (b"[{},\n\0\0]", "line 2, column 1 (byte 5): NUL bytes"),
            (b"[{}\0", "line 1, column 4 (byte 3): NUL bytes"),
            (b"[{\"a\":\0\0\0", "line 1, column 7 (byte 6): NUL bytes"),
            (b"[]\0", "line 1, column 3 (byte 2): NUL bytes"),
            (b"[{}] x", "line 1, column 6 (byte 5): something follows"),
            (b"null x", "line 1, column 6 (byte 5): something follows"),
            (
                b"\xef\xbb\xbf[]",
                "line 1, column 1 (byte 0): the text begins with a byte order",
            ),
            (b"{}", "line 1, column 1 (byte 0): the text is not an array"),
            (
                b"[{},null]",
                "line 1, column 5 (byte 4): an element is null",
            ),
            (
                b"[1]",
                "line 1, column 2 (byte 1): an element is not an object",
            ),
            (
                b"[{},]",
                "line 1, column 5 (byte 4): ']' where an image record",
            ),
            (
                b"[,{}]",
                "line 1, column 2 (byte 1): ',' where an image record",
            ),
            (b"[{} {}]", "line 1, column 5 (byte 4): '{' where a comma"),
        ];
        for (text, expected) in cases {
            let said = fault(text);
            assert!(said.starts_with(expected), "{text:?}: {said}");
        }
    }

    #[test]
    fn what_lies_too_deep_is_refused_where_it_does() {
        let mut text = b"[".to_vec();
        text.extend(br#"{"a":"#.repeat(DEPTH_LIMIT + 1));
        let said = fault(&text);
        let place = 1 + 5 * DEPTH_LIMIT;
        assert!(
            said.contains(&format!("(byte {place}): objects and arrays")),
            "{said}"
        );
    }

    #[test]
    fn a_record_that_never_ends_does_not_fill_the_memory() {
        let text = std::io::Cursor::new(b"[{\"a\":\"").chain(std::io::repeat(b'x'));
        let mut splitter = Splitter::with_limit(text, 10 << 20);
        let error = splitter.next().unwrap_err();
        assert!(
            error.to_string().contains("larger than 10485760 bytes"),
            "{error}"
        );
        assert_eq!(error.position().offset, 1);
        assert!(splitter.buffer.len() <= 32 << 20);
        assert!(splitter.next().unwrap().is_none());
    }

    #[test]
    fn a_failing_input_is_no_end() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the disk is gone"))
            }
        }
        let text = std::io::Cursor::new(b"[{},").chain(Failing);
        let (elements, error) = split(Splitter::new(text));
        assert_eq!(elements.len(), 1);
        assert!(error.unwrap().to_string().contains("reading failed"));
    }
}
