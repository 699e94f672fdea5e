//! Taking what is whole out of a damaged `images.json`.

use std::io::Read;

use super::error::{JsonError, JsonFault};
use super::position::Position;
use super::read;
use super::split::{Element, Splitter};

/// What comes next in a damaged text.
#[derive(Debug)]
pub(crate) enum Salvaged<'a> {
    /// A whole record.
    Record(Element<'a>),
    /// A stretch that cannot be read.
    Lost(Lost),
}

/// A stretch of a text that cannot be read.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Where it begins.
    pub(crate) begin: Position,
    /// How many bytes it has; none where something is missing.
    pub(crate) length: u64,
    /// What is wrong with it.
    pub(crate) error: JsonError,
}

/// Reads the records of a text that may be damaged anywhere.
///
/// Where the text cannot be read on, it goes on at the next record that is whole: an object that
/// begins with an ID that is not empty and has no field of a wrong type. In a stretch that was
/// overwritten with parts of other records that may be one that the engine had removed. A record in
/// which objects and arrays lie more than 128 deep in each other is not salvaged.
pub(crate) struct Salvager<R> {
    splitter: Splitter<R>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Reading,
    /// A whole record of this length comes next.
    Found(usize),
    Ended,
}

impl<R: Read> Salvager<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            splitter: Splitter::salvaging(input),
            state: State::Reading,
        }
    }

    /// What comes next, or `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// Only those of the input.
    pub(crate) fn next(&mut self) -> Result<Option<Salvaged<'_>>, JsonError> {
        let error = match self.state {
            State::Ended => return Ok(None),
            State::Found(length) => {
                self.state = State::Reading;
                return Ok(Some(Salvaged::Record(self.splitter.take_element(length))));
            }
            State::Reading => match self.splitter.find_next() {
                Ok(None) => return Ok(None),
                Ok(Some(length)) => match read::read(self.splitter.element(length)) {
                    Ok(_) => {
                        let element = self.splitter.take_element(length);
                        return Ok(Some(Salvaged::Record(element)));
                    }
                    Err(error) => error,
                },
                Err(error) if matches!(error.fault(), JsonFault::Read(_)) => return Err(error),
                Err(error) => error,
            },
        };
        let begin = self.splitter.position();
        let is_record =
            |element: Element<'_>| read::read(element).is_ok_and(|read| !read.image.id.is_empty());
        self.state = match self.splitter.seek_record(is_record)? {
            Some(length) => State::Found(length),
            None => State::Ended,
        };
        let length = self.splitter.offset() - begin.offset;
        Ok(Some(Salvaged::Lost(Lost {
            begin,
            length,
            error,
        })))
    }

    /// How many bytes of the text were taken.
    pub(crate) const fn offset(&self) -> u64 {
        self.splitter.offset()
    }
}

#[cfg(test)]
mod tests {
    use super::{Salvaged, Salvager};

    /// The IDs of the records, and between them what was lost.
    fn salvaged(text: &[u8]) -> Vec<String> {
        let mut salvager = Salvager::new(text);
        let mut all = Vec::new();
        while let Some(next) = salvager.next().unwrap() {
            all.push(match next {
                Salvaged::Record(element) => super::read::read(element).unwrap().image.id,
                Salvaged::Lost(lost) => {
                    format!(
                        "{}+{} {}",
                        lost.begin.offset,
                        lost.length,
                        lost.error.fault()
                    )
                }
            });
        }
        all
    }

    #[test]
    fn a_sound_text_loses_nothing() {
        assert_eq!(salvaged(br#"[{"id":"a"}, {"id":"b"} ] "#), ["a", "b"]);
        for text in ["", "null", "[]", " "] {
            assert_eq!(salvaged(text.as_bytes()), [""; 0]);
        }
    }

    #[test]
    fn a_text_that_is_cut_short_keeps_the_records_before() {
        assert_eq!(
            salvaged(br#"[{"id":"a"},{"id":"b","names":["#),
            [
                "a",
                "12+19 the text is cut short: it ends here, but the array is not closed"
            ]
        );
        assert_eq!(
            salvaged(br#"[{"id":"a"}"#),
            [
                "a",
                "11+0 the text is cut short: it ends here, but the array is not closed"
            ]
        );
    }

    #[test]
    fn a_hole_loses_only_the_records_that_it_touches() {
        let nul = "NUL bytes: a part of the text was never written to the disk";
        assert_eq!(
            salvaged(b"[{\"id\":\"a\"},{\"id\":\"b\",\0\0\0\0d\"},{\"id\":\"c\"}]"),
            ["a".to_owned(), format!("12+18 {nul}"), "c".to_owned()]
        );
        assert_eq!(salvaged(&[0; 4096]), [format!("0+4096 {nul}")]);
        assert_eq!(
            salvaged(b"\0\0\0\0[{\"id\":\"a\"}]"),
            [format!("0+5 {nul}"), "a".to_owned()]
        );
    }

    #[test]
    fn a_lost_stretch_that_swallows_quotes_loses_no_later_record() {
        // Between the first record's text and the second one's end something was cut out.
        let text = br#"[{"id":"a","metadata":"xs":["n"]},{"id":"b","flags":{"f":[{"id":"in"}]}},{"id":"c"}]"#;
        let ids = salvaged(text);
        assert!(ids[0].starts_with("1+"), "{ids:?}");
        assert_eq!(ids[1..], ["b", "c"]);
    }

    #[test]
    fn elements_that_are_no_records_and_what_follows_the_array_are_passed_over() {
        let ids = salvaged(br#"[null,{"id":"a"},5,{"id":6},{"id":"b"} {"id":"c"}] x [{"id":"d"}]"#);
        let ids: Vec<_> = ids.iter().filter(|id| id.len() == 1).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
    }

    /// A text made to be read again and again cost hours for a few megabytes.
    #[test]
    fn a_hostile_text_costs_no_more_than_its_length() {
        let nested = |open: &str, count: usize| format!("[{}", open.repeat(count));
        let texts = [
            nested("[", 1 << 20),
            nested("{", 1 << 20),
            nested("{\"id\":", 100_000),
            nested("{\"id\":\"", 100_000),
            nested("{\"id\":\"a\",\"x\":[", 12_000),
            nested("{\"id\":\"a\",\"x\":[{\"id\":\"b\"},", 10_000),
            nested("{\"id\":\"a\"},{\"", 60_000),
            nested("{\"id\":\"a\"},{\"x\":[", 12_000),
            nested("{\"id\":\"a\",\"flags\":[]},", 10_000),
            format!(
                "[{}{}",
                "{\"id\":\"a\",\"names\":{\"x\":".repeat(60),
                "{},".repeat(60_000)
            ),
        ];
        for text in texts {
            let mut salvager = Salvager::new(text.as_bytes());
            while salvager.next().unwrap().is_some() {}
            assert_eq!(salvager.offset(), text.len() as u64);
            let looked_at = salvager.splitter.looked_at;
            let bound = text.len() as u64 * (u64::from(super::super::whole::DEPTH) + 2);
            let beginning: String = text.chars().take(40).collect();
            assert!(
                looked_at <= bound,
                "{beginning}: {looked_at} of {}",
                text.len()
            );
        }
    }

    #[test]
    fn what_precedes_the_array_is_passed_over() {
        assert_eq!(
            salvaged(b"\xef\xbb\xbf[{\"id\":\"a\"}]").pop().unwrap(),
            "a"
        );
        assert_eq!(salvaged(br#"{"images":[{"id":"a"}]}"#)[1], "a");
    }
}
