//! Promise: whoever follows the tour in `docs/tour.md` sees what it says they see.

use std::path::Path;

use crate::support::{run, shell};

/// A command of the tour and what the tour says it prints.
struct Step {
    command: String,
    expected: Vec<String>,
}

/// The commands in the `console` blocks of a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step {
                    command: command.to_owned(),
                    expected: Vec::new(),
                }),
                None => steps.last_mut().unwrap().expected.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Whether `line` is what `pattern` says; `…` in it stands for anything.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('…');
    let mut rest = match line.strip_prefix(parts.next().unwrap()) {
        Some(rest) => rest,
        None => return false,
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether lines are what patterns say; a pattern that is `…` alone stands for any lines.
fn are_like(lines: &[&str], patterns: &[String]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((first, others)) if first == "…" => {
            (0..=lines.len()).any(|skipped| are_like(&lines[skipped..], others))
        }
        Some((first, others)) => lines
            .split_first()
            .is_some_and(|(line, rest)| is_like(line, first) && are_like(rest, others)),
    }
}

#[test]
fn the_tour_shows_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/tour.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.len() > 20, "the tour is gone");

    // One shell for all, as a person has; a line of its own ends what each command printed.
    let mark = "--- end of step ---";
    let mut script = "exec 2>&1\n".to_owned();
    for Step { command, .. } in &steps {
        script.push_str(&format!(
            "{command}\ncode=$?; [ $code = 0 ] || echo \"[exit $code]\"; echo '{mark}'\n"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let ran = run(shell(&script)
        .env("TMPDIR", folder.path())
        .env_remove("IMAGE_STORE")
        .current_dir(root));
    let mark = format!("{mark}\n");
    let mut printed = ran.stdout.split(&mark);
    for step in &steps {
        // A person sees a bar instead, which is gone at the end.
        let lines = printed.next().unwrap().lines();
        let lines: Vec<_> = lines
            .filter(|line| !line.starts_with("progress: "))
            .collect();
        assert!(
            are_like(&lines, &step.expected),
            "$ {}\nprinted\n{}\n\nand not\n{}",
            step.command,
            lines.join("\n"),
            step.expected.join("\n"),
        );
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the tour does not clean up");
}

#[test]
fn patterns_are_kept_to() {
    for (line, pattern, like) in [
        ("abc", "abc", true),
        ("abcd", "abc", false),
        ("abc", "a…c", true),
        ("ac", "a…c", true),
        ("abcd", "a…c", false),
        ("a-b-c", "a…b…c", true),
        ("a-c", "a…b…c", false),
        ("anything", "…", true),
    ] {
        assert_eq!(is_like(line, pattern), like, "{line} {pattern}");
    }
    let patterns =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    assert!(are_like(&["a", "b", "c"], &patterns(&["a", "…"])));
    assert!(are_like(&["a"], &patterns(&["…", "a", "…"])));
    assert!(!are_like(&["a", "b"], &patterns(&["a"])));
    assert!(!are_like(&[], &patterns(&["a"])));
}
