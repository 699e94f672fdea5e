//! Finding the end of an object in a text that may be damaged.
//!
//! Counting brackets is enough in a sound text. In a damaged one an object without its end would be
//! searched up to the end of the text, and so would each of the thousands that may follow: this
//! stops at the first byte that cannot be, which is close to the damage, and does not go deep. So no
//! byte is looked at more often than objects may lie in each other.

use super::error::{Byte, JsonFault};

/// How deep objects and arrays may lie in each other; a known field is read no deeper.
pub(super) const DEPTH: u32 = 128;

/// How far an object was followed.
#[derive(Default)]
pub(super) struct Whole {
    /// Bytes of the object that were looked at.
    done: usize,
    /// What is open, the innermost in the lowest bit; a set bit is an object.
    open: u128,
    depth: u32,
    state: State,
}

/// How it stands with an object.
pub(super) enum Step {
    /// It is whole, and has this length.
    End(usize),
    /// It cannot go on like that after this many bytes.
    Broken(usize, JsonFault),
    /// More bytes are needed.
    More,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Object,
    FirstKey,
    Key,
    Colon,
    Value,
    FirstValue,
    AfterValue,
    /// In a string that is a key, or none.
    String(bool),
    Escape(bool),
    /// In a number or a word.
    Bare,
}

impl Whole {
    /// How many bytes were looked at.
    #[cfg(test)]
    pub(super) const fn done(&self) -> usize {
        self.done
    }

    /// Goes on in `object`, which holds what it held before and perhaps more.
    pub(super) fn run(&mut self, object: &[u8]) -> Step {
        for &byte in object.get(self.done..).unwrap_or_default() {
            match self.state.after(byte, self.open & 1 == 1) {
                Some(Turn::Stay(state)) => self.state = state,
                Some(Turn::Open { is_object }) => {
                    if self.depth == DEPTH {
                        let limit = DEPTH as usize;
                        return Step::Broken(self.done, JsonFault::TooDeep { limit });
                    }
                    self.depth += 1;
                    self.open = self.open << 1 | u128::from(is_object);
                    self.state = if is_object {
                        State::FirstKey
                    } else {
                        State::FirstValue
                    };
                }
                Some(Turn::Close) => {
                    self.depth -= 1;
                    self.open >>= 1;
                    self.state = State::AfterValue;
                    if self.depth == 0 {
                        return Step::End(self.done + 1);
                    }
                }
                None => return Step::Broken(self.done, self.state.fault(byte)),
            }
            self.done += 1;
        }
        Step::More
    }
}

/// What a byte does.
enum Turn {
    Stay(State),
    Open { is_object: bool },
    Close,
}

impl State {
    /// What `byte` does here, in an object or else an array; `None` where it cannot be.
    const fn after(self, byte: u8, in_object: bool) -> Option<Turn> {
        let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        Some(match (self, byte) {
            (Self::String(is_key), b'"') => Turn::Stay(if is_key {
                Self::Colon
            } else {
                Self::AfterValue
            }),
            (Self::String(is_key), b'\\') => Turn::Stay(Self::Escape(is_key)),
            (Self::String(_), 0..=0x1f) | (Self::Escape(_), 0..=0x1f) => return None,
            (Self::String(is_key) | Self::Escape(is_key), _) => Turn::Stay(Self::String(is_key)),
            (Self::Bare, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.') => {
                Turn::Stay(Self::Bare)
            }
            (Self::Bare, _) if is_blank => Turn::Stay(Self::AfterValue),
            (_, _) if is_blank => Turn::Stay(self),
            (Self::Object, b'{') => Turn::Open { is_object: true },
            (Self::FirstKey | Self::Key, b'"') => Turn::Stay(Self::String(true)),
            (Self::FirstKey, b'}') => Turn::Close,
            (Self::Colon, b':') => Turn::Stay(Self::Value),
            (Self::FirstValue, b']') => Turn::Close,
            (Self::Value | Self::FirstValue, b'"') => Turn::Stay(Self::String(false)),
            (Self::Value | Self::FirstValue, b'{') => Turn::Open { is_object: true },
            (Self::Value | Self::FirstValue, b'[') => Turn::Open { is_object: false },
            (Self::Value | Self::FirstValue, b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => {
                Turn::Stay(Self::Bare)
            }
            (Self::AfterValue | Self::Bare, b',') => {
                Turn::Stay(if in_object { Self::Key } else { Self::Value })
            }
            (Self::AfterValue | Self::Bare, b'}') if in_object => Turn::Close,
            (Self::AfterValue | Self::Bare, b']') if !in_object => Turn::Close,
            _ => return None,
        })
    }

    const fn fault(self, byte: u8) -> JsonFault {
        if byte == 0 {
            return JsonFault::NulBytes;
        }
        JsonFault::Unexpected {
            found: Byte(byte),
            expected: match self {
                Self::Object => "an image record",
                Self::FirstKey | Self::Key => "the name of a field",
                Self::Colon => "a colon",
                Self::Value | Self::FirstValue => "a value",
                Self::AfterValue | Self::Bare => "a comma or the matching bracket",
                Self::String(_) | Self::Escape(_) => "a character of a string",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH, Step, Whole};

    /// The length of the object, or where it is broken and why; `None` where it goes on.
    fn followed(text: &str, step: usize) -> Option<Result<usize, String>> {
        let mut whole = Whole::default();
        for end in (0..=text.len()).step_by(step).chain([text.len()]) {
            match whole.run(&text.as_bytes()[..end]) {
                Step::End(length) => return Some(Ok(length)),
                Step::Broken(at, fault) => return Some(Err(format!("{at}: {fault}"))),
                Step::More => {}
            }
        }
        None
    }

    #[test]
    fn a_whole_object_ends_where_it_ends_however_it_comes() {
        for object in [
            "{}",
            "{ }",
            r#"{"id":"a"}"#,
            r#"{"a":"}\"\\","b":[{},[],"]",1.5e-3,true,null , -0]}"#,
            "{ \"a\" : \n[ ] , \"b\" : { \"c\" : false } }",
        ] {
            for step in 1..=object.len() {
                let text = format!("{object},x");
                assert_eq!(followed(&text, step), Some(Ok(object.len())), "{object}");
            }
            let cut = object.strip_suffix('}').unwrap();
            assert_eq!(followed(cut, 1), None, "{cut}");
        }
    }

    #[test]
    fn what_cannot_be_is_noticed_where_it_is() {
        for (text, expected) in [
            ("{]", "1: ']' where the name of a field is expected"),
            ("{\"a\",", "4: ',' where a colon is expected"),
            ("{\"a\":}", "5: '}' where a value is expected"),
            ("{\"a\":[}", "6: '}' where a value is expected"),
            (
                "{\"a\":[1}",
                "7: '}' where a comma or the matching bracket is expected",
            ),
            (
                "{\"a\":\"x\"s\"",
                "8: 's' where a comma or the matching bracket is expected",
            ),
            (
                "{\"a\n",
                "3: the byte 0x0a where a character of a string is expected",
            ),
            ("{\"a\":\0", "5: NUL bytes"),
            ("{\"a\0", "3: NUL bytes"),
            ("x", "0: 'x' where an image record is expected"),
        ] {
            let broken = followed(text, 1).unwrap().unwrap_err();
            assert!(broken.starts_with(expected), "{text:?}: {broken}");
        }
        let depth = DEPTH as usize;
        let deep = format!("{}{}", "{\"a\":".repeat(depth), "{".repeat(2));
        let broken = followed(&deep, 1).unwrap().unwrap_err();
        assert!(
            broken.starts_with(&format!("{}: objects", 5 * depth)),
            "{broken}"
        );
        let fits = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(followed(&fits, 1), Some(Ok(fits.len())));
    }
}
