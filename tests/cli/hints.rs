//! Promise: whoever is refused is told by name which option or command helps.

use crate::support::{Place, data};

/// Command lines that are refused, each with its exit code and what is told at the end.
#[track_caller]
fn refused(place: &Place, lines: &[(&str, i32, &str)]) {
    for (line, exit, hint) in lines {
        let arguments: Vec<_> = line.split(' ').collect();
        let ran = place.run(&arguments);
        let (code, told) = ran.failed();
        assert_eq!(code, *exit, "{line}: {told}");
        assert!(told.ends_with(hint), "{line}: {told}");
    }
}

/// Whatever could not be used, it was told to see `--help`, of which command it was not said.
#[test]
fn a_command_line_that_cannot_be_used_is_told_with_the_help_of_its_command() {
    let place = Place::new();
    refused(
        &place,
        &[
            ("lst", 2, "; see: image-store --help"),
            ("ls --frob", 2, "; see: image-store list --help"),
            // A value that is called as a command is none.
            ("--store names list x", 2, "; see: image-store list --help"),
            ("names lst", 2, "; see: image-store names --help"),
            ("data get a", 2, "<KEY>; see: image-store data get --help"),
            (
                "list --sort x",
                2,
                "'--sort <KEY>' [possible values: created, id, name, size, items]; \
                 see: image-store list --help",
            ),
        ],
    );
}

#[test]
fn where_one_of_two_is_needed_both_are_named() {
    let place = Place::new();
    refused(
        &place,
        &[
            (
                "delete",
                2,
                "not provided: <IMAGE|--all-untagged>; see: image-store delete --help",
            ),
            (
                "metadata set a",
                2,
                "not provided: <TEXT|--file <FILE>>; see: image-store metadata set --help",
            ),
            (
                "export",
                2,
                "not provided: <DIR|--into-live <DIR>>; see: image-store export --help",
            ),
        ],
    );
}

#[test]
fn a_number_that_is_none_is_told_in_plain_words() {
    let place = Place::new();
    refused(
        &place,
        &[
            (
                "list --limit -1",
                2,
                "give a whole number, 0 or more; see: image-store list --help",
            ),
            (
                "batch --max-line 1k",
                2,
                "give a whole number, 0 or more; see: image-store batch --help",
            ),
            (
                "list --lock-wait -1",
                2,
                "give a number of seconds, such as 30 or 0.5; see: image-store list --help",
            ),
        ],
    );
}

#[test]
fn what_is_in_the_way_is_told_with_the_options_for_it() {
    let place = Place::new();
    place
        .run(&["create", "--id", "a", "--name", "app"])
        .printed();
    place
        .run(&["create", "--id", "b", "--name", "other"])
        .printed();
    let there = place.folder.path().join("there");
    std::fs::write(&there, "").unwrap();
    let there = there.to_str().unwrap();
    let source = data("podman/vfs-images");
    let source = source.to_str().unwrap();
    refused(
        &place,
        &[
            (
                "create --id a",
                1,
                "leave out --id for a random one; see: image-store inspect",
            ),
            ("create --name app", 1, "; see: image-store untag"),
            ("rename app other", 1, "; to take it from there: --force"),
            (
                &format!("import {source}"),
                2,
                "exists already; to add to it what it does not have: --merge; to swap it for a new \
                 store: --replace; or choose another --store",
            ),
            (
                &format!("export {there}"),
                2,
                "exists already; choose another path; to swap an images directory for the new one: \
                 --replace; to write into that of an engine: --into-live",
            ),
            (
                &format!("backup {there}"),
                2,
                "exists already; choose another path, or move it away",
            ),
            (
                &format!("man {there}"),
                2,
                "is no folder; give one, or a path where nothing is yet",
            ),
        ],
    );
}

#[test]
fn what_is_no_images_directory_is_told_with_what_would_be_one() {
    let place = Place::new();
    assert_eq!(place.run(&["create"]).code, 0);
    let folder = place.folder.path().to_str().unwrap();
    refused(
        &place,
        &[
            (
                &format!("import {folder}"),
                2,
                "give an images directory, its images.json, or a storage root with one in it",
            ),
            (
                &format!("export --into-live {folder}"),
                2,
                "to make a new directory, leave out --into-live",
            ),
            (
                &format!("export --replace {folder}"),
                2,
                "only an images directory is swapped for the new one",
            ),
        ],
    );
}

#[test]
fn who_waited_in_vain_is_told_how_to_wait_longer() {
    let place = Place::new();
    let mut writer = place.batch();
    writer.ok(serde_json::json!({"op": "begin"}));
    refused(
        &place,
        &[(
            "--lock-wait 0 tag a b",
            4,
            "; try again; to wait longer: --lock-wait",
        )],
    );
    writer.end();
}
