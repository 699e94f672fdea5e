//! Promise: `list` and `inspect` show what is in the store, for people and for machines, and write
//! nothing to it.

use serde_json::{Value, json};

use crate::support::Place;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn filled() -> Place {
    let place = Place::new();
    let mut batch = place.batch();
    let weeks_ago = image_store::Timestamp::from_parts(
        image_store::Timestamp::now().unix_seconds() - 21 * 24 * 60 * 60,
        0,
        0,
    );
    batch.ok(json!({
        "op": "create", "id": ID, "names": ["quay.io/org/app:v1", "localhost/app:latest"],
        "created": weeks_ago.unwrap().to_string(), "layer": "top", "flags": {"f": 1},
        "big-data": [
            {"key": "manifest", "data": "e30="},
            {"key": "cfg", "data": "YWFh".repeat(500)},
        ],
    }));
    batch.ok(json!({
        "op": "create", "id": "odd \u{1b}[31m id", "names": [],
        "created": "0001-01-01T00:00:01Z",
    }));
    batch.end();
    place
}

#[test]
fn the_table_says_what_a_person_wants_to_know() {
    let place = filled();
    let ran = place.run(&["list"]);
    let lines: Vec<_> = ran.printed().lines().collect();
    let cells = |line: &str| -> Vec<String> {
        line.split("  ")
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!(
        cells(lines[0]),
        ["IMAGE ID", "CREATED", "ITEMS", "SIZE", "NAMES"]
    );
    assert_eq!(
        cells(lines[1]),
        [
            "0123456789ab",
            "3 weeks ago",
            "2",
            "1.47 KiB",
            "quay.io/org/app:v1, localhost/app:latest"
        ],
    );
    let column = |heading: &str| lines[0].find(heading).unwrap();
    assert!(
        lines[1][column("CREATED")..].starts_with("3 weeks"),
        "{lines:#?}"
    );
    assert!(
        lines[1][column("NAMES")..].starts_with("quay.io"),
        "{lines:#?}"
    );
    assert!(lines[2].ends_with("<none>"), "{lines:#?}");
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "an ID reached the terminal as a command"
    );
}

#[test]
fn json_is_one_array_with_the_legacy_field_names() {
    let place = filled();
    let images = place.run(&["list", "--json"]).json();
    let images = images.as_array().unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(images[0]["id"], ID);
    assert_eq!(images[0]["layer"], "top");
    assert_eq!(
        images[0]["big-data-sizes"],
        json!({"cfg": 1500, "manifest": 2})
    );
    assert_eq!(images[0]["digests"], json!([images[0]["digest"]]));
    assert_eq!(images[1]["id"], "odd \u{1b}[31m id");

    let mut batch = place.batch();
    assert_eq!(
        batch.ok(json!({"op": "images"})),
        json!(images),
        "batch says something else"
    );
    batch.ok(json!({"op": "wipe"}));
    batch.end();
    assert_eq!(place.run(&["list", "--json"]).json(), json!([]));
    assert_eq!(place.run(&["list"]).printed().lines().count(), 1);
}

#[test]
fn inspect_takes_ids_names_and_prefixes() {
    let place = filled();
    let whole = place.run(&["list", "--json"]).json();
    for reference in [ID, "0123456789ab", "0", "quay.io/org/app:v1"] {
        let got = place.run(&["inspect", reference]).json();
        assert_eq!(got, json!([whole[0]]), "{reference}");
    }
    let both = place.run(&["inspect", "odd \u{1b}[31m id", ID]).json();
    assert_eq!(
        both,
        json!([whole[1], whole[0]]),
        "not in the order that was asked"
    );
}

/// Nobody could see that an import had kept them.
#[test]
fn inspect_shows_the_fields_that_only_an_export_writes() {
    let place = Place::new();
    let images = place.folder.path().join("vfs-images");
    std::fs::create_dir(&images).unwrap();
    let records = r#"[
        {"id": "a", "digests": ["mine"], "x-new": {"n": 1.50, "big": 123456789012345678901234567890}},
        {"id": "b", "created": "yesterday"},
        {"id": "c"}
    ]"#;
    std::fs::write(images.join("images.json"), records).unwrap();
    let ran = place.run(&["import", "--quiet", images.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");

    let shown = place.run(&["inspect", "a", "b", "c"]);
    let kept = r#""x-new": {"n":1.50,"big":123456789012345678901234567890}"#;
    assert!(shown.printed().contains(kept), "{}", shown.stdout);
    let shown = shown.json();
    assert_eq!(shown[0]["unknown-fields"]["digests"], json!(["mine"]));
    assert!(shown[0].get("digests").is_none(), "{shown:#}");
    assert_eq!(shown[1]["created"], "0001-01-01T00:00:00Z");
    assert_eq!(shown[1]["unknown-fields"], json!({"created": "yesterday"}));
    assert!(shown[2].get("unknown-fields").is_none(), "{shown:#}");

    // Programs get the same record everywhere else.
    let listed = place.run(&["list", "--json"]).json();
    assert!(listed[0].get("unknown-fields").is_none(), "{listed:#}");
}

#[test]
fn inspect_prints_the_others_where_one_is_unknown_and_exits_with_1() {
    let place = filled();
    let ran = place.run(&["inspect", "none", ID]);
    let (code, line) = ran.failed();
    assert_eq!(code, 1, "{line}");
    assert!(line.contains("\"none\""), "{line}");
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed[0]["id"], ID);
    assert_eq!(printed.as_array().unwrap().len(), 1);
}

#[test]
fn looking_does_not_write() {
    let place = filled();
    let before = std::fs::read(place.store()).unwrap();
    for arguments in [&["list"][..], &["list", "--json"], &["inspect", ID]] {
        place.run(arguments).printed();
    }
    assert!(
        std::fs::read(place.store()).unwrap() == before,
        "the file changed"
    );
    let files = std::fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(files, 1, "files were left beside the store");
}
