//! Promise: `import` tells what it took and what it found wrong, says why where it cannot, and
//! leaves its source alone.

use std::path::Path;

use crate::support::{Place, Ran, data};

fn import(place: &Place, source: &Path) -> Ran {
    place.run(&["import", source.to_str().unwrap()])
}

#[test]
fn it_says_how_much_it_took() {
    let place = Place::new();
    let ran = import(&place, &data("podman/vfs-images"));
    let lines: Vec<_> = ran.printed().lines().collect();
    assert!(lines[0].starts_with("imported 32 images, "), "{lines:#?}");
    assert!(lines[0].ends_with("/images.redb"), "{lines:#?}");
    assert!(
        lines[1].starts_with("read 41.90 KiB of records and "),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 2, "{lines:#?}");

    let files = std::fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(files, 1, "files were left beside the store");
}

#[test]
fn each_way_to_name_the_source_imports_the_same() {
    let lists: Vec<_> = [
        "podman/vfs-images",
        "podman/vfs-images/images.json",
        "podman",
    ]
    .into_iter()
    .map(|source| {
        let place = Place::new();
        let ran = import(&place, &data(source));
        assert_eq!(ran.code, 0, "{source}: {ran:?}");
        place.run(&["list", "--json"]).printed().to_owned()
    })
    .collect();
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
}

#[test]
fn what_is_wrong_is_told_on_standard_error_and_counted() {
    let place = Place::new();
    let ran = import(
        &place,
        &data("conformance/legacy/missing-item-file/vfs-images"),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.told()[0].starts_with("warning: "), "{ran:?}");
    assert!(
        ran.told()[0].contains("\"gone\""),
        "the item is not named: {ran:?}"
    );
    assert!(ran.stdout.contains("1 warning: item-missing 1"), "{ran:?}");
}

#[test]
fn each_finding_is_a_warning_and_each_kind_is_counted() {
    let place = Place::new();
    let ran = import(&place, &data("conformance/legacy/orphans/vfs-images"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.told().len(), 4, "{ran:?}");
    assert!(ran.told().iter().all(|line| line.starts_with("warning: ")));
    let counts = "4 warnings: leftover 1, orphan-folder 2, unlisted-file 1";
    assert_eq!(ran.stdout.lines().last(), Some(counts));
}

#[test]
fn a_source_that_is_none_is_refused_and_nothing_is_left() {
    let place = Place::new();
    let folder = place.folder.path();
    let broken = folder.join("broken-images");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("images.json"), "[{\"id\": \"a\"}, {\"id\"").unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    for (source, named) in [
        (folder.join("none"), "none"),
        (folder.join("empty"), "empty"),
        (broken, "line 1, column"),
    ] {
        let ran = import(&place, &source);
        let (code, line) = ran.failed();
        assert_eq!((code, ran.stdout.as_str()), (2, ""), "{line}");
        assert!(line.contains(named), "{line}");
        assert!(
            !place.store().exists(),
            "a store was left by {}",
            source.display()
        );
    }
}

#[test]
fn a_store_that_is_there_already_is_left_alone() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("mine", &[]);
    batch.end();
    let before = std::fs::read(place.store()).unwrap();
    let ran = import(&place, &data("podman/vfs-images"));
    let (code, line) = ran.failed();
    assert_eq!(code, 2, "{line}");
    assert!(line.contains("exists already"), "{line}");
    assert!(
        std::fs::read(place.store()).unwrap() == before,
        "the store changed"
    );
}

#[test]
fn read_only_makes_no_store() {
    let place = Place::new();
    let source = data("podman/vfs-images");
    let ran = place.run(&["--read-only", "import", source.to_str().unwrap()]);
    let (code, line) = ran.failed();
    assert_eq!(code, 2, "{line}");
    assert!(!place.store().exists());
}
