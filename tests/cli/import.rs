//! Promise: `import` says what it took and each thing it found wrong, and its exit code is fit for
//! a script.

use crate::support::{Place, data};

#[test]
fn a_sound_directory_is_imported_and_counted() {
    let place = Place::new();
    let source = data("podman");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    let printed = ran.printed();
    assert!(
        printed.starts_with("imported 32 images, 48 names and 111 items in "),
        "{printed}"
    );
    assert_eq!(printed.lines().count(), 2, "{printed}");
    let listed = place.run(&["list", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 32);
}

#[test]
fn each_finding_is_a_warning_on_standard_error() {
    let place = Place::new();
    let source = data("conformance/legacy/orphans/vfs-images");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    assert_eq!(ran.code, 0);
    let warnings: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings.iter().all(|line| line.starts_with("warning: ")));
    let counts: Vec<_> = ran.stdout.lines().skip(2).collect();
    assert_eq!(
        counts,
        ["leftover: 1", "orphan-folder: 2", "unlisted-file: 1"]
    );
}

#[test]
fn what_cannot_be_imported_exits_with_2_and_leaves_nothing() {
    let place = Place::new();
    let broken = place.folder.path().join("broken.json");
    std::fs::write(&broken, "[{\"id\":\"a\"},").unwrap();
    let (code, line) = (2, "line 1, column 13 (byte 12)");
    let ran = place.run(&["import", broken.to_str().unwrap()]);
    let failed = ran.failed();
    assert_eq!(failed.0, code);
    assert!(failed.1.contains(line), "{failed:?}");

    let empty = place.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let ran = place.run(&["import", empty.to_str().unwrap()]);
    assert_eq!(ran.failed().0, 2);
    assert!(!place.store().exists());

    std::fs::write(place.store(), "precious").unwrap();
    let source = data("podman");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    assert_eq!(ran.failed().0, 2);
    assert_eq!(std::fs::read(place.store()).unwrap(), b"precious");
}

#[test]
fn nothing_is_imported_read_only() {
    let place = Place::new();
    let source = data("podman");
    let ran = place.run(&["--read-only", "import", source.to_str().unwrap()]);
    assert_eq!(ran.failed().0, 2);
    assert!(!place.store().exists());
}
