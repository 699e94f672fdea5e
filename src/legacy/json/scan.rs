//! Finding the end of an object by its quotes and brackets.

use memchr::memchr2;

/// The legacy store's parser goes no deeper.
pub(super) const DEPTH_LIMIT: usize = 10_000;

/// How far the end of an object was searched for.
#[derive(Default)]
pub(super) struct Scan {
    /// Bytes of the object that were looked at.
    done: usize,
    depth: usize,
    in_string: bool,
}

pub(super) enum Progress {
    /// The object has this length.
    End(usize),
    /// The byte after this many opens one object or array too many.
    TooDeep(usize),
    /// More bytes are needed.
    More,
}

impl Scan {
    /// Goes on in `object`, which holds what it held before and perhaps more.
    pub(super) fn run(&mut self, object: &[u8]) -> Progress {
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
