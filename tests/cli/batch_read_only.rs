//! Promise: with `--read-only`, whatever would change the store is refused before anything else is
//! looked at, questions are answered, and a store that is not there is not created.

use serde_json::json;

use crate::support::{Batch, Place};

fn read_only(place: &Place) -> Batch {
    Batch::start(place.program().args(["--read-only", "batch"]))
}

#[test]
fn what_would_change_the_store_is_refused_before_anything_else() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("a", &["name"]);
    batch.end();
    let before = std::fs::read(place.store()).unwrap();

    let mut batch = read_only(&place);
    for request in [
        json!({"op": "create"}),
        json!({"op": "create", "id": "a"}),
        json!({"op": "create", "big-data": [{"key": "", "data": ""}]}),
        json!({"op": "set-names", "id": "none", "names": []}),
        json!({"op": "add-names", "id": "a", "names": ["b"]}),
        json!({"op": "remove-names", "id": "a", "names": ["b"]}),
        json!({"op": "delete", "id": "none"}),
        json!({"op": "delete"}),
        json!({"op": "add-mapped-top-layer", "id": "a", "layer": "l"}),
        json!({"op": "remove-mapped-top-layer", "id": "a", "layer": "l"}),
        json!({"op": "set-metadata", "id": "a", "metadata": ""}),
        json!({"op": "set-big-data", "id": "a", "key": "", "data": ""}),
        json!({"op": "set-flag", "id": "a", "flag": "f", "value": 1}),
        json!({"op": "clear-flag", "id": "a", "flag": "f"}),
        json!({"op": "garbage-collect"}),
        json!({"op": "wipe"}),
        json!({"op": "begin"}),
    ] {
        let (kind, message) = batch.error(request.clone());
        assert_eq!(kind, "read-only", "{request} got {message}");
    }
    assert_eq!(batch.kind(json!({"op": "commit"})), "no-transaction");
    assert_eq!(batch.ok(json!({"op": "get", "id": "name"}))["id"], "a");
    batch.ok(json!({"op": "reopen"}));
    assert_eq!(
        batch.ok(json!({"op": "by-id-prefix", "prefix": ""})),
        json!(["a"])
    );
    batch.end();
    assert!(
        std::fs::read(place.store()).unwrap() == before,
        "the file changed"
    );
}

#[test]
fn it_sees_what_others_write_meanwhile() {
    let place = Place::new();
    let mut writer = place.batch();
    writer.create("a", &[]);
    let mut reader = read_only(&place);
    writer.create("b", &[]);
    let ids = reader.ok(json!({"op": "by-id-prefix", "prefix": ""}));
    assert_eq!(ids, json!(["a", "b"]));
    reader.end();
    writer.end();
}

#[test]
fn a_store_that_is_not_there_is_not_created() {
    let place = Place::new();
    let ran = place.run(&["--read-only", "batch"]);
    let (code, line) = ran.failed();
    assert_eq!(code, 2, "{line}");
    assert!(
        line.contains("there is no store at") && line.contains("images.redb"),
        "{line}"
    );
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

/// Before the command, `--read-only` was taken, and others were let in.
#[test]
fn a_store_is_not_kept_for_oneself_to_read_it() {
    let place = Place::new();
    for arguments in [
        ["--read-only", "batch", "--exclusive"],
        ["batch", "--exclusive", "--read-only"],
    ] {
        let ran = place.run(&arguments);
        let (code, line) = ran.failed();
        assert_eq!(code, 2, "{line}");
        assert!(
            line.contains("'--exclusive' cannot be used with '--read-only'"),
            "{line}"
        );
    }
}
