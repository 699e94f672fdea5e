//! Promise: the README's first command does what the README says, as it stands there.

use std::path::Path;
use std::process::Command;

use crate::support::run;

#[test]
fn the_first_command_imports_a_real_directory_and_lists_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```sh\n").unwrap();
    let (command, _) = rest.split_once("```").unwrap();
    assert!(
        command.contains("cargo run -q -- import tests/data/"),
        "{command}"
    );
    // The program is built already; cargo would wait for the tests that it runs itself.
    let command = command.replace("cargo run -q --", env!("CARGO_BIN_EXE_image-store"));

    let ran = run(Command::new("sh")
        .args(["-euc", &command])
        .current_dir(root));
    let (imported, listed) = ran.printed().split_once("IMAGE ID").unwrap();
    assert!(imported.contains("imported 32 images"), "{imported}");
    assert_eq!(listed.lines().count(), 33, "{listed}");
    assert!(listed.contains("localhost/import-base:v1"), "{listed}");
}
