//! Promise: a request gets the value that the protocol says, and a refusal names what was asked
//! for.

use serde_json::json;

use crate::support::Place;

#[test]
fn an_image_has_the_legacy_field_names_and_nothing_empty_but_id_and_created() {
    let place = Place::new();
    let mut batch = place.batch();
    let created = "2024-03-01T12:30:00.12+02:00";
    let image = batch.ok(json!({
        "op": "create", "id": "full", "names": ["n1", "n2", "n1"], "layer": "top",
        "metadata": "{\"k\":\"<é>\"}", "names-history": ["old"], "created": created,
        "digests": ["ignored"], "flags": {"f": [1, null, {"a": 1.5}]},
        "big-data": [{"key": "manifest", "data": "e30="}, {"key": "cfg", "data": ""}],
    }));
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let braces = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(
        image,
        json!({
            "id": "full", "digest": braces, "digests": [braces], "names": ["n1", "n2"],
            "names-history": ["old"], "layer": "top", "metadata": "{\"k\":\"<é>\"}",
            "big-data-names": ["manifest", "cfg"], "big-data-sizes": {"manifest": 2, "cfg": 0},
            "big-data-digests": {"manifest": braces, "cfg": empty}, "created": created,
            "flags": {"f": [1, null, {"a": 1.5}]},
        }),
    );
    assert_eq!(batch.ok(json!({"op": "get", "id": "n2"})), image);
    assert_eq!(batch.ok(json!({"op": "images"})), json!([image]));
    assert_eq!(
        batch.ok(json!({"op": "by-digest", "digest": braces})),
        json!([image])
    );

    let bare = batch.ok(json!({"op": "create", "id": "bare", "created": created}));
    assert_eq!(bare, json!({"id": "bare", "created": created}));
    batch.end();
}

#[test]
fn an_optional_field_that_is_null_or_empty_is_as_good_as_absent() {
    let place = Place::new();
    let mut batch = place.batch();
    let image = batch.ok(json!({
        "op": "create", "id": null, "names": null, "layer": null, "metadata": null, "digest": null,
        "digests": null, "names-history": null, "created": null, "flags": null, "big-data": null,
    }));
    assert_eq!(image.as_object().unwrap().len(), 2, "{image}");
    let image = batch.ok(json!({
        "op": "create", "id": "", "layer": "", "digest": "", "flags": {}, "big-data": [],
    }));
    assert_eq!(image.as_object().unwrap().len(), 2, "{image}");
    assert_eq!(image["id"].as_str().unwrap().len(), 64);
    batch.ok(json!({
        "op": "create", "id": "c", "big-data": [{"key": "manifest", "data": "", "digest": null}],
    }));
    batch.ok(json!({
        "op": "set-big-data", "id": "c", "key": "k", "data": "", "manifest-digest": null,
        "no-manifest-digest": null,
    }));
    let flag = json!({"op": "set-flag", "id": "c", "flag": "nothing", "value": null});
    batch.ok(flag);
    assert_eq!(
        batch.ok(json!({"op": "get", "id": "c"}))["flags"],
        json!({"nothing": null})
    );
    batch.end();
}

#[test]
fn random_ids_are_64_hex_digits_that_look_like_no_number() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.ok(json!({"op": "begin"}));
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let image = batch.ok(json!({"op": "create"}));
        let id = image["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 64);
        assert!(
            id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "{id}"
        );
        assert!(!id[..12].bytes().all(|b| b.is_ascii_digit()), "{id}");
        assert!(seen.insert(id), "an ID came twice");
    }
    batch.ok(json!({"op": "commit"}));
    batch.end();
}

#[test]
fn an_image_without_a_date_was_created_now() {
    let place = Place::new();
    let mut batch = place.batch();
    let before = image_store::Timestamp::now().unix_seconds();
    let image = batch.ok(json!({"op": "create"}));
    let after = image_store::Timestamp::now().unix_seconds();
    let created = image["created"].as_str().unwrap();
    assert!(created.ends_with('Z'), "not UTC: {created}");
    let created: image_store::Timestamp = created.parse().unwrap();
    assert!(
        (before..=after).contains(&created.unix_seconds()),
        "{created}"
    );
    batch.end();
}

#[test]
fn a_refusal_names_what_was_asked_for() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.ok(json!({
        "op": "create", "id": "ab1", "names": ["taken"],
        "big-data": [{"key": "cfg", "data": ""}],
    }));
    for n in 2..=9 {
        batch.create(&format!("ab{n}"), &[]);
    }
    for (request, kind, named) in [
        (
            json!({"op": "get", "id": "nobody"}),
            "image-unknown",
            "nobody",
        ),
        (json!({"op": "get", "id": ""}), "image-unknown", "\"\""),
        (
            json!({"op": "by-digest", "digest": "sha256:none"}),
            "image-unknown",
            "sha256:none",
        ),
        (json!({"op": "create", "id": "ab1"}), "duplicate-id", "ab1"),
        (
            json!({"op": "create", "names": ["taken"]}),
            "duplicate-name",
            "taken",
        ),
        (
            json!({"op": "create", "digest": "md5:0"}),
            "invalid-digest",
            "md5:0",
        ),
        (
            json!({"op": "create", "id": "x", "big-data": [{"key": "", "data": ""}]}),
            "invalid-big-data-name",
            "key",
        ),
        (
            json!({"op": "big-data", "id": "ab1", "key": "none"}),
            "big-data-unknown",
            "none",
        ),
        (
            json!({"op": "big-data", "id": "ab1", "key": ""}),
            "invalid-big-data-name",
            "ab1",
        ),
        (
            json!({"op": "big-data-size", "id": "ab1", "key": "none"}),
            "size-unknown",
            "none",
        ),
        (
            json!({"op": "big-data-digest", "id": "ab1", "key": "none"}),
            "digest-unknown",
            "none",
        ),
        (
            json!({"op": "set-big-data", "id": "ab1", "key": "manifest", "data": "",
            "no-manifest-digest": true}),
            "digest-unknown",
            "manifest",
        ),
        (
            json!({"op": "set-big-data", "id": "ab1", "key": "manifest", "data": "",
            "manifest-digest": "sha1:x"}),
            "invalid-digest",
            "sha1:x",
        ),
    ] {
        let (got, message) = batch.error(request.clone());
        assert_eq!(got, kind, "{request} got {message}");
        assert!(message.contains(named), "{request} got {message}");
    }
    batch.end();
}

#[test]
fn an_ambiguous_prefix_is_unknown_and_lists_up_to_ten_candidates() {
    let place = Place::new();
    let mut batch = place.batch();
    for n in 10..=21 {
        batch.create(&format!("ab{n}"), &[]);
    }
    let (kind, message) = batch.error(json!({"op": "get", "id": "ab"}));
    assert_eq!(kind, "image-unknown");
    assert!(message.contains("ambiguous"), "{message}");
    for n in 10..=19 {
        assert!(message.contains(&format!("ab{n}")), "{message}");
    }
    assert!(!message.contains("ab20"), "{message}");
    assert_eq!(batch.ok(json!({"op": "exists", "id": "ab"})), json!(false));
    assert_eq!(batch.ok(json!({"op": "exists", "id": "ab2"})), json!(false));
    assert_eq!(batch.ok(json!({"op": "exists", "id": "ab21"})), json!(true));
    batch.end();
}

#[test]
fn a_manifest_has_the_digest_that_the_caller_says() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("a", &[]);
    let given = format!("sha512:{}", "0".repeat(128));
    batch.ok(json!({
        "op": "set-big-data", "id": "a", "key": "manifest", "data": "e30=",
        "manifest-digest": given,
    }));
    // Only manifests ask the digest function; anything else is hashed.
    batch.ok(json!({
        "op": "set-big-data", "id": "a", "key": "cfg", "data": "e30=", "manifest-digest": given,
    }));
    batch.ok(json!({
        "op": "set-big-data", "id": "a", "key": "cfg2", "data": "e30=",
        "no-manifest-digest": true,
    }));
    let image = batch.ok(json!({"op": "get", "id": "a"}));
    assert_eq!(image["digest"], json!(given));
    assert_eq!(image["big-data-digests"]["manifest"], json!(given));
    for key in ["cfg", "cfg2"] {
        let digest = image["big-data-digests"][key].as_str().unwrap();
        assert!(digest.starts_with("sha256:44136fa355b3678a"), "{digest}");
    }
    batch.end();
}

#[test]
fn the_zero_time_of_the_legacy_store_is_no_time() {
    let place = Place::new();
    let mut batch = place.batch();
    for zero in ["0001-01-01T00:00:00Z", "0001-01-01T02:00:00+02:00"] {
        let image = batch.ok(json!({"op": "create", "created": zero}));
        let created = image["created"].as_str().unwrap();
        assert!(created.starts_with("20"), "{zero} was kept: {created}");
    }
}
