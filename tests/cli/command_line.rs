//! Promise: exit codes, where results and errors go, and what the environment means are the same
//! for every command.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Batch, Place, program, run};

#[test]
fn help_and_version_are_results() {
    let help = run(program().arg("--help"));
    for told in [
        "Usage: image-store",
        "--store <PATH>",
        "batch",
        "import",
        "inspect",
        "list",
    ] {
        assert!(
            help.printed().contains(told),
            "{told} is missing: {}",
            help.stdout
        );
    }
    for code in ["0  done", "1  ", "2  ", "3  damage", "4  ", "5  "] {
        assert!(
            help.printed().contains(&format!("  {code}")),
            "{code}: {}",
            help.stdout
        );
    }
    let version = run(program().arg("--version"));
    let number = env!("CARGO_PKG_VERSION");
    assert_eq!(version.printed(), format!("image-store {number}\n"));
}

#[test]
fn wrong_usage_exits_with_2_and_prints_nothing() {
    for arguments in [
        &[][..],
        &["lst"],
        &["list", "--frob"],
        &["inspect"],
        &["--lock-wait", "soon", "list"],
        &["--log", "a=b=c", "list"],
    ] {
        let ran = run(program().args(arguments));
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_store_that_is_not_there_is_said_with_what_to_do_and_not_created() {
    let place = Place::new();
    for arguments in [&["list"][..], &["list", "--json"], &["inspect", "a"]] {
        let ran = place.run(arguments);
        let (code, line) = ran.failed();
        assert_eq!((code, ran.stdout.as_str()), (2, ""), "{line}");
        assert!(line.starts_with("error: there is no store at "), "{line}");
        assert!(line.contains("--store"), "{line}");
    }
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let place = Place::new();
    for bytes in [&b""[..], b"not a database\n", &[0; 100_000]] {
        std::fs::write(place.store(), bytes).unwrap();
        for arguments in [&["list"][..], &["batch"]] {
            let ran = place.run(arguments);
            let (code, line) = ran.failed();
            assert_eq!(code, 2, "{line}");
            assert!(line.contains("images.redb is not an image store"), "{line}");
            assert!(
                std::fs::read(place.store()).unwrap() == bytes,
                "the file changed"
            );
        }
    }
}

#[test]
fn what_the_system_refuses_exits_with_5_and_says_why() {
    let place = Place::new();
    let folder = place.folder.path().join("none");
    let ran = run(program()
        .arg("--store")
        .arg(folder.join("a.redb"))
        .arg("batch"));
    let (code, line) = ran.failed();
    assert_eq!(code, 5, "{line}");
    assert!(
        line.contains(&format!("there is no folder {}", folder.display()))
            && line.contains("create it first"),
        "{line}"
    );

    let ran = place.run(&["--verbose", "batch"]);
    assert_eq!(
        ran.printed(),
        "",
        "a store is created in a folder that is there"
    );
}

#[test]
fn verbose_shows_the_causes() {
    let place = Place::new();
    let store = place.folder.path().join("none/a.redb");
    let ran = run(program()
        .arg("--store")
        .arg(store)
        .args(["batch", "--verbose"]));
    let causes: Vec<_> = ran.stderr.lines().skip(1).collect();
    assert!(!causes.is_empty(), "{ran:?}");
    assert!(
        causes.iter().all(|line| line.starts_with("  caused by: ")),
        "{causes:?}"
    );
}

#[test]
fn a_store_that_others_keep_for_themselves_exits_with_4() {
    let place = Place::new();
    let exclusive = image_store::ImageStore::options()
        .access(image_store::Access::Exclusive)
        .open(place.store())
        .unwrap();
    for arguments in [&["list"][..], &["batch"]] {
        let ran = place.run(&[&["--lock-wait", "0.1"], arguments].concat());
        let (code, line) = ran.failed();
        assert_eq!(code, 4, "{line}");
        assert!(line.contains("still in use by another"), "{line}");
    }
    exclusive.close();
    place.run(&["list"]).printed();
}

#[test]
fn reading_does_not_wait_for_a_writer() {
    let place = Place::new();
    let mut writer = place.batch();
    writer.ok(json!({"op": "begin"}));
    writer.create("a", &[]);
    let ran = place.run(&["--lock-wait", "0.1", "list", "--json"]);
    assert_eq!(ran.json(), json!([]));
    writer.ok(json!({"op": "commit"}));
    let ran = place.run(&["--lock-wait", "0.1", "list", "--json"]);
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    writer.end();
}

#[test]
fn a_damaged_store_exits_with_3_and_says_what_to_do() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.ok(json!({"op": "create", "id": "a", "metadata": "a text to be found"}));
    batch.end();
    let mut file = std::fs::read(place.store()).unwrap();
    let found = file
        .windows(18)
        .position(|part| part == b"a text to be found");
    file[found.unwrap()] ^= 1;
    std::fs::write(place.store(), file).unwrap();

    for arguments in [&["list"][..], &["list", "--json"], &["inspect", "a"]] {
        let ran = place.run(arguments);
        let (code, line) = ran.failed();
        assert_eq!(code, 3, "{line}");
        assert!(
            line.contains("is damaged") && line.contains("image-store repair"),
            "{line}"
        );
    }
    let mut batch = place.batch();
    assert_eq!(batch.kind(json!({"op": "get", "id": "a"})), "corrupt");
    assert_eq!(
        batch.ok(json!({"op": "exists", "id": "b"})),
        json!(false),
        "it goes on"
    );
    batch.end();
}

#[test]
fn the_path_comes_from_the_option_then_the_environment_then_the_default() {
    let place = Place::new();
    let folder = place.folder.path();
    for (argument, variable, file) in [
        (None, None, "images.redb"),
        (None, Some(""), "images.redb"),
        (None, Some("env.redb"), "env.redb"),
        (Some("arg.redb"), Some("env.redb"), "arg.redb"),
    ] {
        let mut command = program();
        command.current_dir(folder);
        if let Some(path) = argument {
            command.args(["--store", path]);
        }
        if let Some(path) = variable {
            command.env("IMAGE_STORE", path);
        }
        run(command.arg("batch")).printed();
        let path = folder.join(file);
        assert!(
            path.is_file(),
            "{argument:?} {variable:?} did not make {file}"
        );
        std::fs::remove_file(path).unwrap();
    }
}

/// A reader that has had enough, such as `head`, is no error.
#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.ok(json!({"op": "begin"}));
    let metadata = "x".repeat(10_000);
    for n in 0..50 {
        batch.ok(json!({"op": "create", "id": format!("{n}"), "metadata": metadata}));
    }
    batch.ok(json!({"op": "commit"}));
    batch.end();

    for arguments in [
        &["list", "--json"][..],
        &["list"],
        &["inspect", "1"],
        &["completions", "bash"],
    ] {
        let mut child = place
            .program()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            (status.code(), stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

/// A client that stops reading and goes on writing ends `batch`, and what it had begun is aborted.
#[test]
fn batch_ends_quietly_when_nobody_reads_its_replies() {
    let place = Place::new();
    let mut child = place
        .program()
        .arg("batch")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let input = child.stdin.take().unwrap();
    let requests = "{\"op\": \"begin\"}\n{\"op\": \"create\", \"id\": \"a\"}\n";
    // It may be gone before all is written.
    let _ = std::io::Write::write_all(&mut &input, requests.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let mut batch = place.batch();
    assert_eq!(batch.ok(json!({"op": "images"})), json!([]));
    batch.end();
}

#[test]
fn the_log_goes_to_standard_error() {
    let place = Place::new();
    let mut batch = Batch::start(
        place
            .program()
            .args(["--log", "trace", "batch"])
            .stderr(Stdio::piped()),
    );
    assert_eq!(batch.ok(json!({"op": "images"})), json!([]));
    batch.end();
    let ran = place.run(&["--log", "trace", "list", "--json"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap(),
        json!([])
    );
    assert!(ran.stderr.contains("image_store"), "{}", ran.stderr);
    assert!(
        !ran.stderr.contains('\u{1b}'),
        "colours in a pipe: {}",
        ran.stderr
    );
}

#[test]
fn completions_are_there_for_common_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(program().args(["completions", shell]));
        assert!(ran.printed().contains("image-store"), "{shell}");
    }
}
