//! Promise: lists by prefix are in ascending order, and `limit` and `after` page through them
//! without losing or repeating anything.

use serde_json::{Value, json};

use crate::support::{Batch, Place};

fn filled(place: &Place) -> Batch {
    let mut batch = place.batch();
    let packed = "0a".repeat(32);
    for (id, names) in [
        ("b2", &["z/last", "é"][..]),
        ("a1", &["a/one", "a/two"]),
        ("a10", &[]),
        ("A1", &["Z"]),
        (&packed, &["a"]),
    ] {
        batch.create(id, names);
    }
    batch
}

#[track_caller]
fn page(batch: &mut Batch, op: &str, prefix: &str, after: Option<&str>, limit: u64) -> Vec<Value> {
    let request = json!({"op": op, "prefix": prefix, "after": after, "limit": limit});
    batch.ok(request).as_array().unwrap().clone()
}

#[test]
fn ids_are_listed_in_the_order_of_their_text() {
    let place = Place::new();
    let mut batch = filled(&place);
    let packed = "0a".repeat(32);
    for (prefix, ids) in [
        ("", json!([packed, "A1", "a1", "a10", "b2"])),
        ("a", json!(["a1", "a10"])),
        ("a10", json!(["a10"])),
        ("0a0", json!([packed])),
        ("c", json!([])),
        ("é", json!([])),
    ] {
        let got = batch.ok(json!({"op": "by-id-prefix", "prefix": prefix}));
        assert_eq!(got, ids, "prefix {prefix:?}");
    }
    batch.end();
}

#[test]
fn names_are_listed_in_the_order_of_their_bytes() {
    let place = Place::new();
    let mut batch = filled(&place);
    let names = |batch: &mut Batch, prefix: &str| -> Vec<String> {
        let got = batch.ok(json!({"op": "names-with-prefix", "prefix": prefix}));
        let entries = got.as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&mut batch, ""),
        ["Z", "a", "a/one", "a/two", "z/last", "é"]
    );
    assert_eq!(names(&mut batch, "a/"), ["a/one", "a/two"]);
    assert_eq!(names(&mut batch, "b"), [""; 0]);
    let entry = batch.ok(json!({"op": "names-with-prefix", "prefix": "z"}));
    assert_eq!(entry, json!([{"name": "z/last", "id": "b2"}]));
    batch.end();
}

#[test]
fn limit_and_after_page_through_a_list() {
    let place = Place::new();
    let mut batch = filled(&place);
    for op in ["by-id-prefix", "names-with-prefix"] {
        for prefix in ["", "a", "a1", "none"] {
            let whole = batch.ok(json!({"op": op, "prefix": prefix}));
            for limit in 1..=7 {
                let mut paged = Vec::new();
                let mut after: Option<String> = None;
                loop {
                    let part = page(&mut batch, op, prefix, after.as_deref(), limit);
                    assert!(part.len() as u64 <= limit);
                    let Some(last) = part.last() else { break };
                    after = Some(last["name"].as_str().or(last.as_str()).unwrap().to_owned());
                    paged.extend(part);
                }
                assert_eq!(json!(paged), whole, "{op} {prefix:?} by {limit}");
            }
        }
    }
    batch.end();
}

#[test]
fn after_need_not_be_in_the_list_and_limit_may_be_anything() {
    let place = Place::new();
    let mut batch = filled(&place);
    let none: Vec<Value> = Vec::new();
    assert_eq!(
        page(&mut batch, "by-id-prefix", "a", Some("a0"), 9),
        ["a1", "a10"]
    );
    assert_eq!(
        page(&mut batch, "by-id-prefix", "a", Some("a1"), 9),
        ["a10"]
    );
    assert_eq!(page(&mut batch, "by-id-prefix", "a", Some("a1z"), 9), none);
    assert_eq!(page(&mut batch, "by-id-prefix", "b", Some("a"), 9), ["b2"]);
    assert_eq!(page(&mut batch, "by-id-prefix", "a", Some("b"), 9), none);
    assert_eq!(page(&mut batch, "by-id-prefix", "a", None, 0), none);
    assert_eq!(
        page(&mut batch, "by-id-prefix", "a", None, u64::MAX),
        ["a1", "a10"]
    );
    let unlimited = json!({"op": "by-id-prefix", "prefix": "b", "limit": null, "after": null});
    assert_eq!(batch.ok(unlimited), json!(["b2"]));
    batch.end();
}

#[test]
fn images_are_found_by_their_layers() {
    let place = Place::new();
    let mut batch = place.batch();
    for id in ["a", "b", "c"] {
        batch.ok(json!({"op": "create", "id": id, "layer": if id == "c" { "y" } else { "x" }}));
    }
    batch.ok(json!({"op": "add-mapped-top-layer", "id": "c", "layer": "x"}));
    let ids = |batch: &mut Batch, layer: &str| -> Vec<String> {
        let got = batch.ok(json!({"op": "by-top-layer", "layer": layer}));
        let images = got.as_array().unwrap();
        images
            .iter()
            .map(|image| image["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&mut batch, "x"), ["a", "b", "c"]);
    assert_eq!(ids(&mut batch, "y"), ["c"]);
    assert_eq!(ids(&mut batch, ""), [""; 0]);
    batch.ok(json!({"op": "remove-mapped-top-layer", "id": "c", "layer": "x"}));
    assert_eq!(ids(&mut batch, "x"), ["a", "b"]);
    batch.end();
}
