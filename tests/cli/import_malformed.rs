//! Promise: an `images.json` that cannot be read ends an import with exit code 2, the place by line,
//! column and byte, and nothing written; with `--salvage` the whole records around the damage are
//! taken and the rest is reported by its place.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Place;

struct Case {
    text: Vec<u8>,
    /// Line, column and byte of the error.
    place: (u64, u64, u64),
    what: &'static str,
    /// The IDs that are salvaged.
    salvaged: &'static [&'static str],
}

fn case(
    text: impl AsRef<[u8]>,
    place: (u64, u64, u64),
    what: &'static str,
    salvaged: &'static [&'static str],
) -> Case {
    let text = text.as_ref().to_vec();
    Case {
        text,
        place,
        what,
        salvaged,
    }
}

fn cases() -> Vec<Case> {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let a = r#"{"id":"a"}"#;
    vec![
        // Cut short, in each part of a text.
        case("[", (1, 2, 1), "cut short", &[]),
        case(format!("[{a}"), (1, 12, 11), "cut short", &["a"]),
        case(format!("[{a},\n"), (2, 1, 13), "cut short", &["a"]),
        case(
            format!("[{a},\n{{\"id\":\"b"),
            (2, 9, 21),
            "cut short",
            &["a"],
        ),
        case(
            format!("[{a},{{\"id\":\"b\",\"names\":["),
            (1, 32, 31),
            "cut short",
            &["a"],
        ),
        // NUL bytes at the beginning, inside, at the end, and instead of everything.
        case(b"\0\0\0\0", (1, 1, 0), "NUL bytes", &[]),
        case(format!("\0\0\0[{a}]"), (1, 1, 0), "NUL bytes", &["a"]),
        case(
            format!("[{a},\n{{\"id\":\0\0\0}},{{\"id\":\"c\"}}]"),
            (2, 7, 19),
            "NUL bytes",
            &["a", "c"],
        ),
        case(
            format!("[{a},{{\"id\":\"b\0\"}},{{\"id\":\"c\"}}]"),
            (1, 21, 20),
            "NUL bytes",
            &["a", "c"],
        ),
        case(format!("[{a}]\0\0"), (1, 13, 12), "NUL bytes", &["a"]),
        case(
            format!("\u{feff}[{a}]"),
            (1, 1, 0),
            "byte order mark",
            &["a"],
        ),
        case(
            format!("[{a}]\n[]"),
            (2, 1, 13),
            "something follows",
            &["a"],
        ),
        case(format!("[{a}]x"), (1, 13, 12), "something follows", &["a"]),
        case("null,", (1, 5, 4), "something follows", &[]),
        // Not an array.
        case(a, (1, 1, 0), "not an array", &["a"]),
        case(
            format!("{{\"images\":[{a}]}}"),
            (1, 1, 0),
            "not an array",
            &["a"],
        ),
        case("\"text\"", (1, 1, 0), "not an array", &[]),
        case("7", (1, 1, 0), "not an array", &[]),
        case("\n\ntrue", (3, 1, 2), "not an array", &[]),
        case("nul", (1, 1, 0), "not an array", &[]),
        // Elements that are none.
        case(
            format!("[{a},\nnull,{{\"id\":\"c\"}}]"),
            (2, 1, 13),
            "null where an image",
            &["a", "c"],
        ),
        case(
            format!("[{a}, [] ,{{\"id\":\"c\"}}]"),
            (1, 14, 13),
            "not an object",
            &["a", "c"],
        ),
        case(
            format!("[{a},]"),
            (1, 13, 12),
            "']' where an image record",
            &["a"],
        ),
        case(
            format!("[{a} {{\"id\":\"c\"}}]"),
            (1, 13, 12),
            "'{' where a comma",
            &["a", "c"],
        ),
        // Not UTF-8.
        case(
            [b"[".as_slice(), a.as_bytes(), b",{\"id\":\"\xff\"}]"].concat(),
            (1, 20, 19),
            "not UTF-8",
            &["a"],
        ),
        // Wrong types.
        case(
            format!("[{a},{{\"id\":5}},{{\"id\":\"c\"}}]"),
            (1, 19, 18),
            "field \"id\": invalid type",
            &["a", "c"],
        ),
        case(
            format!("[{a},\n {{\"id\":\"b\",\n\"names\":\"x\"}}]"),
            (3, 11, 35),
            "field \"names\"",
            &["a"],
        ),
        case(
            format!("[{a},{{\"id\":\"b\",\"flags\":{{\"f\":{}}}}}]", deep(200)),
            (1, 161, 160),
            "deep",
            &["a"],
        ),
        // Too deep for the legacy store, too.
        case(
            format!("[{a},{{\"id\":\"b\",\"x\":{}}}]", deep(10_000)),
            (1, 10_026, 10_025),
            "deep",
            &["a"],
        ),
        // No JSON inside of a record.
        case(
            format!("[{a},{{\"id\":\"b\"\"c\"}},{{\"id\":\"c\"}}]"),
            (1, 22, 21),
            "expected `,` or `}`",
            &["a", "c"],
        ),
        case(
            format!("[{a},{{\"id\":\"b\",}},{{\"id\":\"c\"}}]"),
            (1, 23, 22),
            "trailing comma",
            &["a", "c"],
        ),
        case(
            format!("[{a},{{\"id\":\"\\q\"}},{{\"id\":\"c\"}}]"),
            (1, 21, 20),
            "invalid escape",
            &["a", "c"],
        ),
    ]
}

fn directory(folder: &Path, text: &[u8]) -> String {
    let images = folder.join("vfs-images");
    fs::create_dir_all(&images).unwrap();
    fs::write(images.join("images.json"), text).unwrap();
    images.to_str().unwrap().to_owned()
}

#[test]
fn each_is_told_with_its_place_and_nothing_is_written() {
    for case in cases() {
        let text = String::from_utf8_lossy(&case.text[..case.text.len().min(60)]).into_owned();
        let place = Place::new();
        let images = directory(place.folder.path(), &case.text);
        let ran = place.run(&["import", &images, "--quiet"]);
        let (code, line) = ran.failed();
        assert_eq!((code, ran.stdout.as_str()), (2, ""), "{text:?}: {line}");
        let (row, column, byte) = case.place;
        let told =
            format!("images.json cannot be read at line {row}, column {column} (byte {byte}): ");
        assert!(line.contains(&told), "{text:?}: {line}");
        assert!(line.contains(case.what), "{text:?}: {line}");
        let beside = fs::read_dir(place.folder.path()).unwrap().count();
        assert_eq!(beside, 1, "{text:?}: something was written");
    }
}

#[test]
fn the_whole_records_around_the_damage_are_salvaged() {
    for case in cases() {
        let text = String::from_utf8_lossy(&case.text[..case.text.len().min(60)]).into_owned();
        let place = Place::new();
        let images = directory(place.folder.path(), &case.text);
        let object = place.run(&[
            "import",
            &images,
            "--quiet",
            "--json",
            "--salvage",
            "--verify",
        ]);
        let object = object.json();
        let lost = object["warnings"].as_array().unwrap().iter();
        let lost: Vec<_> = lost
            .filter(|warning| warning["kind"] == "records-lost")
            .collect();
        assert!(!lost.is_empty(), "{text:?}: {object:#}");
        for lost in lost {
            assert_eq!(lost["damage"], true);
            let message = lost["message"].as_str().unwrap();
            let (_, rest) = message
                .split_once(" bytes of images.json from byte ")
                .unwrap();
            let offset: u64 = rest.split(' ').next().unwrap().parse().unwrap();
            assert!(offset <= case.text.len() as u64, "{message}");
        }
        let listed = place.run(&["list", "--json"]).json();
        let ids = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["id"].as_str());
        let ids: Vec<_> = ids.map(Option::unwrap).collect();
        assert_eq!(ids, case.salvaged, "{text:?}: {object:#}");

        // What was lost is damage, so that it can end the import.
        fs::remove_file(place.store()).unwrap();
        let fail = [
            "import",
            &images,
            "--quiet",
            "--salvage",
            "--on-damage",
            "fail",
        ];
        assert_eq!(place.run(&fail).code, 3, "{text:?}");
        assert!(!place.store().exists());
    }
}

/// Not every text without records is damaged.
#[test]
fn an_empty_file_and_null_are_an_empty_store() {
    for text in ["", " \n", "null", "[]", "\t[ ]\r\n"] {
        let place = Place::new();
        let images = directory(place.folder.path(), text.as_bytes());
        for options in [
            &["--quiet", "--json"][..],
            &["--quiet", "--json", "--salvage", "--replace"],
        ] {
            let object = place.run(&[&["import", &images], options].concat()).json();
            assert_eq!(object["images"], 0, "{text:?}");
            assert_eq!(object["warnings"], Value::Array(Vec::new()), "{text:?}");
        }
        // With folders of items beside it, the records have most likely been lost.
        fs::create_dir(Path::new(&images).join("folder")).unwrap();
        let object = place
            .run(&["import", &images, "--quiet", "--json", "--replace"])
            .json();
        assert_eq!(object["warning_counts"]["no-records"], 1, "{text:?}");
    }
}
