//! How the commands take images on the command line.

use clap::Args;

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

/// The value of a flag as it is given on the command line: JSON, or else a text.
pub(crate) fn flag_value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
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
        assert_eq!(flag_value("true"), json!(true));
        assert_eq!(flag_value(r#"{"a": [1]}"#), json!({"a": [1]}));
        assert_eq!(flag_value("\"1\""), json!("1"));
        assert_eq!(flag_value("plain words"), json!("plain words"));
        assert_eq!(flag_value(""), json!(""));
    }
}
