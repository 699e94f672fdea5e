use super::{Element, Oddity, Record, read};
use crate::legacy::json::position::Position;
use crate::model::BigDataItem;

fn record(json: &str) -> Record {
    read(element(json.as_bytes())).unwrap()
}

fn error(json: &[u8]) -> String {
    read(element(json)).unwrap_err().to_string()
}

fn element(bytes: &[u8]) -> Element<'_> {
    let position = Position::START.after(b"[");
    Element { position, bytes }
}

#[test]
fn names_of_fields_match_in_any_case() {
    let image = record(r#"{"ID": "a", "Big-Data-Names": ["k"], "LAYER": "l"}"#).image;
    assert_eq!(image.id, "a");
    assert_eq!(image.big_data_names, ["k"]);
    assert_eq!(image.top_layer.as_deref(), Some("l"));
    assert!(image.unknown_fields.is_empty());
}

#[test]
fn null_leaves_every_field_empty() {
    let nulls = record(
        r#"{"id": null, "digest": null, "names": null, "names-history": null, "layer": null,
            "mapped-layers": null, "metadata": null, "big-data-names": null,
            "big-data-sizes": null, "big-data-digests": null, "created": null, "flags": null}"#,
    );
    assert_eq!(nulls, Record::default());
    assert_eq!(record("{}"), Record::default());
}

#[test]
fn null_in_a_list_or_a_map_is_an_empty_value() {
    let image = record(r#"{"names": ["a", null], "big-data-sizes": {"k": null}}"#).image;
    assert_eq!(image.names, ["a", ""]);
    assert_eq!(image.big_data.get("k").unwrap().size, Some(0));
}

#[test]
fn of_a_repeated_field_the_last_counts_and_maps_are_joined() {
    let image = record(
        r#"{"id": "a", "names": ["x", "y"], "flags": {"f": 1, "g": 1}, "x": 1, "ID": "b",
            "names": ["z"], "Flags": {"g": 2}, "x": 2}"#,
    )
    .image;
    assert_eq!(image.id, "b");
    assert_eq!(image.names, ["z"]);
    assert_eq!(image.flags.get("f"), Some(&1.into()));
    assert_eq!(image.flags.get("g"), Some(&2.into()));
    assert_eq!(image.unknown_fields.get("x").unwrap(), "2");

    let cleared = record(
        r#"{"flags": {"f": 1}, "flags": null, "big-data-sizes": {"a": 1, "b": 1},
            "big-data-digests": {"b": ""}, "big-data-sizes": null}"#,
    );
    assert!(cleared.image.flags.is_empty());
    let items: Vec<_> = cleared.image.big_data.into_iter().collect();
    let only_a_digest = BigDataItem {
        digest: Some(String::new()),
        ..BigDataItem::default()
    };
    assert_eq!(items, [("b".to_owned(), only_a_digest)]);
}

#[test]
fn lists_keep_what_is_there_twice_and_items_need_not_be_listed() {
    let image = record(
        r#"{"names": ["a", "a"], "big-data-names": ["k", "k"], "big-data-sizes": {"other": 5}}"#,
    )
    .image;
    assert_eq!(image.names, ["a", "a"]);
    assert_eq!(image.big_data_names, ["k", "k"]);
    assert_eq!(image.big_data.keys().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn unknown_fields_are_kept_to_the_digit() {
    let image = record("{\"x\": {\"n\": [1.50, 1e400 ,\"a b\\\" \"]}, \"digests\":\n[]}").image;
    assert_eq!(
        image.unknown_fields.get("x").unwrap(),
        "{\"n\":[1.50,1e400,\"a b\\\" \"]}"
    );
    assert_eq!(image.unknown_fields.get("digests").unwrap(), "[]");
}

#[test]
fn a_bad_date_loses_neither_the_record_nor_the_text() {
    let record_ = record(r#"{"id": "a", "created": "yesterday \"noon\""}"#);
    assert_eq!(record_.image.created, None);
    assert_eq!(
        record_.image.unknown_fields.get("created").unwrap(),
        r#""yesterday \"noon\"""#
    );
    let text = "yesterday \"noon\"".to_owned();
    assert_eq!(record_.oddities, [Oddity::BadDate { text }]);

    let mended = record(r#"{"created": "no", "created": "2020-01-01T00:00:00Z"}"#);
    assert!(mended.oddities.is_empty() && mended.image.unknown_fields.is_empty());
    assert!(mended.image.created.is_some());
}

#[test]
fn malformed_digests_are_kept_and_told() {
    let read = record(r#"{"digest": "md5:0", "big-data-digests": {"manifest": "sha256:1"}}"#);
    assert_eq!(read.image.digest.as_deref(), Some("md5:0"));
    assert_eq!(
        read.oddities,
        [
            Oddity::MalformedDigest {
                key: None,
                digest: "md5:0".into()
            },
            Oddity::MalformedDigest {
                key: Some("manifest".into()),
                digest: "sha256:1".into()
            },
        ]
    );
}

#[test]
fn wrong_types_name_the_field_and_the_place() {
    let cases = [
        (
            r#"{"id": 5}"#,
            r#"line 1, column 9 (byte 8): field "id": invalid type: integer `5`"#,
        ),
        (
            r#"{"names": "a"}"#,
            r#"field "names": invalid type: string "a", expected a sequence"#,
        ),
        (
            r#"{"names": [1]}"#,
            r#"field "names": invalid type: integer `1`, expected a string"#,
        ),
        (
            r#"{"Created": 1}"#,
            r#"field "Created": invalid type: integer `1`"#,
        ),
        (
            r#"{"flags": []}"#,
            r#"field "flags": invalid type: sequence, expected a map"#,
        ),
        (
            r#"{"big-data-sizes": {"k": 1.5}}"#,
            r#"field "big-data-sizes": invalid type: float"#,
        ),
        (
            r#"{"big-data-sizes": {"k": "1"}}"#,
            r#"field "big-data-sizes": invalid type: string"#,
        ),
        (
            r#"{"big-data-digests": {"k": 1}}"#,
            r#"field "big-data-digests": invalid type"#,
        ),
    ];
    for (json, expected) in cases {
        let said = error(json.as_bytes());
        assert!(said.contains(expected), "{json}: {said}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let cases: [(&[u8], &str); 9] = [
        (
            b"{\"id\":\n \"a\",}",
            "line 2, column 6 (byte 13): trailing comma",
        ),
        (b"{\"id\": \"a\" \"b\"}", "(byte 12): expected `,` or `}`"),
        (
            b"{\"id\": \"\\ud800\"}",
            "field \"id\": unexpected end of hex escape",
        ),
        (
            b"{\"id\": \"\\udc00\"}",
            "field \"id\": lone leading surrogate in hex escape",
        ),
        (b"{\"id\": \"\\x\"}", "field \"id\": invalid escape"),
        (
            b"{\"id\": \"a\xff\"}",
            "line 1, column 11 (byte 10): bytes that are not UTF-8",
        ),
        (b"{\"id\": \"a\0\"}", "(byte 10): NUL bytes"),
        (b"{\"id\": \"a\n\"}", "control character"),
        (b"{\"id\": \"a\"]}", "(byte 11): expected `,` or `}`"),
    ];
    for (json, expected) in cases {
        let said = error(json);
        assert!(said.contains(expected), "{json:?}: {said}");
    }
}

#[test]
fn a_flag_that_lies_too_deep_is_refused_and_an_unknown_field_is_not() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let flag = error(format!("{{\"flags\": {{\"f\": {deep}}}}}").as_bytes());
    assert!(flag.contains("more than 127 deep"), "{flag}");
    let unknown = record(&format!("{{\"x\": {deep}}}")).image;
    assert_eq!(unknown.unknown_fields.get("x"), Some(&deep));
}
