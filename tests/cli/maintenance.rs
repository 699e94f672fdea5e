//! Promise: `verify`, `repair`, `backup` and `compact` say what they found and did, and their exit
//! codes tell a sound store from a damaged one.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use crate::support::{Place, data, program, run};

/// A store with the images of a real directory.
fn imported() -> Place {
    let place = Place::new();
    let source = data("podman/vfs-images");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    place
}

/// Changes a name where the index of names has it, in the file itself.
fn damage(place: &Place) {
    let mut bytes = fs::read(place.store()).unwrap();
    // The records have it too, but not right before the next name in order.
    let at = find(&bytes, b"localhost/three:l2localhost/three:l3");
    bytes[at] ^= 1;
    fs::write(place.store(), bytes).unwrap();
}

fn find(bytes: &[u8], text: &[u8]) -> usize {
    let found = bytes.windows(text.len()).position(|window| window == text);
    found.expect("the text is in the file")
}

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_sound_store_verifies() {
    let place = imported();
    let ran = place.run(&["verify"]);
    let printed = ran.printed();
    assert!(
        printed.contains("read 32 images, 48 names, 111 items"),
        "{printed}"
    );
    assert!(printed.ends_with("the store is sound\n"), "{printed}");

    let report = place.run(&["verify", "--json"]).json();
    assert_eq!(report["clean"], true);
    assert_eq!(report["pages-checked"], true);
    assert_eq!(report["images"], 32);
}

#[test]
fn pages_are_checked_unless_that_was_declined() {
    let place = imported();
    let checked = |arguments: &[&str]| place.run(arguments).json()["pages-checked"] == true;
    assert!(checked(&["verify", "--read-only", "--json"]));
    assert!(!checked(&["verify", "--no-pages", "--json"]));
}

#[test]
fn damage_is_told_repaired_and_gone() {
    let place = imported();
    damage(&place);
    let damaged = fs::read(place.store()).unwrap();
    let ran = place.run(&["verify"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        fs::read(place.store()).unwrap() == damaged,
        "it was changed"
    );
    assert!(ran.stdout.contains("damage: "), "{ran:?}");
    assert!(ran.stdout.contains("image-store repair --help"), "{ran:?}");
    let ran = place.run(&["verify", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(object(&ran.stdout)["clean"], false);

    let summary = place.run(&["repair", "--json"]).json();
    assert_eq!(summary["images"], 32);
    assert_eq!(summary["lost"], serde_json::json!([]));
    let backup = summary["backup"].as_str().unwrap();
    assert!(fs::metadata(backup).unwrap().is_file());

    assert_eq!(place.run(&["verify", "--json"]).json()["clean"], true);
    let image = place.run(&["inspect", "localhost/three:l2"]).json();
    assert_eq!(image[0]["names"][1], "localhost/three:l2");
}

/// What was called something else than a store, and what a repair can and cannot do about it.
#[test]
fn a_store_without_its_beginning_is_damaged() {
    let place = imported();
    let sound = fs::read(place.store()).unwrap();
    fs::write(place.store(), [&[0; 9], &sound[9..]].concat()).unwrap();
    for command in ["list", "verify", "stats"] {
        let ran = place.run(&[command]);
        let (code, line) = ran.failed();
        assert_eq!(code, 3, "{line}");
        assert!(line.contains("no longer begins as a store"), "{line}");
        assert!(line.contains("image-store repair"), "{line}");
    }
    let summary = place.run(&["repair", "--json"]).json();
    assert_eq!(summary["images"], 32);
    assert_eq!(summary["before"]["clean"], false);
    assert_eq!(place.run(&["verify", "--json"]).json()["clean"], true);

    let repaired = fs::read(place.store()).unwrap();
    fs::write(place.store(), [&[0; 4_096], &repaired[4_096..]].concat()).unwrap();
    let ran = place.run(&["repair"]);
    let (code, line) = ran.failed();
    assert_eq!(code, 3, "{line}");
    assert!(line.contains("go back to a backup"), "{line}");

    fs::write(place.store(), "not a store").unwrap();
    assert_eq!(place.run(&["list"]).failed().0, 2);
}

#[test]
fn what_a_repair_could_not_save_is_told_afterwards() {
    let place = imported();
    let mut bytes = fs::read(place.store()).unwrap();
    // The bytes of an item are stored as they are where they are short.
    let at = find(&bytes, b"\"schemaVersion\"");
    bytes[at + 2] ^= 1;
    fs::write(place.store(), bytes).unwrap();
    let ran = place.run(&["repair", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let lost = &object(&ran.stdout)["lost"][0];
    assert!(lost["message"].to_string().contains("the item"), "{lost}");

    let ran = place.run(&["verify"]);
    let printed = ran.printed();
    assert!(printed.contains("note: the bytes of the item"), "{printed}");
    assert!(
        printed.contains("lost in a repair, or missing"),
        "{printed}"
    );
    // They are among those that it says it read.
    let without = "of these, the bytes of 1 item are not in the store, as is recorded there";
    assert!(printed.contains(without), "{printed}");
    let report = place.run(&["verify", "--json"]).json();
    assert!(report["items-without-bytes"].as_u64() > Some(0));
    assert_eq!(report["clean"], true);
}

/// It panicked when all was done.
#[test]
fn a_repair_is_told_as_json_where_the_path_is_no_text() {
    let place = imported();
    let path = place.folder.path().join(OsStr::from_bytes(b"\xff.redb"));
    fs::rename(place.store(), &path).unwrap();
    let ran = run(program()
        .arg("--store")
        .arg(&path)
        .args(["repair", "--json"]));
    let backup = ran.json()["backup"].to_string();
    assert!(backup.contains("\u{fffd}.redb"), "{backup}");
}

#[test]
fn a_declined_backup_is_not_made() {
    let place = imported();
    let ran = place.run(&["repair", "--no-backup"]);
    assert!(ran.printed().contains("the store was sound"), "{ran:?}");
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 1);
}

#[test]
fn a_backup_is_a_store_and_never_replaces_anything() {
    let place = imported();
    let copy = place.folder.path().join("copy.redb");
    let copy = copy.to_str().unwrap();
    let ran = place.run(&["backup", copy]);
    assert!(ran.printed().starts_with("copied 32 images to "), "{ran:?}");
    let original = place.run(&["list", "--json"]);
    let copied = place.run(&["list", "--json", "--store", copy]);
    assert_eq!(original.printed(), copied.printed());

    let again = place.run(&["backup", copy]);
    let (code, error) = again.failed();
    assert_eq!(code, 2);
    assert!(error.contains("exists already"), "{error}");
}

#[test]
fn a_backup_that_meets_damage_names_the_store() {
    let place = imported();
    let mut bytes = fs::read(place.store()).unwrap();
    let at = find(&bytes, b"\"schemaVersion\"");
    bytes[at + 2] ^= 1;
    fs::write(place.store(), bytes).unwrap();
    let copy = place.folder.path().join("copy.redb");
    let ran = place.run(&["backup", copy.to_str().unwrap()]);
    let (code, error) = ran.failed();
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("images.redb is damaged"), "{error}");
    assert!(!copy.exists());
}

#[test]
fn compact_says_what_it_gained() {
    let place = imported();
    let ran = place.run(&["compact"]);
    assert!(ran.printed().contains("on disk before"), "{ran:?}");
}

#[test]
fn nothing_is_created_or_changed_where_it_must_not_be() {
    let place = Place::new();
    for command in ["verify", "repair", "compact"] {
        let ran = place.run(&[command]);
        let (code, error) = ran.failed();
        assert_eq!(code, 2, "{command}");
        assert!(error.contains("there is no store"), "{command}: {error}");
    }
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);

    let place = imported();
    for command in ["repair", "compact"] {
        let ran = place.run(&["--read-only", command]);
        let (code, error) = ran.failed();
        assert_eq!(code, 2, "{command}");
        assert!(error.contains("read-only"), "{command}: {error}");
    }
}

#[test]
fn stats_tell_where_the_room_goes() {
    let place = imported();
    let stats = place.run(&["stats", "--json"]).json();
    assert_eq!(
        (&stats["images"], &stats["names"]),
        (&32.into(), &48.into())
    );
    assert_eq!(stats["items"], 111);
    assert!(stats["content-bytes"].as_u64() < stats["item-bytes"].as_u64());
    assert!(stats["stored-bytes"].as_u64() < stats["content-bytes"].as_u64());
    let classes = stats["content-sizes"].as_array().unwrap();
    let total: u64 = classes.iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(total, stats["contents"].as_u64().unwrap());
    assert_eq!(stats["largest"].as_array().unwrap().len(), 10);

    let ran = place.run(&["stats"]);
    assert!(
        ran.printed()
            .starts_with("32 images, 48 names, 111 items with "),
        "{ran:?}"
    );
    assert!(ran.printed().contains("#######"), "{ran:?}");
    let ran = place.run(&["--read-only", "stats"]);
    assert!(
        ran.printed().contains("unknown kept for earlier states"),
        "{ran:?}"
    );
}
