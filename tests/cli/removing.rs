//! Promise: what cannot be undone happens to just what was named, all of it or nothing, and is told.
//! That a person is asked first is tested with a terminal.

use snapbox::{IntoData as _, assert_data_eq, str};

use crate::support::Place;

fn filled() -> Place {
    let place = Place::new();
    place.session(&[
        "echo x | image-store create --id a --name app --data key=-",
        "image-store create --id b1",
        "image-store create --id b2",
        "image-store create --id c --name other",
    ]);
    place
}

#[test]
fn delete_takes_all_that_are_named_or_none() {
    let place = filled();
    let seen = place.session(&[
        "image-store delete app none",
        "image-store delete app b",
        "image-store list --quiet",
        "image-store delete app c a",
        "image-store list --quiet",
        "image-store delete",
        "image-store --read-only delete b1",
        "image-store rm b1",
        "image-store list --quiet",
    ]);
    let seen: String = seen
        .lines()
        .filter(|line| !line.starts_with("! ") || line.contains("error: "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store delete app none
! error: no image is known as "none"; see: image-store list
[exit 1]
$ image-store delete app b
! error: "b" is an ambiguous ID prefix, give more digits of one of: b1, b2
[exit 1]
$ image-store list --quiet
a
b1
b2
c
$ image-store delete app c a
a
c
$ image-store list --quiet
b1
b2
$ image-store delete
! error: the following required arguments were not provided: <IMAGE|--all-untagged>; see: image-store delete --help
[exit 2]
$ image-store --read-only delete b1
! error: the store images.redb is open read-only; leave out --read-only
[exit 2]
$ image-store rm b1
b1
$ image-store list --quiet
b2

"#]]
        .raw()
    );
}

#[test]
fn all_untagged_images_go_at_once() {
    let place = filled();
    let seen = place.session(&[
        "image-store delete --all-untagged a",
        "image-store delete --all-untagged",
        "image-store list --quiet",
        "image-store delete --all-untagged",
    ]);
    let seen: String = seen
        .lines()
        .filter(|line| !line.starts_with("! ") || line.contains("error: "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store delete --all-untagged a
! error: the argument '--all-untagged' cannot be used with '[IMAGE]...'; see: image-store delete --help
[exit 2]
$ image-store delete --all-untagged
b1
b2
$ image-store list --quiet
a
c
$ image-store delete --all-untagged

"#]]
        .raw()
    );
}

#[test]
fn wipe_needs_a_word_where_nobody_can_be_asked() {
    let place = filled();
    let seen = place.session(&[
        "image-store wipe",
        "image-store list --quiet",
        "image-store --read-only wipe --yes",
        "image-store wipe --yes",
        "image-store list --quiet",
        "image-store wipe --yes",
    ]);
    assert_data_eq!(seen, str![[r#"
$ image-store wipe
! error: wipe asks before it removes every image, and here is nobody to ask; say that you mean it with --yes
[exit 2]
$ image-store list --quiet
a
b1
b2
c
$ image-store --read-only wipe --yes
! error: the store images.redb is open read-only; leave out --read-only
[exit 2]
$ image-store wipe --yes
removed 4 images
$ image-store list --quiet
$ image-store wipe --yes
removed 0 images

"#]].raw());
}

#[test]
fn gc_frees_what_nothing_refers_to_and_says_so() {
    let place = filled();
    let leftover = place.folder.path().join(".images.redb.new-a1B2c3");
    std::fs::write(&leftover, [0; 2048]).unwrap();
    std::fs::write(place.folder.path().join(".other.redb.new-a1B2c3"), "x").unwrap();
    let seen = place.session(&[
        "image-store gc",
        "image-store gc",
        "image-store gc --json",
        "image-store --read-only gc",
        "ls -A",
        "image-store data get a key",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store gc
freed 0 contents; removed 1 leftover of killed runs with 2.00 KiB
$ image-store gc
freed 0 contents; removed 0 leftovers of killed runs with 0 B
$ image-store gc --json
{"contents":0,"leftover-bytes":0,"leftover-files":0}
$ image-store --read-only gc
! error: the store images.redb is open read-only; leave out --read-only
[exit 2]
$ ls -A
.other.redb.new-a1B2c3
images.redb
$ image-store data get a key
x

"#]]
        .raw()
    );
}
