//! Promise: the manual pages and completions tell of every command.

use serde_json::{Value, json};

use crate::support::{Batch, Place, program, run};

#[test]
fn there_is_a_page_for_each_command() {
    let place = Place::new();
    let folder = place.folder.path().join("man/man1");
    run(program().arg("man").arg(&folder)).printed();
    for command in [
        "",
        "-list",
        "-find",
        "-delete",
        "-data",
        "-data-get",
        "-names-history",
        "-man",
        "-import",
    ] {
        let page = folder.join(format!("image-store{command}.1"));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{}", page.display());
    }
    let page = run(program().arg("man"));
    let page = page.printed();
    assert!(page.contains(".TH image-store 1"), "{page}");
    assert!(page.contains("damage found"), "no exit codes: {page}");
}

#[test]
fn pages_that_cannot_be_written_are_the_systems_word() {
    let ran = run(program().args(["man", "/dev/null/man1"]));
    let (code, line) = ran.failed();
    assert_eq!(code, 5, "{line}");
    assert!(line.contains("/dev/null/man1"), "{line}");
}

/// The commands that the help lists, but for `help` itself; each must say what it does.
fn commands() -> Vec<String> {
    let help = run(program().arg("--help"));
    let (_, commands) = help.printed().split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            assert!(words.next().is_some(), "{name} does not say what it does");
            name.to_owned()
        })
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_command_says_what_it_does() {
    let commands = commands();
    assert!(commands.len() > 25, "{commands:#?}");
    for name in commands {
        let own = run(program().args([&name, "--help"]));
        assert!(own.printed().contains("Usage: image-store"), "{name}");
    }
}

/// The reference has a section for each command, and in it each of its options. Those of `import`
/// and `export` are told elsewhere.
#[test]
fn the_reference_tells_of_every_command_and_option() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let page = std::fs::read_to_string(path).unwrap();
    let sections: Vec<&str> = page.split("\n### ").collect();
    let options = |help: &str| -> Vec<String> {
        help.lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-'))
            .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
            .map(|word| word.trim_end_matches(',').to_owned())
            .collect()
    };
    let general = options(run(program().args(["exists", "--help"])).printed());
    assert!(general.len() >= 6, "{general:?}");
    for option in &general {
        assert!(
            sections[0].contains(option.as_str()),
            "{option} is not told"
        );
    }
    for command in commands() {
        let section = sections.iter().find(|section| {
            let heading = section.lines().next();
            heading == Some(command.as_str())
        });
        let section = section.unwrap_or_else(|| panic!("{command} is not told"));
        if ["import", "export"].contains(&command.as_str()) {
            continue;
        }
        let help = run(program().args([&command, "--help"]));
        for option in options(help.printed()) {
            assert!(
                general.contains(&option) || section.contains(&option),
                "{command} {option} is not told"
            );
        }
    }
}

/// All fields of a request, as its refusal of one that nobody knows lists them.
fn fields(batch: &mut Batch, op: &str) -> Vec<String> {
    let mut request = json!({"op": op, "frob": 1});
    loop {
        let (kind, message) = batch.error(request.clone());
        assert_eq!(kind, "bad-request", "{op}: {message}");
        if let Some((_, fields)) = message.split_once("; there are: ") {
            let fields = fields.split(", ").map(str::to_owned);
            return fields
                .filter(|field| field != "op" && field != "seq")
                .collect();
        }
        let missing = message.split('"').nth(1).unwrap().to_owned();
        request[&missing] = match missing.as_str() {
            "names" => json!([]),
            _ => Value::String(String::new()),
        };
    }
}

/// `digests` of `create` was not told.
#[test]
fn the_protocol_tells_of_every_request_and_field() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/batch.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (requests, create) = page.split_once("\n### create\n").unwrap();
    let (create, _) = create.split_once("\nThere is no `mapped-layers`").unwrap();
    let place = Place::new();
    let mut batch = place.batch();
    let (_, message) = batch.error(json!({"op": "frob"}));
    let ops: Vec<_> = message.split('`').skip(3).step_by(2).collect();
    assert!(ops.len() > 25 && ops.contains(&"abort"), "{message}");
    for op in ops {
        let row = requests.lines().find(|line| {
            let first = line.split('|').nth(1);
            first.is_some_and(|cell| cell.contains(&format!("`{op}`")))
        });
        let row = row.unwrap_or_else(|| panic!("{op} is not told"));
        let told = if op == "create" {
            create
        } else {
            row.split('|').nth(2).unwrap()
        };
        let fields = fields(&mut batch, op);
        for field in &fields {
            assert!(
                told.contains(&format!("`{field}`")),
                "{op} {field} is not told"
            );
        }
        let count = match op {
            "create" => told.lines().filter(|line| line.starts_with("| `")).count(),
            _ => told.matches('`').count() / 2 - told.matches("`null`").count(),
        };
        assert_eq!(count, fields.len(), "{op} has {fields:?}, not: {told}");
    }
    batch.end();
}
