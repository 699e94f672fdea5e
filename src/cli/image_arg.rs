//! How the commands take images on the command line.

use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

/// One image.
#[derive(Debug, Args)]
pub(crate) struct ImageArg {
    /// The image: an ID, a name, or an unambiguous prefix of an ID
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
}

/// `NAME=VALUE`, split at the first equals sign; `None` where there is none.
pub(crate) fn pair(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    }
}

/// The value of a flag as it is given on the command line: JSON, or else a text. What is meant as
/// JSON and is none, or cannot be kept, is no text.
pub(crate) fn flag_value(text: &str) -> Result<Value, String> {
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let begins_so = text.trim_start().starts_with(['[', '{', '"']);
    // Numbers that no number here can hold are JSON as well.
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    if begins_so || is_json {
        return Err(format!(
            "it cannot be taken as JSON: {error}; a text that looks so is given as a JSON string, \
             \"…\""
        ));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{flag_value, pair};

    #[test]
    fn only_the_first_equals_sign_counts() {
        assert_eq!(pair("a=b=c"), ("a", Some("b=c")));
        assert_eq!(pair("a="), ("a", Some("")));
        assert_eq!(pair("a"), ("a", None));
    }

    #[test]
    fn a_flag_is_json_or_else_text() {
        for (text, value) in [
            ("true", json!(true)),
            (r#"{"a": [1]}"#, json!({"a": [1]})),
            ("\"1\"", json!("1")),
            ("1e300", json!(1e300)),
            ("plain words", json!("plain words")),
            ("nul", json!("nul")),
            ("1.2.3", json!("1.2.3")),
            ("", json!("")),
        ] {
            assert_eq!(flag_value(text), Ok(value));
        }
    }

    /// It was kept as a text.
    #[test]
    fn what_is_meant_as_json_is_no_text() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [
            "1e400",
            "-1e400",
            r#""\ud800""#,
            "[1,",
            "{a}",
            " \"x",
            &deep,
        ] {
            assert!(flag_value(text).is_err(), "{text}");
        }
    }
}
