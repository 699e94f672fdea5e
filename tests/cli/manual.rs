//! Promise: the manual pages and completions tell of every command.

use crate::support::{Place, program, run};

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

/// Every command that the help lists, and so every page and completion, has a line that says what
/// it does.
#[test]
fn every_command_says_what_it_does() {
    let help = run(program().arg("--help"));
    let (_, commands) = help.printed().split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let commands: Vec<_> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .collect();
    assert!(commands.len() > 25, "{commands:#?}");
    for line in commands {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        assert!(words.next().is_some(), "{name} does not say what it does");
        if name != "help" {
            let own = run(program().args([name, "--help"]));
            assert!(own.printed().contains("Usage: image-store"), "{name}");
        }
    }
}
