//! Promise: `export` tells what it wrote and what it could not, and names what to do about it.

use std::fs;

use serde_json::json;

use crate::support::{Place, data};

fn filled() -> Place {
    let place = Place::new();
    let source = data("podman/vfs-images");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    place
}

#[test]
fn it_says_what_it_wrote() {
    let place = filled();
    let target = place.folder.path().join("out-images");
    let ran = place.run(&["export", target.to_str().unwrap()]);
    let lines: Vec<_> = ran.printed().lines().collect();
    assert!(lines[0].starts_with("exported 32 images, "), "{lines:#?}");
    assert!(lines[0].ends_with("/out-images"), "{lines:#?}");
    assert!(
        lines[1].starts_with("41.90 KiB of records and 161.62 KiB of items; "),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 2, "{lines:#?}");

    let again = place.run(&["export", target.to_str().unwrap()]);
    let (code, line) = again.failed();
    assert_eq!(code, 2);
    assert!(line.contains("out-images exists already"), "{line}");

    let object = place
        .run(&["export", target.to_str().unwrap(), "--replace", "--json"])
        .json();
    assert_eq!(object["images"], 32);
    assert_eq!(object["record_bytes"], 42902);
    assert_eq!(object["warnings"], json!([]));
    assert_eq!(object["directory"], target.to_str().unwrap());

    let target = target.to_str().unwrap();
    let object = place
        .run(&["export", "--into-live", target, "--json"])
        .json();
    assert_eq!(object["unchanged_items"], object["items"]);
    let again = place.run(&["export", "--into-live", target]);
    let told = "\n111 items lay there as they are already\n";
    assert!(again.printed().ends_with(told), "{again:?}");
}

#[test]
fn what_the_directory_cannot_hold_is_named_with_the_way_out() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("../evil", &[]);
    batch.create("good", &[]);
    batch.end();
    let target = place.folder.path().join("out");
    let target = target.to_str().unwrap();
    let ran = place.run(&["export", target]);
    let (code, line) = ran.failed();
    assert_eq!(code, 2);
    assert!(
        line.contains("\"../evil\"") && line.contains("--skip-unrepresentable"),
        "{line}"
    );
    assert!(!fs::exists(target).unwrap());

    let ran = place.run(&["export", target, "--skip-unrepresentable"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.told()[0].starts_with("warning: image \"../evil\": "),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("left out 1 image"), "{ran:?}");
    assert!(ran.stdout.contains("1 warning: id-not-a-name 1"), "{ran:?}");

    let options = ["--replace", "--skip-unrepresentable", "--quiet", "--json"];
    let arguments = [["export", target].as_slice(), &options].concat();
    let object = place.run(&arguments).json();
    assert_eq!(object["left_out"], 1);
    assert_eq!(object["warning_counts"], json!({"id-not-a-name": 1}));
    assert_eq!(object["warnings"][0]["kind"], "id-not-a-name");
}

#[test]
fn a_target_that_cannot_be_used_is_refused() {
    let place = filled();
    let folder = place.folder.path();
    fs::create_dir(folder.join("home")).unwrap();
    fs::write(folder.join("home/precious"), "").unwrap();
    let home = folder.join("home");
    let home = home.to_str().unwrap();
    for arguments in [
        ["export", home, "--replace"],
        ["export", "--into-live", home],
    ] {
        let ran = place.run(&arguments);
        let (code, line) = ran.failed();
        assert_eq!(code, 2, "{line}");
        assert!(
            line.contains("home is no legacy images directory"),
            "{line}"
        );
    }
    assert_eq!(place.run(&["export"]).code, 2);
    assert_eq!(place.run(&["export", "x", "--into-live", "y"]).code, 2);

    let none = folder.join("none/out");
    let ran = place.run(&["export", none.to_str().unwrap()]);
    let (code, line) = ran.failed();
    assert_eq!(code, 5, "{line}");
    assert!(line.contains("there is no folder"), "{line}");
}
