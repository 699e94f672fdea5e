//! Promise: the operator's page tells of every warning of an import, of no others, and of every exit
//! code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The rows of the first table after a heading, each by its first cell.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split('|').nth(1).unwrap().trim().to_owned())
        .collect()
}

#[test]
fn every_warning_has_its_row() {
    let source = read("src/legacy/finding.rs");
    let (_, kinds) = source.split_once("pub const fn kind(").unwrap();
    let (kinds, _) = kinds.split_once("pub const fn is_damage(").unwrap();
    let kinds = kinds.lines().filter_map(|line| {
        let (_, kind) = line.split_once("=> \"")?;
        Some(format!("`{}`", kind.strip_suffix("\",").unwrap()))
    });
    let kinds: BTreeSet<_> = kinds.collect();
    assert!(kinds.len() >= 20 && kinds.contains("`item-missing`"));
    let told = first_cells(&read("docs/migration.md"), "What an import warns of");
    let unique: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(unique, kinds);
    assert_eq!(unique.len(), told.len(), "told twice");
}

#[test]
fn every_exit_code_has_its_row() {
    let told = first_cells(&read("docs/migration.md"), "How an import ends");
    let codes = told.iter().map(|cell| cell.split(',').next().unwrap());
    let codes: BTreeSet<_> = codes.collect();
    assert_eq!(codes, BTreeSet::from(["0", "1", "2", "3", "4", "5"]));
}
