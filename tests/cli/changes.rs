//! Promise: the commands that change an image do what they say, whole or not at all, and say what
//! is wrong in one line with the exit code that fits.
//!
//! `SNAPSHOTS=overwrite cargo test --test cli` writes what is seen into the expectations.

use snapbox::{IntoData as _, assert_data_eq, str};

use crate::support::Place;

#[test]
fn create_makes_an_image_with_all_that_is_given() {
    let place = Place::new();
    let seen = place.session(&[
        "printf '{\"schemaVersion\": 2}' > manifest.json",
        "printf piped | image-store create --id ab1 --name quay.io/app:1 --name app --layer top \
         --mapped-layer other --metadata mine --created 2024-03-01T12:30:00+02:00 \
         --flag read --flag level=3 --flag note='two words' \
         --data manifest=manifest.json --data index=-",
        "image-store inspect app",
        "image-store data get app index",
        "image-store create --id ab2",
    ]);
    assert_data_eq!(seen, str![[r#"
$ printf '{"schemaVersion": 2}' > manifest.json
$ printf piped | image-store create --id ab1 --name quay.io/app:1 --name app --layer top --mapped-layer other --metadata mine --created 2024-03-01T12:30:00+02:00 --flag read --flag level=3 --flag note='two words' --data manifest=manifest.json --data index=-
ab1
$ image-store inspect app
[
  {
    "id": "ab1",
    "digest": "sha256:c5d902c53b4afcf32ad746fd9d696431650d3fbe8f7b10ca10519543fefd772c",
    "digests": [
      "sha256:c5d902c53b4afcf32ad746fd9d696431650d3fbe8f7b10ca10519543fefd772c"
    ],
    "names": [
      "quay.io/app:1",
      "app"
    ],
    "layer": "top",
    "mapped-layers": [
      "other"
    ],
    "metadata": "mine",
    "big-data-names": [
      "manifest",
      "index"
    ],
    "big-data-sizes": {
      "index": 5,
      "manifest": 20
    },
    "big-data-digests": {
      "index": "sha256:445ceeeeba637c6b4a4e4544ced907e52f2743284cc38903d6b1799458c8e00e",
      "manifest": "sha256:c5d902c53b4afcf32ad746fd9d696431650d3fbe8f7b10ca10519543fefd772c"
    },
    "created": "2024-03-01T12:30:00+02:00",
    "flags": {
      "level": 3,
      "note": "two words",
      "read": true
    }
  }
]
$ image-store data get app index
piped
$ image-store create --id ab2
ab2

"#]].raw());
    let random = place.run(&["create"]);
    assert_eq!(random.printed().trim_end().len(), 64);
}

#[test]
fn create_refuses_what_is_taken_or_cannot_be_read_and_leaves_nothing() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id a --name app",
        "image-store create --id a",
        "image-store create --id b --name app",
        "image-store create --id b --digest sha256:short",
        "image-store create --id b --data manifest=none.json",
        "image-store create --id b --data manifest=.",
        "image-store create --id b --data one=- --data two=-",
        "image-store create --id b --created yesterday",
        "image-store --read-only create --id b",
        "image-store list --quiet",
    ]);
    assert_data_eq!(seen, str![[r#"
$ image-store create --id a --name app
a
$ image-store create --id a
! error: an image with the ID "a" exists already; choose another, or leave out --id for a random one; see: image-store inspect
[exit 1]
$ image-store create --id b --name app
! error: the name "app" belongs to the image "a"; remove it there or choose another; see: image-store untag
[exit 1]
$ image-store create --id b --digest sha256:short
! error: "sha256:short" is not a digest: it must be sha256, sha384 or sha512, a colon, and that many lower-case hexadecimal digits
[exit 2]
$ image-store create --id b --data manifest=none.json
! error: could not read none.json: No such file or directory (os error 2)
[exit 2]
$ image-store create --id b --data manifest=.
! error: could not read .: is a directory
[exit 2]
$ image-store create --id b --data one=- --data two=-
! error: only one item can come from standard input; give the others as files, with --data KEY=FILE
[exit 2]
$ image-store create --id b --created yesterday
! error: invalid value 'yesterday' for '--created <TIME>': "yesterday" is not an RFC 3339 date and time with an offset (example: 2024-03-01T12:30:00Z); see: image-store create --help
[exit 2]
$ image-store --read-only create --id b
! error: the store images.redb is open read-only; leave out --read-only
[exit 2]
$ image-store list --quiet
a

"#]].raw());
}

#[test]
fn names_move_between_images_and_leave_a_history() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id old --name app:1 --name app:latest",
        "image-store create --id new",
        "image-store tag new app:2 app:latest",
        "image-store names list old",
        "image-store names list new",
        "image-store untag new app:2",
        "image-store untag new app:2",
        "image-store names history new",
        "image-store names set new x y x",
        "image-store names list new",
        "image-store untag new",
        "image-store names list new",
        "image-store names history new",
        "image-store tag none x",
        "image-store tag new",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store create --id old --name app:1 --name app:latest
old
$ image-store create --id new
new
$ image-store tag new app:2 app:latest
$ image-store names list old
app:1
$ image-store names list new
app:2
app:latest
$ image-store untag new app:2
$ image-store untag new app:2
! error: the image "new" does not have the name "app:2"; see: image-store names list
[exit 1]
$ image-store names history new
app:latest
app:2
$ image-store names set new x y x
$ image-store names list new
x
y
$ image-store untag new
$ image-store names list new
$ image-store names history new
y
x
app:latest
app:2
$ image-store tag none x
! error: no image is known as "none"; see: image-store list
[exit 1]
$ image-store tag new
! error: the following required arguments were not provided: <NAME>...; see: image-store tag --help
[exit 2]

"#]]
        .raw()
    );
}

#[test]
fn rename_keeps_the_place_of_the_name_and_the_old_one_in_the_history() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id a --name first --name second --name third",
        "image-store create --id b --name taken",
        "image-store rename second 2nd",
        "image-store names list a",
        "image-store names history a",
        "image-store rename second 3rd",
        "image-store rename 2nd taken",
        "image-store rename 2nd taken --force",
        "image-store names list a",
        "image-store names list b",
        "image-store rename taken third",
        "image-store rename third third",
        "image-store names list a",
        "# An ID is no name.",
        "image-store rename b c",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store create --id a --name first --name second --name third
a
$ image-store create --id b --name taken
b
$ image-store rename second 2nd
$ image-store names list a
first
2nd
third
$ image-store names history a
third
2nd
first
second
$ image-store rename second 3rd
! error: no image has the name "second"; see: image-store find
[exit 1]
$ image-store rename 2nd taken
! error: the name "taken" belongs to the image "b"; remove it there or choose another; to take it from there: --force
[exit 1]
$ image-store rename 2nd taken --force
$ image-store names list a
first
taken
third
$ image-store names list b
$ image-store rename taken third
$ image-store rename third third
$ image-store names list a
first
third
$ # An ID is no name.
$ image-store rename b c
! error: no image has the name "b"; see: image-store find
[exit 1]

"#]]
        .raw()
    );
}

/// It was refused, since the image had one name more for a moment.
#[test]
fn a_name_is_renamed_also_where_there_can_be_no_more() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id a",
        "seq 10000 | xargs -n 10000 image-store names set a",
        "image-store rename 5000 new",
        "image-store names list a | sed -n '4999,5001p; $='",
        "image-store names history a | sed -n '5000,5002p; $p; $='",
        "image-store tag a more",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store create --id a
a
$ seq 10000 | xargs -n 10000 image-store names set a
$ image-store rename 5000 new
$ image-store names list a | sed -n '4999,5001p; $='
4999
new
5001
10000
$ image-store names history a | sed -n '5000,5002p; $p; $='
5001
new
4999
5000
10001
$ image-store tag a more
! error: the number of names of an image is 10001, more than the limit of 10000
[exit 2]

"#]]
        .raw()
    );
}

#[test]
fn metadata_and_flags_and_layers_are_set_and_taken_back() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id a --layer top",
        "image-store metadata set a '{\"signed\": true}'",
        "image-store metadata get a",
        "printf 'of two\\nlines' | image-store metadata set a --file -",
        "image-store metadata get a",
        "printf '\\377' | image-store metadata set a --file -",
        "image-store metadata set a",
        "image-store flag set a seen",
        "image-store flag set a level -1",
        "image-store flag set a level '[1, 2]'",
        "image-store flag set a level '[1, 2'",
        "image-store create --flag level=1e400",
        "image-store list --format '{{ flags|tojson }}'",
        "image-store flag clear a level",
        "image-store flag clear a level",
        "image-store list --format '{{ flags|tojson }}'",
        "image-store mapped-layer add a m1",
        "image-store mapped-layer add a m2",
        "image-store list --filter layer=m2 --format '{{ mapped_layers|join(\" \") }}'",
        "image-store mapped-layer remove a m2",
        "image-store list --filter layer=m2 --quiet",
        "image-store --read-only flag set a x",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store create --id a --layer top
a
$ image-store metadata set a '{"signed": true}'
$ image-store metadata get a
{"signed": true}
$ printf 'of two\nlines' | image-store metadata set a --file -
$ image-store metadata get a
of two
lines
$ printf '\377' | image-store metadata set a --file -
! error: standard input is no UTF-8: invalid utf-8 sequence of 1 bytes from index 0
[exit 2]
$ image-store metadata set a
! error: the following required arguments were not provided: <TEXT|--file <FILE>>; see: image-store metadata set --help
[exit 2]
$ image-store flag set a seen
$ image-store flag set a level -1
$ image-store flag set a level '[1, 2]'
$ image-store flag set a level '[1, 2'
! error: invalid value '[1, 2' for '[VALUE]': it cannot be taken as JSON: EOF while parsing a list at line 1 column 5; a text that looks so is given as a JSON string, "…"; see: image-store flag set --help
[exit 2]
$ image-store create --flag level=1e400
! error: invalid value 'level=1e400' for '--flag <FLAG[=VALUE]>': it cannot be taken as JSON: number out of range at line 1 column 5; a text that looks so is given as a JSON string, "…"; see: image-store create --help
[exit 2]
$ image-store list --format '{{ flags|tojson }}'
{"level":[1,2],"seen":true}
$ image-store flag clear a level
$ image-store flag clear a level
$ image-store list --format '{{ flags|tojson }}'
{"seen":true}
$ image-store mapped-layer add a m1
$ image-store mapped-layer add a m2
$ image-store list --filter layer=m2 --format '{{ mapped_layers|join(" ") }}'
m1 m2
$ image-store mapped-layer remove a m2
$ image-store list --filter layer=m2 --quiet
$ image-store --read-only flag set a x
! error: the store images.redb is open read-only; leave out --read-only
[exit 2]

"#]]
        .raw()
    );
}
