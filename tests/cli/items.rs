//! Promise: items go in and out as they are, from files and pipes, at any size, and a file that is
//! written appears whole or not at all.

use std::process::Stdio;

use image_store::{ImageStore, Lookup as _};
use snapbox::{IntoData as _, assert_data_eq, str};

use crate::support::{Place, run};

#[test]
fn items_are_listed_read_set_and_deleted() {
    let place = Place::new();
    let seen = place.session(&[
        "image-store create --id a",
        "printf '{}' | image-store data set a manifest -",
        "printf config > config; image-store data set a config config",
        "image-store data list a",
        "image-store data list a --quiet",
        "image-store data list a --json",
        "image-store data get a manifest",
        "image-store data get a config --output copy && cat copy",
        "image-store data size a config",
        "image-store data digest a config",
        "image-store data delete a config none",
        "image-store data list a --quiet",
        "image-store data delete a config manifest config",
        "image-store data list a --quiet",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ image-store create --id a
a
$ printf '{}' | image-store data set a manifest -
$ printf config > config; image-store data set a config config
$ image-store data list a
      SIZE  DIGEST                                                                   KEY
       2 B  sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  manifest
       6 B  sha256:b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910  config
$ image-store data list a --quiet
manifest
config
$ image-store data list a --json
[
  {
    "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "key": "manifest",
    "size": 2,
    "stored": true
  },
  {
    "digest": "sha256:b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910",
    "key": "config",
    "size": 6,
    "stored": true
  }
]
$ image-store data get a manifest
{}
$ image-store data get a config --output copy && cat copy
config
$ image-store data size a config
6
$ image-store data digest a config
sha256:b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910
$ image-store data delete a config none
! error: the image "a" has no big data item "none", or not its bytes; see: image-store data list
[exit 1]
$ image-store data list a --quiet
manifest
config
$ image-store data delete a config manifest config
$ image-store data list a --quiet

"#]]
        .raw()
    );
}

#[test]
fn what_is_not_there_or_not_to_be_is_said() {
    let place = Place::new();
    let digest = format!("sha384:{}", "0".repeat(96));
    let seen = place.session(&[
        "image-store create --id a",
        "image-store data get a none",
        "image-store data size a none",
        "image-store data digest a none",
        "image-store data get none none",
        "image-store data set a key none",
        "image-store data set a '' /dev/null",
        "image-store data get a ''",
        &format!("image-store data set a key /dev/null --digest {digest}"),
        &format!("image-store data set a manifest /dev/null --digest {digest}"),
        "image-store data digest a manifest",
        "image-store data get a manifest --output none/file",
        "image-store data",
    ]);
    // The parser's own words are its own.
    let (seen, _) = seen.split_once("$ image-store data\n").unwrap();
    assert_data_eq!(seen, str![[r#"
$ image-store create --id a
a
$ image-store data get a none
! error: the image "a" has no big data item "none", or not its bytes; see: image-store data list
[exit 1]
$ image-store data size a none
! error: no size is known for the big data item "none" of the image "a"; see: image-store data list
[exit 1]
$ image-store data digest a none
! error: no digest is known for the big data item "none" of the image "a"; see: image-store data list
[exit 1]
$ image-store data get none none
! error: no image is known as "none"; see: image-store list
[exit 1]
$ image-store data set a key none
! error: could not read none: No such file or directory (os error 2)
[exit 2]
$ image-store data set a '' /dev/null
! error: a big data item needs a key that is not empty (image "a")
[exit 2]
$ image-store data get a ''
! error: a big data item needs a key that is not empty (image "a")
[exit 2]
$ image-store data set a key /dev/null --digest sha384:000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
! error: --digest is for items whose key begins with "manifest"; the digest of any other is its SHA-256
[exit 2]
$ image-store data set a manifest /dev/null --digest sha384:000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
$ image-store data digest a manifest
sha384:000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
$ image-store data get a manifest --output none/file
! error: could not write none/file: No such file or directory (os error 2)
[exit 5]

"#]].raw());
    assert_eq!(place.run(&["data"]).code, 2);
}

/// `create` took only files whose name is text.
#[test]
fn a_file_can_have_any_name() {
    let place = Place::new();
    let seen = place.session(&[
        "printf bytes > $(printf 'a=\\377')",
        "image-store create --id a --data key=$(printf 'a=\\377') && image-store data get a key",
        "image-store data set a key $(printf 'a=\\377')",
        "image-store data get a key -o $(printf '\\376') && ls | wc -l",
        "image-store create --data $(printf '\\377')=a",
        "image-store create --data =a",
        "image-store create --data a",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ printf bytes > $(printf 'a=\377')
$ image-store create --id a --data key=$(printf 'a=\377') && image-store data get a key
a
bytes
$ image-store data set a key $(printf 'a=\377')
$ image-store data get a key -o $(printf '\376') && ls | wc -l
3
$ image-store create --data $(printf '\377')=a
! error: invalid value '�=a' for '--data <KEY=FILE>': give a key, an equals sign, and a file or -; see: image-store create --help
[exit 2]
$ image-store create --data =a
! error: invalid value '=a' for '--data <KEY=FILE>': give a key, an equals sign, and a file or -; see: image-store create --help
[exit 2]
$ image-store create --data a
! error: invalid value 'a' for '--data <KEY=FILE>': give a key, an equals sign, and a file or -; see: image-store create --help
[exit 2]

"#]]
        .raw()
    );
}

#[test]
fn a_large_item_streams_through_pipes() {
    let place = Place::new();
    place.run(&["create", "--id", "a"]).printed();
    let seen = place.session(&[
        "head -c 20000000 /dev/zero | tr '\\0' 'x' | image-store data set a index -",
        "image-store data size a index",
        "image-store data get a index | tr -d x | wc -c",
        "head -c 3000000 /dev/urandom > random && image-store data set a random random",
        "image-store data get a random | cmp - random && echo same",
        "image-store data get a random -o copy && cmp copy random && echo same",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ head -c 20000000 /dev/zero | tr '\0' 'x' | image-store data set a index -
$ image-store data size a index
20000000
$ image-store data get a index | tr -d x | wc -c
0
$ head -c 3000000 /dev/urandom > random && image-store data set a random random
$ image-store data get a random | cmp - random && echo same
same
$ image-store data get a random -o copy && cmp copy random && echo same
same

"#]]
        .raw()
    );
}

#[test]
fn an_item_that_is_damaged_exits_with_3_and_writes_no_file() {
    let place = Place::with_damaged_item();
    let copy = place.folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    for arguments in [
        &["data", "get", "a", "key"][..],
        &["data", "get", "a", "key", "--output", copy],
    ] {
        let ran = place.run(arguments);
        let (code, line) = ran.failed();
        assert_eq!((code, ran.stdout.as_str()), (3, ""), "{line}");
        assert!(line.contains("image-store repair"), "{line}");
    }
    let left = std::fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(left, 2, "only the store and the source are there");
}

#[test]
fn nothing_is_kept_of_an_item_whose_writer_is_killed() {
    let place = Place::new();
    place.run(&["create", "--id", "a"]).printed();
    let mut child = place
        .program()
        .args(["data", "set", "a", "key", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &[7; 1 << 20]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let store = ImageStore::open(place.store()).unwrap();
    assert!(store.big_data_names("a").unwrap().is_empty());
}

#[test]
fn a_full_disk_for_the_copy_is_the_systems_word() {
    let place = Place::new();
    place.session(&["echo x | image-store create --id a --data key=-"]);
    let full = std::fs::File::create("/dev/full").unwrap();
    let mut command = place.program();
    command.args(["data", "get", "a", "key"]).stdout(full);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("No space left"), "{stderr}");
    run(place.program().args(["data", "get", "a", "key"])).printed();
}

/// The system killed the program, with a signal that says no word.
#[test]
fn a_file_that_grows_too_long_is_the_systems_word() {
    let place = Place::new();
    let seen = place.session(&[
        "head -c 1000000 /dev/urandom > random && image-store create --id a --data key=random",
        "ulimit -f 300; image-store data get a key -o copy",
        "ulimit -f 300; image-store backup copy",
        "ulimit -f 1; image-store --store other.redb create",
        "ls",
    ]);
    assert_data_eq!(
        seen,
        str![[r#"
$ head -c 1000000 /dev/urandom > random && image-store create --id a --data key=random
a
$ ulimit -f 300; image-store data get a key -o copy
! error: could not write copy: File too large (os error 27)
[exit 5]
$ ulimit -f 300; image-store backup copy
! error: could not read or write copy: File too large (os error 27)
[exit 5]
$ ulimit -f 1; image-store --store other.redb create
! error: could not read or write other.redb: File too large (os error 27)
[exit 5]
$ ls
images.redb
random

"#]]
        .raw()
    );
}
