//! Promise: whoever does not read what is written, or cannot take it, changes neither what is done
//! nor how it ends.

use std::process::{Command, Stdio};

use crate::support::{Place, program};

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

/// The exit code and standard error of a run whose results nobody reads.
fn unread(command: &mut Command) -> (Option<i32>, String) {
    let output = command
        .stdin(Stdio::null())
        .stdout(closed_pipe())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// They ended with 0, as if all were well.
#[test]
fn a_reader_that_is_gone_does_not_change_the_answer() {
    let place = Place::with_damaged_item();
    for (code, arguments) in [
        (3, &["verify"][..]),
        (3, &["verify", "--json"]),
        (1, &["find", "none", "--json"]),
        (0, &["find", "a", "--json"]),
        (3, &["repair"]),
    ] {
        let ended = unread(place.program().args(arguments));
        assert_eq!(ended, (Some(code), String::new()), "{arguments:?}");
    }
    let (code, stderr) = unread(place.program().args(["inspect", "a", "none"]));
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: no image is known"), "{stderr}");
    let place = Place::with_damaged_item();
    let ended = unread(place.program().args(["repair", "--json"]));
    assert_eq!(ended, (Some(3), String::new()));
}

/// With a log, a standard error that takes nothing was a panic.
#[test]
fn a_standard_error_that_takes_nothing_changes_nothing() {
    let place = Place::new();
    place.run(&["create", "--id", "a"]).printed();
    let full = || Stdio::from(std::fs::File::create("/dev/full").unwrap());
    for (code, arguments) in [
        (0, &["--log", "trace", "list"][..]),
        (1, &["--log", "trace", "inspect", "none"]),
        (1, &["--verbose", "inspect", "none"]),
        (2, &["--no-such-option"]),
        (2, &[]),
    ] {
        for stderr in [full(), closed_pipe()] {
            let mut command = place.program();
            let ended = command.args(arguments).stderr(stderr).output().unwrap();
            assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
        }
    }
}

/// It ended with 0, and nothing was there.
#[test]
fn help_that_cannot_be_written_is_an_error_as_every_result_is() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["list", "--help"],
        &["help"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = program().args(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {stderr}");
        assert!(stderr.contains("No space left"), "{arguments:?}: {stderr}");
        let ended = unread(program().args(arguments));
        assert_eq!(ended, (Some(0), String::new()), "{arguments:?}");
    }
}
