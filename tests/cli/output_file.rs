//! Promise: a file that is named to be written replaces nothing but a file, and never the store.

use snapbox::{IntoData as _, assert_data_eq, str};

use crate::support::Place;

fn place() -> Place {
    let place = Place::new();
    place.session(&["printf bytes | image-store create --id a --data key=-"]);
    place
}

/// A FIFO's reader got nothing, and a device or a link was replaced by a file.
#[test]
fn what_is_no_file_is_written_to_and_stays() {
    let place = place();
    let seen = place.session(&[
        "mkfifo fifo && (cat fifo > got & image-store data get a key -o fifo; wait; cat got)",
        "test -p fifo && echo still a FIFO",
        "mkfifo had-enough && (true < had-enough & image-store data get a key -o had-enough)",
        "ln -s /dev/full full; image-store data get a key -o full",
        "test -L full && echo still a link",
        "image-store data get a key -o .",
        "ls -A",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ mkfifo fifo && (cat fifo > got & image-store data get a key -o fifo; wait; cat got)
bytes
$ test -p fifo && echo still a FIFO
still a FIFO
$ mkfifo had-enough && (true < had-enough & image-store data get a key -o had-enough)
$ ln -s /dev/full full; image-store data get a key -o full
! error: could not write full: No space left on device (os error 28)
[exit 5]
$ test -L full && echo still a link
still a link
$ image-store data get a key -o .
! error: could not write .: is a directory
[exit 5]
$ ls -A
fifo
full
got
had-enough
images.redb

"#]]
        .raw()
    );
}

/// What a shell had written there, and was to write yet, was lost.
#[test]
fn a_link_to_standard_output_is_standard_output() {
    let place = place();
    let seen = place.session(&[
        "ln -s /proc/self/fd/1 out",
        "echo first > all",
        "{ echo one; image-store data get a key -o out; echo; echo two; } >> all",
        "cat all",
        "image-store data get a key -o out | cat",
        "readlink out",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ ln -s /proc/self/fd/1 out
$ echo first > all
$ { echo one; image-store data get a key -o out; echo; echo two; } >> all
$ cat all
first
one
bytes
two
$ image-store data get a key -o out | cat
bytes
$ readlink out
/proc/self/fd/1

"#]]
        .raw()
    );
}

#[test]
fn links_are_followed_and_a_file_that_is_replaced_hands_its_mode_on() {
    let place = place();
    let seen = place.session(&[
        "mkdir folder; echo old > folder/file; chmod 640 folder/file; ln folder/file kept",
        "ln -s folder/link link; ln -s file folder/link",
        "image-store data get a key -o link && cat folder/file",
        "cat kept",
        "stat -c '%a %F' folder/file",
        "umask 027; ln -s folder/new dangling && image-store data get a key -o dangling && cat folder/new",
        "stat -c '%a %F' folder/new",
        "ln -s round round; image-store data get a key -o round",
        "ls -AF . folder",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ mkdir folder; echo old > folder/file; chmod 640 folder/file; ln folder/file kept
$ ln -s folder/link link; ln -s file folder/link
$ image-store data get a key -o link && cat folder/file
bytes
$ cat kept
old
$ stat -c '%a %F' folder/file
640 regular file
$ umask 027; ln -s folder/new dangling && image-store data get a key -o dangling && cat folder/new
bytes
$ stat -c '%a %F' folder/new
640 regular file
$ ln -s round round; image-store data get a key -o round
! error: could not write round: Too many levels of symbolic links (os error 40)
[exit 5]
$ ls -AF . folder
.:
dangling@
folder/
images.redb
kept
link@
round@

folder:
file
link@
new

"#]]
        .raw()
    );
}

/// The store was replaced by the item, with exit code 0; a copy in the place of the log was removed
/// by the next who had the store for himself.
#[test]
fn the_store_and_its_log_are_refused() {
    let place = place();
    let before = std::fs::read(place.store()).unwrap();
    let seen = place.session(&[
        "ln images.redb hard; ln -s hard soft; ln -s ./images.redb-redo log; mkdir folder",
        "image-store data get a key -o images.redb",
        "image-store data get a key -o folder/../images.redb",
        "image-store data get a key -o hard",
        "image-store data get a key -o soft",
        "image-store data get a key -o images.redb-redo",
        "image-store data get a key -o log",
        "image-store backup ./images.redb-redo",
        "ls -A",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ ln images.redb hard; ln -s hard soft; ln -s ./images.redb-redo log; mkdir folder
$ image-store data get a key -o images.redb
! error: images.redb is the store itself; choose another file
[exit 2]
$ image-store data get a key -o folder/../images.redb
! error: folder/../images.redb is the store itself; choose another file
[exit 2]
$ image-store data get a key -o hard
! error: hard is the store itself; choose another file
[exit 2]
$ image-store data get a key -o soft
! error: soft is the store itself; choose another file
[exit 2]
$ image-store data get a key -o images.redb-redo
! error: images.redb-redo is the place of the store's redo log; choose another file
[exit 2]
$ image-store data get a key -o log
! error: log is the place of the store's redo log; choose another file
[exit 2]
$ image-store backup ./images.redb-redo
! error: ./images.redb-redo is the place of the store's redo log; choose another file
[exit 2]
$ ls -A
folder
hard
images.redb
log
soft

"#]]
        .raw()
    );
    assert!(std::fs::read(place.store()).unwrap() == before);
}
