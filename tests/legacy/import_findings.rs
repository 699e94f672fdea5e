//! Promise: an import takes what is sound, tells each thing that is not, and reads nothing outside
//! of the directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use image_store::legacy::{
    self, Existing, FileKind, Finding, ImportOptions, ImportSummary, OnConflict,
};
use image_store::{Error, ImageStore, Lookup};
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::fixtures::Fixture;

fn imported(fixture: &Fixture) -> (ImageStore, ImportSummary) {
    let path = fixture.store_path();
    let mut told = Vec::new();
    let options = ImportOptions::default().on_finding(|finding| told.push(finding.clone()));
    let summary = legacy::import(&fixture.images, &path, options).unwrap();
    assert_eq!(told, summary.findings);
    (ImageStore::open(path).unwrap(), summary)
}

fn bytes(store: &ImageStore, id: &str, key: &str) -> Option<Vec<u8>> {
    match store.big_data(id, key) {
        Ok(bytes) => Some(bytes),
        Err(Error::BigDataUnknown { .. } | Error::InvalidBigDataName { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_later_of_two_holders_keeps_a_name() {
    let fixture = Fixture::with_records(
        r#"[{"id":"a","names":["x","y","x"],"names-history":["x"]},
            {"id":"b","names":["x","z"]},{"id":"c","names":["x","x"]}]"#,
    );
    let (store, summary) = imported(&fixture);
    let finding = |earlier: &str, later: &str| Finding::DuplicateName {
        name: "x".into(),
        earlier: earlier.into(),
        later: later.into(),
    };
    assert_eq!(summary.findings, [finding("a", "b"), finding("b", "c")]);
    assert_eq!(store.get("x").unwrap().id, "c");
    assert_eq!(store.get("a").unwrap().names, ["y"]);
    assert_eq!(store.get("a").unwrap().names_history, ["x"]);
    assert_eq!(store.get("b").unwrap().names, ["z"]);
    assert_eq!(store.get("c").unwrap().names, ["x", "x"]);
    assert_eq!((summary.images, summary.names), (3, 3));
}

#[test]
fn the_later_of_two_records_with_one_id_counts() {
    let json = r#"[{"id":"a","names":["old","kept"],"big-data-names":["k"]},{"id":"b"},
                   {"id":"a","names":["kept","new"],"big-data-names":["k"]}]"#;
    let fixture = Fixture::with_records(json).file("a/k", b"bytes");
    let (store, summary) = imported(&fixture);
    let offset = json.rfind(r#"{"id":"a""#).unwrap() as u64;
    let id = "a".to_owned();
    assert_eq!(summary.findings, [Finding::DuplicateId { id, offset }]);
    assert_eq!(store.get("a").unwrap().names, ["kept", "new"]);
    assert!(!store.exists("old").unwrap());
    assert_eq!(bytes(&store, "a", "k").unwrap(), b"bytes");
    assert_eq!((summary.images, summary.names, summary.items), (2, 2, 1));
    assert_eq!(store.len().unwrap(), 2);
}

#[test]
fn items_are_taken_as_they_lie_there_and_differences_told() {
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
    let right = "sha512:ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db27ac185f8a0\
                 e1d5f84f88bc887fd67b143732c304cc5fa9ad8e6f57f50028a8ff"
        .replace(' ', "");
    let fixture = Fixture::with_records(&format!(
        r#"[{{"id":"a","big-data-names":["good","short","wrong","manifest-x"],
             "big-data-sizes":{{"good":4,"short":5,"wrong":4,"manifest-x":4,"unlisted":4,"gone":1}},
             "big-data-digests":{{"good":"{right}","wrong":"{}","manifest-x":"{}"}}}}]"#,
        digest('1'),
        digest('2'),
    ))
    .file("a/good", b"test")
    .file("a/short", b"test")
    .file("a/wrong", b"test")
    .file("a/=bWFuaWZlc3QteA==", b"test")
    .file("a/unlisted", b"test")
    .file("a/other", b"test");
    let (store, summary) = imported(&fixture);
    for key in ["good", "short", "wrong", "manifest-x", "unlisted"] {
        assert_eq!(bytes(&store, "a", key).unwrap(), b"test", "{key}");
    }
    assert_eq!(bytes(&store, "a", "gone"), None);
    assert_eq!(store.big_data_size("a", "gone").unwrap(), 1);
    assert_eq!(store.big_data_size("a", "short").unwrap(), 5);
    let (id, key) = ("a".to_owned(), |key: &str| key.to_owned());
    let test = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    assert_eq!(
        summary.findings,
        [
            Finding::ItemSize {
                id: id.clone(),
                key: key("short"),
                recorded: 5,
                actual: 4
            },
            Finding::ItemDigest {
                id: id.clone(),
                key: key("wrong"),
                recorded: digest('1'),
                actual: test.to_owned()
            },
            Finding::ItemMissing {
                id,
                key: key("gone")
            },
            Finding::UnlistedFile {
                path: "a/other".into(),
                kind: FileKind::File
            },
        ]
    );
    // All items have the same four bytes.
    assert_eq!(
        (summary.items, summary.item_bytes, summary.shared_bytes),
        (5, 20, 16)
    );
}

#[test]
fn bad_dates_and_digests_lose_no_image() {
    let fixture = Fixture::with_records(
        r#"[{"id":"a","created":"2020-13-01T00:00:00Z","digest":"sha1:00","names":["n"],
             "big-data-names":["manifest"],"big-data-digests":{"manifest":"x"}}]"#,
    )
    .file("a/manifest", b"{}");
    let (store, summary) = imported(&fixture);
    let kinds: Vec<_> = summary.findings.iter().map(Finding::kind).collect();
    assert_eq!(kinds, ["bad-date", "malformed-digest", "malformed-digest"]);
    assert!(summary.findings.iter().all(Finding::is_damage));
    let image = store.get("n").unwrap();
    assert_eq!(image.created, None);
    assert_eq!(image.digest.as_deref(), Some("sha1:00"));
    assert_eq!(bytes(&store, "a", "manifest").unwrap(), b"{}");
}

#[test]
fn what_is_beside_the_images_is_told_and_not_taken() {
    let fixture = Fixture::with_records(r#"[{"id":"a"}]"#)
        .file("a/stray", b"1")
        .file("orphan/manifest", b"2")
        .file(".tmp-images.json123", b"3")
        .file("notes", b"4")
        .file("images.lock", b"5");
    let (store, summary) = imported(&fixture);
    let found: Vec<_> = summary.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            r#""a/stray" is a file that no image mentions; not taken"#,
            r#"".tmp-images.json123" was left by a writer that was killed; not taken"#,
            r#""notes" is a file that no image mentions; not taken"#,
            r#""orphan" is a folder that belongs to no image; not taken"#,
        ]
    );
    assert!(!summary.findings.iter().any(Finding::is_damage));
    assert_eq!(store.len().unwrap(), 1);
}

#[test]
fn no_records_are_an_empty_store() {
    for json in ["", "null", "[]"] {
        let (store, summary) = imported(&Fixture::with_records(json));
        assert!(store.is_empty().unwrap() && summary.findings.is_empty());
    }
    let (_, summary) = imported(&Fixture::with_records("").file("f/k", b""));
    let kinds: Vec<_> = summary.findings.iter().map(Finding::kind).collect();
    assert_eq!(kinds, ["no-records", "orphan-folder"]);

    let fresh = Fixture::with_records("").file("images.lock", b"");
    fs::remove_file(fresh.images.join("images.json")).unwrap();
    let (store, summary) = imported(&fresh);
    assert!(store.is_empty().unwrap());
    assert_eq!(summary.findings, [Finding::NoRecordsFile]);
}

#[test]
fn odd_ids_and_keys_stay_inside() {
    let ids = [
        "..",
        "../evil",
        "a/../../evil",
        "sub/dir",
        ".",
        "",
        "x\\u0000",
        "with space",
    ];
    let keys = r#"["k","..",".","a/b","end/","/","","\u0000"]"#;
    let records = ids.map(|id| format!(r#"{{"id":"{id}","big-data-names":{keys}}}"#));
    let fixture = Fixture::with_records(&format!("[{}]", records.join(",")))
        .file("../evil/k", b"outside")
        .file("../k", b"outside")
        .file("k", b"in the directory itself")
        .file("sub/dir/k", b"below")
        .file("with space/k", b"plain")
        .file("with space/end", b"cleaned")
        .file("with space/=YS9i", b"encoded");
    let (store, summary) = imported(&fixture);
    for id in ["..", "../evil", "a/../../evil", "x\0"] {
        for key in ["k", "..", ".", "a/b", "end/", "/", "\0"] {
            assert_eq!(bytes(&store, id, key), None, "{id:?} {key:?}");
        }
    }
    assert_eq!(bytes(&store, "sub/dir", "k").unwrap(), b"below");
    assert_eq!(bytes(&store, "with space", "k").unwrap(), b"plain");
    assert_eq!(bytes(&store, "with space", "end/").unwrap(), b"cleaned");
    assert_eq!(bytes(&store, "with space", "a/b").unwrap(), b"encoded");
    assert_eq!(bytes(&store, ".", "k").unwrap(), b"in the directory itself");
    assert_eq!(bytes(&store, "", "k").unwrap(), b"in the directory itself");

    let unusual = summary.findings.iter().filter(|f| f.kind() == "unusual-id");
    assert_eq!(unusual.count(), ids.len() - 1);
    let of = |wanted: &str| -> BTreeMap<String, &'static str> {
        let of_item = |finding: &Finding| match finding {
            Finding::ItemMissing { id, key }
            | Finding::ItemOutside { id, key }
            | Finding::ItemNotAFile { id, key, .. } => {
                (id == wanted).then(|| (key.clone(), finding.kind()))
            }
            _ => None,
        };
        summary.findings.iter().filter_map(of_item).collect()
    };
    assert!(of("../evil").values().all(|kind| *kind == "item-outside"));
    assert_eq!(of("../evil").len(), 8);
    let (outside, no_file) = ("item-outside", "item-not-a-file");
    let expected = [
        ("", no_file),
        ("\0", outside),
        (".", no_file),
        ("..", no_file),
        ("/", no_file),
    ];
    let expected = expected.map(|(key, kind)| (key.to_owned(), kind));
    assert_eq!(of("with space"), BTreeMap::from(expected));
}

#[test]
fn links_and_what_is_no_file_are_not_opened() {
    let fixture = Fixture::with_records(
        r#"[{"id":"a","big-data-names":["link","fifo","socket","folder","plain"]},
            {"id":"linked","big-data-names":["k"]},{"id":"piped","big-data-names":["k"]}]"#,
    )
    .file("../outside/k", b"outside")
    .file("a/plain", b"inside")
    .file("a/folder/x", b"");
    let folder = fixture.images.join("a");
    symlink("../../outside/k", folder.join("link")).unwrap();
    symlink("../outside", fixture.images.join("linked")).unwrap();
    mkfifoat(CWD, folder.join("fifo"), Mode::RUSR).unwrap();
    mkfifoat(CWD, fixture.images.join("piped"), Mode::RUSR).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let (store, summary) = imported(&fixture);
    let not_a_file = |id: &str, key: &str, kind| Finding::ItemNotAFile {
        id: id.into(),
        key: key.into(),
        kind,
    };
    assert_eq!(
        summary.findings,
        [
            not_a_file("a", "link", FileKind::Link),
            not_a_file("a", "fifo", FileKind::Fifo),
            not_a_file("a", "socket", FileKind::Socket),
            not_a_file("a", "folder", FileKind::Folder),
            not_a_file("linked", "k", FileKind::Link),
            not_a_file("piped", "k", FileKind::Fifo),
        ]
    );
    assert_eq!(bytes(&store, "a", "plain").unwrap(), b"inside");
    assert_eq!(summary.items, 1);
}

#[test]
fn the_list_of_findings_has_a_limit_and_the_counts_have_none() {
    let fixture = Fixture::with_records(r#"[{"id":"a","big-data-names":["1","2","3"]}]"#);
    let options = ImportOptions::default().listed_findings(2);
    let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    assert_eq!(summary.findings.len(), 2);
    assert_eq!(
        summary.finding_counts,
        BTreeMap::from([("item-missing", 3)])
    );
}

#[test]
fn a_store_in_the_directory_is_nothing_that_the_engine_left() {
    let fixture = Fixture::podman("B");
    let before = fs::read_dir(&fixture.images).unwrap().count();
    let store = fixture.images.join("images.redb");
    let summary = legacy::import(&fixture.images, &store, ImportOptions::default()).unwrap();
    assert_eq!(summary.findings, []);
    assert_eq!(fs::read_dir(&fixture.images).unwrap().count(), before + 1);
    let options = ImportOptions::default().existing(Existing::Merge(OnConflict::Fail));
    let summary = legacy::import(&fixture.images, &store, options).unwrap();
    assert_eq!(summary.findings, []);
}

#[test]
fn a_store_does_not_take_the_place_of_the_engines_files() {
    let fixture = Fixture::podman("B");
    let lock = fixture.images.join("images.lock");
    fs::remove_file(&lock).unwrap();
    let link = fixture.store_path().with_file_name("link");
    symlink(&fixture.images, &link).unwrap();
    for name in ["images.lock", "images.json"] {
        for folder in [&fixture.images, &link] {
            let options = ImportOptions::default();
            let refused = legacy::import(&fixture.images, &folder.join(name), options);
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Error::NotAStore { .. }), "{refused:?}");
        }
    }
    assert!(!lock.exists());
}
