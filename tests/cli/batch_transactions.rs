//! Promise: what a transaction holds becomes visible to others at `commit`, all at once, and not
//! at all when it is aborted or the input ends; a request outside one is durable by itself.

use serde_json::json;

use crate::support::{Batch, Place};

#[track_caller]
fn ids(batch: &mut Batch) -> serde_json::Value {
    batch.ok(json!({"op": "by-id-prefix", "prefix": ""}))
}

#[test]
fn others_see_a_transaction_at_its_commit_and_all_at_once() {
    let place = Place::new();
    let mut writer = place.batch();
    let mut reader = place.batch();
    writer.create("before", &["kept"]);
    assert_eq!(ids(&mut reader), json!(["before"]));

    writer.ok(json!({"op": "begin"}));
    writer.create("a", &["one"]);
    writer.create("b", &[]);
    writer.ok(json!({"op": "add-names", "id": "b", "names": ["kept"]}));
    writer.ok(json!({"op": "delete", "id": "before"}));
    assert_eq!(
        ids(&mut writer),
        json!(["a", "b"]),
        "the writer sees its own steps"
    );
    assert_eq!(ids(&mut reader), json!(["before"]));
    let kept = reader.ok(json!({"op": "names-with-prefix", "prefix": ""}));
    assert_eq!(kept, json!([{"name": "kept", "id": "before"}]));

    assert_eq!(writer.ok(json!({"op": "commit"})), json!(null));
    assert_eq!(ids(&mut reader), json!(["a", "b"]));
    let kept = reader.ok(json!({"op": "names-with-prefix", "prefix": ""}));
    assert_eq!(
        kept,
        json!([{"name": "kept", "id": "b"}, {"name": "one", "id": "a"}])
    );
    writer.end();
    reader.end();
}

#[test]
fn a_failed_step_changes_nothing_and_the_transaction_goes_on() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("first", &["taken"]);
    batch.ok(json!({"op": "begin"}));
    batch.create("second", &[]);
    let half = json!({"op": "create", "id": "half", "names": ["free", "taken"]});
    assert_eq!(batch.kind(half), "duplicate-name");
    assert_eq!(
        batch.kind(json!({"op": "delete", "id": "none"})),
        "image-unknown"
    );
    assert_eq!(batch.kind(json!({"op": "delete"})), "bad-request");
    batch.create("third", &["free"]);
    batch.ok(json!({"op": "commit"}));
    assert_eq!(ids(&mut batch), json!(["first", "second", "third"]));
    batch.end();
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("kept", &["name"]);
    batch.ok(json!({"op": "begin"}));
    batch.create("gone", &[]);
    batch.ok(json!({"op": "wipe"}));
    assert_eq!(ids(&mut batch), json!([]));
    batch.ok(json!({"op": "abort"}));
    assert_eq!(ids(&mut batch), json!(["kept"]));
    assert_eq!(batch.ok(json!({"op": "exists", "id": "name"})), json!(true));
    batch.end();
}

#[test]
fn end_of_input_aborts() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("kept", &[]);
    batch.ok(json!({"op": "begin"}));
    batch.create("gone", &[]);
    batch.end();

    let mut batch = place.batch();
    assert_eq!(ids(&mut batch), json!(["kept"]));
    batch.end();
}

#[test]
fn begin_commit_abort_and_reopen_say_when_they_do_not_fit() {
    let place = Place::new();
    let mut batch = place.batch();
    assert_eq!(batch.kind(json!({"op": "commit"})), "no-transaction");
    assert_eq!(batch.kind(json!({"op": "abort"})), "no-transaction");
    batch.ok(json!({"op": "begin"}));
    assert_eq!(batch.kind(json!({"op": "begin"})), "transaction-open");
    assert_eq!(batch.kind(json!({"op": "reopen"})), "transaction-open");
    batch.create("a", &[]);
    batch.ok(json!({"op": "commit"}));
    assert_eq!(batch.kind(json!({"op": "commit"})), "no-transaction");
    batch.ok(json!({"op": "begin"}));
    batch.ok(json!({"op": "abort"}));
    assert_eq!(batch.kind(json!({"op": "abort"})), "no-transaction");
    assert_eq!(batch.ok(json!({"op": "reopen"})), json!(null));
    assert_eq!(ids(&mut batch), json!(["a"]));
    batch.end();
}

#[test]
fn a_writer_waits_for_another_no_longer_than_it_is_told() {
    let place = Place::new();
    let mut first = place.batch();
    let mut second = Batch::start(place.program().args(["--lock-wait", "0.2", "batch"]));
    // Opening waits for a writer too, so both are open before one writes.
    assert_eq!(ids(&mut second), json!([]));
    first.ok(json!({"op": "begin"}));
    first.create("a", &[]);
    let (kind, message) = second.error(json!({"op": "create", "id": "b"}));
    assert_eq!(kind, "busy", "{message}");
    assert_eq!(
        second.ok(json!({"op": "exists", "id": "a"})),
        json!(false),
        "readers never wait"
    );
    first.ok(json!({"op": "commit"}));
    second.create("b", &[]);
    assert_eq!(ids(&mut second), json!(["a", "b"]));
    first.end();
    second.end();
}

/// Once the reply is out, it is on disk: a process that is killed right after loses nothing.
#[test]
fn what_was_answered_survives_a_kill() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("a", &["kept"]);
    batch.ok(json!({"op": "begin"}));
    batch.create("b", &[]);
    drop(batch); // kills it

    let mut batch = place.batch();
    assert_eq!(ids(&mut batch), json!(["a"]));
    batch.end();
}
