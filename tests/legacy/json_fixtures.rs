//! Promise: an images.json that podman wrote comes back to the byte.

use image_store::legacy::{ImageJson, ImagesJsonReader, ImagesJsonWriter};
use serde_json::Value;

use crate::fixtures::{Fixture, UNTOUCHED};

fn rewritten(json: &[u8]) -> Vec<u8> {
    let mut reader = ImagesJsonReader::new(json);
    let mut writer = ImagesJsonWriter::new(Vec::new()).unwrap();
    while let Some((_, record)) = reader.next_record().unwrap() {
        assert!(record.oddities.is_empty(), "{:?}", record.oddities);
        assert!(record.image.unknown_fields.is_empty());
        writer.write(&record.image).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_podman_wrote_comes_back_to_the_byte() {
    for store in UNTOUCHED {
        let json = Fixture::podman(store).json();
        let rewritten = rewritten(&json);
        assert!(
            rewritten == json,
            "{store}: {}",
            first_difference(&rewritten, &json)
        );
    }
}

#[test]
fn a_pretty_printed_file_keeps_its_values() {
    let json = Fixture::podman("E").json();
    let rewritten = rewritten(&json);
    assert!(rewritten.len() < json.len());
    let [before, after]: [Value; 2] =
        [&json, &rewritten].map(|json| serde_json::from_slice(json).unwrap());
    assert_eq!(after, before);
}

#[test]
fn odd_texts_and_numbers_are_written_as_the_legacy_library_does() {
    // Beside each value what Go's json-iterator, compatible with the standard library, makes of it.
    let record = r#"[{"id":"a\u003cb\u003e\u0026\u2028\u2029é\u0000\u0008\u000c\n\r\t\u001f\"\\/","created":"0001-01-01T00:00:00Z","flags":{"a":1,"b":{"x":[1.5,1e+21,1e-7,null,true],"y":{}},"z":-0}}]"#;
    assert_eq!(
        String::from_utf8(rewritten(record.as_bytes())).unwrap(),
        record
    );
    let loose = r#" [ { "flags" : {"z":-0.0,"b":{"y":{}, "x":[15e-1, 1000000000000000000000, 0.0000001, null, true]}, "a":1.0},
        "id" : "a<b>&\u2028\u2029\u00e9\u0000\b\f\u000a\r\t\u001f\u0022\u005c\/" } ] "#;
    assert_eq!(
        String::from_utf8(rewritten(loose.as_bytes())).unwrap(),
        record
    );
}

#[test]
fn unknown_fields_come_last_and_a_bad_date_is_not_written_again() {
    let json = r#"[{"zz":[1.50, "x"],"id":"a","created":"no date","Aa":1e400}]"#;
    let mut reader = ImagesJsonReader::new(json.as_bytes());
    let (_, record) = reader.next_record().unwrap().unwrap();
    let mut writer = ImagesJsonWriter::new(Vec::new()).unwrap();
    writer.write(&record.image).unwrap();
    assert_eq!(
        String::from_utf8(writer.finish().unwrap()).unwrap(),
        r#"[{"id":"a","created":"0001-01-01T00:00:00Z","Aa":1e400,"zz":[1.50,"x"]}]"#
    );
    let shown = serde_json::to_string(&ImageJson::new(&record.image).with_digests()).unwrap();
    assert_eq!(shown, r#"{"id":"a","created":"0001-01-01T00:00:00Z"}"#);
}

fn first_difference(one: &[u8], other: &[u8]) -> String {
    let at = one.iter().zip(other).position(|(a, b)| a != b);
    let at = at.unwrap_or(one.len().min(other.len()));
    let show = |text: &[u8]| String::from_utf8_lossy(&text[at.saturating_sub(40)..]).into_owned();
    let cut = |text: String| text.chars().take(120).collect::<String>();
    format!("at {at}: {} / {}", cut(show(one)), cut(show(other)))
}
