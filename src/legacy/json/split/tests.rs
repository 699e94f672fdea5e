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
    assert!(splitter.text.capacity() <= 32 << 20);
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
