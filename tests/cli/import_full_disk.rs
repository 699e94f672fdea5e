//! Promise: an import that finds the disk full leaves everything as it was, with exit code 5, and
//! goes through when there is room.

use std::fs;
use std::process::{Command, Output};

use crate::support::{Place, data, program};

fn import(place: &Place, options: &[&str]) -> Command {
    let mut command = program();
    command.arg("--store").arg(place.store()).arg("import");
    command.arg(data("podman/vfs-images")).args(options);
    command
}

/// Runs `command` in a shell after `script`, whose arguments are those of the command.
fn after(script: &str, command: &Command) -> Output {
    Command::new("sh")
        .args(["-c", script])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .unwrap()
}

fn list(place: &Place) -> Option<String> {
    let is_there = place.store().exists();
    is_there.then(|| place.run(&["list", "--json"]).printed().to_owned())
}

/// A file may not grow beyond a limit here, as under a quota.
#[test]
fn a_limit_on_file_sizes_leaves_everything_as_it_was() {
    for options in [&[][..], &["--replace"], &["--merge"], &["--verify"]] {
        let mut refused = 0;
        // In blocks of 512 bytes.
        for blocks in [0, 1, 8, 64, 256, 1024, 2048, 4096] {
            let place = Place::new();
            if options
                .iter()
                .any(|option| ["--replace", "--merge"].contains(option))
            {
                let mut batch = place.batch();
                batch.create("mine", &["my name"]);
                batch.end();
            }
            let before = list(&place);
            let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
            let ended = after(&script, &import(&place, &[options, &["--quiet"]].concat()));
            let stderr = String::from_utf8(ended.stderr).unwrap();
            if ended.status.success() {
                // What the summary could be written to has no limit: a pipe.
                assert_ne!(list(&place), before);
                continue;
            }
            refused += 1;
            assert_eq!(ended.status.code(), Some(5), "{blocks}: {stderr}");
            assert_eq!(list(&place), before, "{options:?} {blocks}");
            let left = fs::read_dir(place.folder.path()).unwrap().count();
            assert_eq!(left, usize::from(before.is_some()), "{options:?} {blocks}");
            // There is room again.
            let again = place.run(
                &[
                    &[
                        "import",
                        data("podman/vfs-images").to_str().unwrap(),
                        "--quiet",
                    ],
                    options,
                ]
                .concat(),
            );
            assert_eq!(again.code, 0, "{again:?}");
            assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 1);
        }
        assert!(refused >= 3, "only {refused} limits were too small");
    }
}

/// A file system of one megabyte, of which something else holds a part.
#[test]
fn a_full_file_system_leaves_nothing() {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("NOT TESTED: a full file system; it takes the right to mount in a namespace");
        return;
    }
    let place = Place::new();
    let command = import(&place, &["--quiet"]);
    let script = "mount -t tmpfs -o size=1m tmpfs \"$FOLDER\"; \
         head -c \"$BALLAST\" /dev/zero > \"$FOLDER/ballast\"; \
         code=0; \"$0\" \"$@\" || code=$?; echo \"ended $code\"; ls -A \"$FOLDER\"; \
         rm \"$FOLDER/ballast\"; mount -o remount,size=8m \"$FOLDER\"; \
         \"$0\" \"$@\"; ls -A \"$FOLDER\"";
    let mut refused = 0;
    for ballast in [1_040_000, 1_000_000, 700_000, 300_000] {
        let ended = Command::new("unshare")
            .args(["-rm", "sh", "-ec", script])
            .arg(command.get_program())
            .args(command.get_args())
            .env("FOLDER", place.folder.path())
            .env("BALLAST", ballast.to_string())
            .output()
            .unwrap();
        let stdout = String::from_utf8(ended.stdout).unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        let lines: Vec<_> = stdout.lines().collect();
        if lines[0] != "ended 5" {
            continue;
        }
        refused += 1;
        assert!(ended.status.success(), "{stdout}{stderr}");
        assert!(stderr.contains("No space left"), "{stderr}");
        assert_eq!(lines[1], "ballast", "something was left: {stdout}");
        assert!(lines[2].starts_with("imported 32 images"), "{stdout}");
        assert_eq!(*lines.last().unwrap(), "images.redb", "{stdout}");
    }
    assert!(refused > 0, "it was never full");
}

/// A source on a file system that is mounted read-only, with the lock that is taken there.
#[test]
fn a_read_only_mount_can_be_imported() {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("NOT TESTED: a read-only mount; it takes the right to mount in a namespace");
        return;
    }
    let place = Place::new();
    let source = data("podman/vfs-images");
    assert!(source.join("images.lock").exists());
    let script = "mount --bind \"$SOURCE\" \"$SOURCE\"; mount -o remount,bind,ro \"$SOURCE\"; \
         ! touch \"$SOURCE/images.lock\" 2>/dev/null; exec \"$0\" \"$@\"";
    let command = import(&place, &["--quiet", "--verify"]);
    let ended = Command::new("unshare")
        .args(["-rm", "sh", "-ec", script])
        .arg(command.get_program())
        .args(command.get_args())
        .env("SOURCE", &source)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.starts_with(b"imported 32 images"), "{ended:?}");
}
