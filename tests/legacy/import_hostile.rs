//! Promise: whatever lies in an images directory, nothing outside of it is read, nothing hangs, and
//! each odd thing is told.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use image_store::legacy::{
    self, Existing, FileKind, Finding, ImportOptions, ImportStage, ImportSummary,
};
use image_store::{Error, ImageStore, Lookup};
use rustix::fs::{CWD, Dev, FileType, Mode, makedev, mkfifoat, mknodat};

use crate::fixtures::Fixture;

fn import(fixture: &Fixture, options: ImportOptions<'_>) -> Result<ImportSummary, Error> {
    legacy::import(&fixture.images, &fixture.store_path(), options)
}

/// What can lie where a file or folder is expected. Only root can make a device; for others the
/// word is printed.
fn put(kind: FileKind, path: &Path) -> bool {
    let _ = fs::remove_file(path);
    match kind {
        FileKind::Fifo => mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap(),
        FileKind::Socket => drop(UnixListener::bind(path).unwrap()),
        FileKind::Link => symlink("/etc/passwd", path).unwrap(),
        FileKind::Folder => fs::create_dir(path).unwrap(),
        FileKind::Device => {
            // The null device would be harmless to read; it must not be opened all the same.
            let null: Dev = makedev(1, 3);
            let made = mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR, null);
            if let Err(error) = made {
                println!("NOT TESTED: a device ({error}); it takes root to make one");
                return false;
            }
        }
        _ => unreachable!("{kind}"),
    }
    true
}

const KINDS: [FileKind; 5] = [
    FileKind::Fifo,
    FileKind::Socket,
    FileKind::Link,
    FileKind::Folder,
    FileKind::Device,
];

#[test]
fn what_is_no_file_in_the_place_of_an_item_is_told_and_not_opened() {
    for kind in KINDS {
        let fixture = Fixture::with_records(r#"[{"id":"a","big-data-names":["k","l"]}]"#);
        let fixture = fixture.file("a/l", b"sound");
        if !put(kind, &fixture.images.join("a/k")) {
            continue;
        }
        let options = ImportOptions::default().verify(true);
        let summary = import(&fixture, options).unwrap();
        let (id, key) = ("a".to_owned(), "k".to_owned());
        let expected = Finding::ItemNotAFile { id, key, kind };
        assert_eq!(summary.findings, [expected]);
        let store = ImageStore::open(fixture.store_path()).unwrap();
        assert!(store.big_data("a", "k").is_err());
        assert_eq!(store.big_data("a", "l").unwrap(), b"sound");
    }
}

#[test]
fn what_is_no_folder_in_the_place_of_one_is_told_and_not_opened() {
    for kind in KINDS.into_iter().filter(|kind| *kind != FileKind::Folder) {
        let fixture = Fixture::with_records(r#"[{"id":"a","big-data-names":["passwd"]}]"#);
        if !put(kind, &fixture.images.join("a")) {
            continue;
        }
        if kind == FileKind::Link {
            fs::remove_file(fixture.images.join("a")).unwrap();
            symlink("/etc", fixture.images.join("a")).unwrap();
        }
        let summary = import(&fixture, ImportOptions::default()).unwrap();
        let (id, key) = ("a".to_owned(), "passwd".to_owned());
        assert_eq!(summary.findings, [Finding::ItemNotAFile { id, key, kind }]);
        assert_eq!(summary.item_bytes, 0);
    }
}

#[test]
fn records_or_a_lock_that_are_no_file_are_refused() {
    for name in ["images.json", "images.lock"] {
        for kind in KINDS {
            let fixture = Fixture::with_records("[]").file("images.lock", b"");
            let path = fixture.images.join(name);
            fs::remove_file(&path).unwrap();
            if !put(kind, &path) {
                continue;
            }
            let refused = import(&fixture, ImportOptions::default()).unwrap_err();
            assert!(matches!(refused, Error::LegacySource { .. }), "{refused}");
            assert!(refused.to_string().contains(&kind.to_string()), "{refused}");
            assert_eq!(fixture.beside(), [""; 0]);
        }
    }
}

#[test]
fn what_belongs_to_no_image_is_told_whatever_it_is() {
    for kind in KINDS {
        let fixture = Fixture::with_records(r#"[{"id":"a"}]"#).file("a/k", b"unlisted");
        let beside = put(kind, &fixture.images.join("x"));
        let inside = put(kind, &fixture.images.join("a/x"));
        let options = ImportOptions::default().recover_orphans(true).verify(true);
        let summary = import(&fixture, options).unwrap();
        let told: Vec<_> = summary.findings.iter().map(ToString::to_string).collect();
        let expected = 1 + usize::from(beside) + usize::from(inside);
        assert_eq!(told.len(), expected, "{kind}: {told:?}");
        assert_eq!(summary.images, 1);
    }
}

/// A manifest that is no file makes no image, and hangs nothing.
#[test]
fn an_orphan_whose_manifest_is_no_file_is_not_recovered() {
    for kind in KINDS {
        let fixture = Fixture::with_records("[]").file("o/sound", b"{}");
        if !put(kind, &fixture.images.join("o/manifest")) {
            continue;
        }
        let options = ImportOptions::default().recover_orphans(true);
        let summary = import(&fixture, options).unwrap();
        assert_eq!(summary.finding_counts.get("orphan-folder"), Some(&1));
        assert_eq!((summary.images, summary.recovered), (0, 0));
    }
}

#[test]
fn ids_and_keys_that_lead_out_read_nothing_outside() {
    let keys = r#"["k","..",".","a/b","../k","/etc/passwd","../../outside/k"]"#;
    let ids = ["..", "../outside", "a/../../outside", "/etc", "a/../.."];
    let records = ids.map(|id| format!(r#"{{"id":"{id}","big-data-names":{keys}}}"#));
    let fixture = Fixture::with_records(&format!("[{}]", records.join(",")))
        .file("../outside/k", b"outside")
        .file("../outside/passwd", b"outside")
        .file("../k", b"outside");
    let options = ImportOptions::default().verify(true);
    let summary = import(&fixture, options).unwrap();
    assert_eq!((summary.items, summary.item_bytes), (0, 0));
    assert_eq!(summary.finding_counts.get("unusual-id"), Some(&5));
    let is_expected = |finding: &Finding| {
        matches!(
            finding.kind(),
            "unusual-id" | "item-outside" | "item-missing" | "item-not-a-file"
        )
    };
    assert!(
        summary.findings.iter().all(is_expected),
        "{:#?}",
        summary.findings
    );
}

/// Folders are swapped for links to the outside while the import runs, again and again: every byte
/// that it takes is still from the inside.
#[test]
fn a_folder_that_is_swapped_during_the_run_leads_nowhere() {
    for stage in [ImportStage::Reading, ImportStage::Writing] {
        let ids: Vec<_> = (0..400).map(|number| format!("image-{number}")).collect();
        let records: Vec<_> = ids
            .iter()
            .map(|id| format!(r#"{{"id":"{id}","big-data-names":["k","large"]}}"#))
            .collect();
        let mut fixture = Fixture::with_records(&format!("[{}]", records.join(",")));
        let large = |byte: u8, id: &str| [vec![byte; 300 << 10], id.as_bytes().to_vec()].concat();
        for (number, id) in ids.iter().enumerate() {
            fixture = fixture.file(&format!("{id}/k"), b"inside");
            if number % 50 == 0 {
                fixture = fixture.file(&format!("{id}/large"), &large(b'i', id));
            }
        }
        let fixture = fixture
            .file("../outside/k", b"OUTSIDE")
            .file("../outside/large", &large(b'O', ""));
        let outside = fixture.images.parent().unwrap().join("outside");
        let swapped = Cell::new(false);
        let options = ImportOptions::default().verify(stage == ImportStage::Writing);
        let ended = import(
            &fixture,
            options.on_progress(|reached| {
                if reached.stage == stage && !swapped.replace(true) {
                    for id in &ids[1..] {
                        let folder = fixture.images.join(id);
                        fs::rename(&folder, fixture.images.join(format!("moved-{id}"))).unwrap();
                        symlink(&outside, &folder).unwrap();
                    }
                }
            }),
        );
        assert!(swapped.get());
        match ended {
            // What was read before the swap is taken; the rest is told.
            Ok(summary) => {
                assert_eq!(stage, ImportStage::Reading);
                let store = ImageStore::open(fixture.store_path()).unwrap();
                for id in &ids {
                    if let Ok(bytes) = store.big_data(id, "k") {
                        assert_eq!(bytes, b"inside", "{id}");
                    }
                    if let Ok(bytes) = store.big_data(id, "large") {
                        assert!(bytes == large(b'i', id), "{id}");
                    }
                }
                let told = summary.finding_counts.get("item-not-a-file");
                assert!(told.is_some(), "{:?}", summary.finding_counts);
            }
            // A large item that was being read, or a verification, notices.
            Err(Error::Io { .. } | Error::NotVerified { .. }) => {
                assert_eq!(fixture.beside(), ["outside"]);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_dry_run_writes_nothing_in_any_way() {
    let records = r#"[{"id":"a","names":["x"],"big-data-names":["k"]},{"id":"b","names":["x"]}]"#;
    for existing in [
        Existing::Refuse,
        Existing::Replace,
        Existing::Merge(Default::default()),
    ] {
        for is_there in [false, true] {
            let fixture = Fixture::with_records(records)
                .file("a/k", b"bytes")
                .file("o/manifest", b"{}");
            if is_there {
                drop(ImageStore::open(fixture.store_path()).unwrap());
            }
            let before = fs::read(fixture.store_path()).ok();
            let options = || {
                ImportOptions::default()
                    .existing(existing)
                    .recover_orphans(true)
            };
            let dry = import(&fixture, options().dry_run(true));
            assert_eq!(fs::read(fixture.store_path()).ok(), before);
            let names: &[&str] = if is_there { &["images.redb"] } else { &[] };
            assert_eq!(fixture.beside(), names);
            if is_there && existing == Existing::Refuse {
                assert!(matches!(dry, Err(Error::AlreadyExists { .. })));
                continue;
            }
            let wet = import(&fixture, options()).unwrap();
            let mut dry = dry.unwrap();
            dry.elapsed = wet.elapsed;
            assert_eq!(dry, wet, "{existing:?}");
        }
    }
}
