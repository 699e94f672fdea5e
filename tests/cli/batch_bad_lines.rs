//! Promise: nothing a client writes ends `batch` but end of input; whatever is wrong with a line is
//! named in its reply, and the next line is read.

use serde_json::{Value, json};

use crate::support::{Batch, Place, error_of};

/// The message of a request that must be a bad one.
#[track_caller]
fn refused(batch: &mut Batch, line: &[u8]) -> String {
    let reply = batch.ask_line(line);
    let (kind, message) = error_of(&reply);
    assert_eq!(kind, "bad-request", "{reply}");
    message
}

#[test]
fn lines_that_are_no_json_object_are_refused_and_the_next_is_read() {
    let place = Place::new();
    let mut batch = place.batch();
    let deep = "[".repeat(100_000);
    for line in [
        &b""[..],
        b" ",
        b"\r",
        b"[]",
        b"7",
        b"null",
        b"\"get\"",
        b"{",
        b"{} {}",
        b"{\"op\": \"images\"} x",
        b"{'op': 'images'}",
        b"\0",
        b"\xff\xfe",
        b"{\"op\": \"get\", \"id\": \"\xff\"}",
        b"{\"op\": \"get\", \"id\": \"\\ud800\"}",
        b"\xef\xbb\xbf{\"op\": \"images\"}",
        deep.as_bytes(),
    ] {
        refused(&mut batch, line);
    }
    assert_eq!(batch.ok(json!({"op": "images"})), json!([]));
    batch.end();
}

#[test]
fn a_field_that_is_missing_misspelt_of_another_type_or_unknown_is_named() {
    let place = Place::new();
    let mut batch = place.batch();
    for (request, named) in [
        (json!({}), "\"op\" is missing"),
        (json!({"op": 1}), "\"op\""),
        (json!({"op": null}), "\"op\""),
        (json!({"op": "frobnicate"}), "`frobnicate`"),
        (json!({"op": "Get", "id": "a"}), "`Get`"),
        (json!({"op": "get"}), "\"id\" is missing"),
        (json!({"op": "get", "ID": "a"}), "\"id\" is missing"),
        (json!({"op": "get", "id": null}), "\"id\""),
        (json!({"op": "get", "id": 7}), "\"id\""),
        (json!({"op": "get", "id": ["a"]}), "\"id\""),
        (
            json!({"op": "get", "id": "a", "key": "b"}),
            "\"key\" is not known",
        ),
        (json!({"op": "images", "id": "a"}), "\"id\" is not known"),
        (json!({"op": "begin", "x": null}), "\"x\" is not known"),
        (json!({"op": "by-digest"}), "\"digest\" is missing"),
        (
            json!({"op": "set-names", "id": "a"}),
            "\"names\" is missing",
        ),
        (
            json!({"op": "set-names", "id": "a", "names": "b"}),
            "\"names\"",
        ),
        (
            json!({"op": "set-names", "id": "a", "names": [1]}),
            "\"names\"",
        ),
        (
            json!({"op": "set-names", "id": "a", "names": null}),
            "\"names\"",
        ),
        (
            json!({"op": "set-metadata", "id": "a"}),
            "\"metadata\" is missing",
        ),
        (
            json!({"op": "set-flag", "id": "a", "flag": "f"}),
            "\"value\" is missing",
        ),
        (
            json!({"op": "clear-flag", "id": "a"}),
            "\"flag\" is missing",
        ),
        (json!({"op": "big-data", "id": "a"}), "\"key\" is missing"),
        (
            json!({"op": "add-mapped-top-layer", "id": "a"}),
            "\"layer\" is missing",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "k"}),
            "\"data\" is missing",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "k", "data": "é"}),
            "\"data\"",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "k", "data": "YQ"}),
            "\"data\"",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "k", "data": "_-=="}),
            "\"data\"",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "k", "data": "", "no-manifest-digest": 1}),
            "\"no-manifest-digest\"",
        ),
        (
            json!({"op": "set-big-data", "id": "a", "key": "manifest", "data": "",
            "manifest-digest": "sha256:0", "no-manifest-digest": true}),
            "\"manifest-digest\"",
        ),
        (json!({"op": "by-id-prefix"}), "\"prefix\" is missing"),
        (
            json!({"op": "by-id-prefix", "prefix": "", "limit": -1}),
            "\"limit\"",
        ),
        (
            json!({"op": "by-id-prefix", "prefix": "", "limit": 1.5}),
            "\"limit\"",
        ),
        (
            json!({"op": "names-with-prefix", "prefix": "", "after": 1}),
            "\"after\"",
        ),
        (
            json!({"op": "create", "created": "yesterday"}),
            "\"created\"",
        ),
        (
            json!({"op": "create", "name": "a"}),
            "\"name\" is not known",
        ),
        (json!({"op": "create", "flags": []}), "\"flags\""),
        (json!({"op": "create", "digests": [1]}), "\"digests\""),
        (json!({"op": "create", "big-data": {}}), "\"big-data\""),
        (json!({"op": "create", "big-data": [1]}), "big-data[0]"),
        (
            json!({"op": "create", "big-data": [{"key": "a"}]}),
            "\"big-data[0].data\" is missing",
        ),
        (
            json!({"op": "create", "big-data": [{"key": "a", "data": "", "digset": ""}]}),
            "\"big-data[0].digset\" is not known",
        ),
    ] {
        let message = refused(&mut batch, request.to_string().as_bytes());
        assert!(message.contains(named), "{request} got {message}");
    }
    let message = refused(&mut batch, br#"{"op": "get", "id": "a", "id": "b"}"#);
    assert_eq!(message, "the field \"id\" is given twice; give it once");
    assert_eq!(
        batch.ok(json!({"op": "images"})),
        json!([]),
        "a bad request created something"
    );
    batch.end();
}

#[test]
fn a_line_past_the_limit_is_refused_and_the_next_is_read() {
    let place = Place::new();
    let mut batch = Batch::start(place.program().args(["batch", "--max-line", "1000"]));
    let request = json!({"op": "create", "id": "long", "metadata": "x".repeat(1000)});
    let message = refused(&mut batch, request.to_string().as_bytes());
    assert!(message.contains("1000 bytes"), "{message}");
    refused(&mut batch, &vec![b'{'; 3_000_000]);
    assert_eq!(
        batch.ok(json!({"op": "exists", "id": "long"})),
        json!(false)
    );
    batch.end();
}

/// The default limit is far above what items usually are.
#[test]
fn an_item_of_megabytes_goes_through_one_line() {
    let place = Place::new();
    let mut batch = place.batch();
    let data = "MDEyMzQ1Njc4OWFi".repeat(1 << 18);
    batch.ok(json!({"op": "create", "id": "big", "big-data": [{"key": "layer", "data": data}]}));
    let size = batch.ok(json!({"op": "big-data-size", "id": "big", "key": "layer"}));
    assert_eq!(size, json!(12 << 18));
    let read = batch.ok(json!({"op": "big-data", "id": "big", "key": "layer"}));
    assert!(read == json!(data), "the bytes came back changed");
    batch.end();
}

#[test]
fn seq_comes_back_as_it_was_whatever_it_is() {
    let place = Place::new();
    let mut batch = place.batch();
    for seq in [
        "1",
        "null",
        "\"a\\u0000b\"",
        "[1, {\"a\": null}]",
        "false",
        "-0",
        "1.50",
    ] {
        for (rest, answer) in [
            (r#""op": "images""#, "ok"),
            (r#""op": "get", "id": "none""#, "error"),
            (r#""op": "nonsense""#, "error"),
            (r#""x": 1"#, "error"),
            (r#""op": "commit""#, "error"),
        ] {
            let reply = batch.ask_line(format!("{{\"seq\": {seq}, {rest}}}").as_bytes());
            let want: Value = serde_json::from_str(seq).unwrap();
            assert_eq!(reply.get("seq"), Some(&want), "{reply}");
            assert!(reply.get(answer).is_some(), "{reply}");
        }
    }
    let reply = batch.ask(json!({"op": "images"}));
    assert_eq!(reply, json!({"ok": []}), "a seq that nobody gave");
    batch.end();
}

/// A number that no float holds comes back digit by digit.
#[test]
fn a_large_seq_keeps_its_digits() {
    let place = Place::new();
    let ran = {
        let mut child = place
            .program()
            .arg("batch")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let request = b"{\"op\": \"images\", \"seq\": 123456789012345678901234567890}";
        // Without a line feed: the last line counts all the same.
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), request).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(ran.status.success());
    assert_eq!(
        String::from_utf8(ran.stdout).unwrap(),
        "{\"ok\":[],\"seq\":123456789012345678901234567890}\n",
    );
}

/// Fifty megabytes that were no image came back as fifty megabytes.
#[test]
fn a_long_reference_is_told_in_short() {
    let place = Place::new();
    let mut batch = place.batch();
    let long = "é".repeat(1_000_000);
    for request in [
        json!({"op": "get", "id": long}),
        json!({"op": long}),
        json!({"op": "get", "id": "a", (long.as_str()): 1}),
    ] {
        let (_, message) = batch.error(request);
        assert_eq!(message.chars().count(), 4_001, "{message}");
        assert!(message.contains("éé…"), "{message}");
    }
    batch.end();
    let ran = place.run(&["inspect", &"x".repeat(100_000)]);
    let (code, line) = ran.failed();
    assert_eq!(code, 1, "{line}");
    assert!(
        line.starts_with("error: no image is known as \"xx")
            && line.ends_with("xx\"; see: image-store list")
            && line.len() < 5_000,
        "{line}"
    );
}
