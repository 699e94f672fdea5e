//! JSON to the byte as the legacy store's library writes it.
//!
//! It is the compact form of the Go library `json-iterator` in the mode that is compatible with the
//! standard library: what HTML or JavaScript could stumble over is escaped, of the control
//! characters only line feed, carriage return and tab have short escapes, and floats have an
//! exponent below 1e-6 and from 1e21.

use std::io::{self, Write};

use serde_json::ser::{CharEscape, Formatter};

/// The formatter for `serde_json::Serializer::with_formatter`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GoFormat;

impl Formatter for GoFormat {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
            let (before, with) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(character))?;
            rest = with.strip_prefix(character).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let text: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::Backspace => b"\\u0008",
            CharEscape::FormFeed => b"\\u000c",
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04x}"),
        };
        writer.write_all(text)
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            return match text.split_once("e-") {
                Some(_) => write!(writer, "{text}"),
                None => write!(writer, "{}", text.replace('e', "e+")),
            };
        }
        write!(writer, "{value}")
    }
}

/// Characters besides the control characters, the quote and the backslash that are escaped.
const fn is_escaped(character: char) -> bool {
    matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::GoFormat;

    fn go(value: impl Serialize) -> String {
        let mut out = Vec::new();
        value
            .serialize(&mut serde_json::Serializer::with_formatter(
                &mut out, GoFormat,
            ))
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_what_the_legacy_library_escapes() {
        let text = "a<b>&\u{2028}\u{2029}é名😀\u{7f}/'\"\\";
        let expected =
            r#""a\u003cb\u003e\u0026\u2028\u2029é名😀"#.to_owned() + "\u{7f}" + r#"/'\"\\""#;
        assert_eq!(go(text), expected);
        let controls: String = (0..32u8).map(char::from).collect();
        let expected: String = (0..32u8)
            .map(|byte| match byte {
                b'\n' => "\\n".to_owned(),
                b'\r' => "\\r".to_owned(),
                b'\t' => "\\t".to_owned(),
                byte => format!("\\u{byte:04x}"),
            })
            .collect();
        assert_eq!(go(&controls), format!("\"{expected}\""));
    }

    #[test]
    fn writes_floats_as_the_legacy_library_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (12.0, "12"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100_000_000_000_000_000_000.0, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e21, "-2.5e+21"),
            (1e300, "1e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-10, "1.25e-10"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ] {
            assert_eq!(go(value), expected);
        }
    }
}
