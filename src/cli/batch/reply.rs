//! Replies, and the JSON text they are written as.

use std::path::Path;

use image_store::{Error, ErrorKind};
use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::BadRequest;
use crate::cli::human;

/// What a request gets: the JSON text of its value, or why not.
pub(super) type Answer = Result<String, Refusal>;

/// Why a request is not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    kind: &'static str,
    message: String,
}

impl Refusal {
    /// A mutating request on a store that was opened read-only.
    pub(super) fn read_only(store: &Path) -> Self {
        let path = store.to_owned();
        Error::ReadOnly { path }.into()
    }

    /// `commit` or `abort` outside a transaction.
    pub(super) fn no_transaction() -> Self {
        Self {
            kind: "no-transaction",
            message: "no transaction is open; open one with begin".to_owned(),
        }
    }

    /// `begin` or `reopen` inside a transaction.
    pub(super) fn transaction_open() -> Self {
        Self {
            kind: "transaction-open",
            message: "a transaction is open; end it with commit or abort".to_owned(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let causes = std::iter::successors(std::error::Error::source(&error), |e| e.source());
        let message = causes.fold(error.to_string(), |message, cause| {
            format!("{message}: {cause}")
        });
        Self {
            kind: error.kind().as_str(),
            message,
        }
    }
}

impl From<BadRequest> for Refusal {
    fn from(BadRequest(message): BadRequest) -> Self {
        Self {
            kind: ErrorKind::BadRequest.as_str(),
            message,
        }
    }
}

/// A value that is not JSON after all: an imported field that was damaged in the store.
impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self {
            kind: ErrorKind::Corrupt.as_str(),
            message: format!("a stored value cannot be written as JSON: {error}"),
        }
    }
}

/// The reply to one line.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) seq: Option<Box<RawValue>>,
    pub(super) answer: Answer,
}

impl Reply {
    /// The reply as one JSON object on one line, with its line feed.
    pub(super) fn into_line(self) -> String {
        let mut line = match self.answer {
            Ok(value) => format!("{{\"ok\":{value}"),
            Err(refusal) => format!(
                "{{\"error\":{{\"kind\":{},\"message\":{}}}",
                quoted(refusal.kind),
                quoted(&human::shortened(&refusal.message)),
            ),
        };
        if let Some(seq) = self.seq {
            line.push_str(",\"seq\":");
            // As it was written: a carriage return, too, which in JSON is a space.
            line.push_str(&seq.get().replace('\r', " "));
        }
        line.push_str("}\n");
        escape_line_ends(line)
    }
}

/// Escapes what is no line end in JSON, but to many a client that splits text into lines. Outside
/// of JSON strings these characters cannot stand.
fn escape_line_ends(line: String) -> String {
    const LINE_ENDS: [(char, &str); 3] = [
        ('\u{85}', "\\u0085"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    if line.is_ascii() {
        return line;
    }
    LINE_ENDS.into_iter().fold(line, |line, (end, escape)| {
        if line.contains(end) {
            line.replace(end, escape)
        } else {
            line
        }
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The JSON text of `value`.
pub(super) fn json(value: &impl Serialize) -> Answer {
    Ok(serde_json::to_string(value)?)
}

/// The JSON text of a list, written while the list is read: it may be long.
pub(super) fn json_list<T>(
    values: impl Iterator<Item = Result<T, Error>>,
    json: impl Fn(&T) -> serde_json::Result<String>,
) -> Answer {
    let mut text = "[".to_owned();
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&json(&value?)?);
    }
    text.push(']');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::{Refusal, Reply};

    #[test]
    fn nothing_in_a_reply_ends_its_line() {
        let ends = "\n\r\u{b}\u{c}\u{1c}\u{85}\u{2028}\u{2029}é";
        let answers = [
            super::json(&ends),
            Err(Refusal {
                kind: "io",
                message: ends.to_owned(),
            }),
        ];
        for answer in answers {
            let seq = RawValue::from_string("[1,\r\"\u{2028}\"]".to_owned()).unwrap();
            let line = Reply {
                seq: Some(seq),
                answer,
            }
            .into_line();
            let (reply, end) = line.split_at(line.len() - 1);
            assert_eq!(end, "\n");
            assert!(
                !reply.contains(|c: char| c.is_control() || "\u{2028}\u{2029}".contains(c)),
                "{reply}"
            );
            let reply: serde_json::Value = serde_json::from_str(reply).unwrap();
            assert_eq!(reply["seq"], json!([1, "\u{2028}"]));
            let text = reply
                .get("ok")
                .unwrap_or_else(|| &reply["error"]["message"]);
            assert_eq!(text, ends);
        }
    }
}
