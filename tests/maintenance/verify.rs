//! A verification finds what is wrong, and nothing where nothing is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image_store::{Finding, ImageStore, Lookup as _, RepairOptions, VerifyOptions, VerifyReport};

use crate::damage::{BLOBS, CONTENTS, DIGESTS, IDS, IMAGES, LAYERS, NAMES, flip, store, tamper};

fn verify(path: &Path) -> VerifyReport {
    let store = ImageStore::open(path).unwrap();
    store.verify(&VerifyOptions::new(), |_| {}).unwrap()
}

fn kinds(report: &VerifyReport) -> Vec<&'static str> {
    report.findings.iter().map(Finding::kind).collect()
}

#[test]
fn a_sound_store_is_clean_and_counted() {
    let (_dir, path) = store();
    let report = verify(&path);
    assert!(report.is_clean() && report.findings.is_empty());
    assert!(report.engine_checked);
    assert_eq!(report.counts.images, 3);
    assert_eq!(report.counts.names, 2);
    assert_eq!(report.counts.items, 5);
    assert_eq!(report.counts.contents, 4);
    assert_eq!(report.counts.bytes, 20 + 1_200 + 1_200 + 100_000);
}

#[test]
fn progress_comes_to_its_end() {
    let (_dir, path) = store();
    let mut last = None;
    let store = ImageStore::open(&path).unwrap();
    let options = VerifyOptions::new();
    store
        .verify(&options, |progress| last = Some(progress))
        .unwrap();
    let last = last.unwrap();
    assert_eq!(last.done, last.total);
}

#[test]
fn a_damaged_record_is_named_by_its_number() {
    let (_dir, path) = store();
    tamper(&path, |transaction| flip(transaction, IMAGES, 1));
    let report = verify(&path);
    assert_eq!(kinds(&report), ["record-unreadable"]);
    assert!(report.findings[0].to_string().contains("image number 1"));
}

#[test]
fn missing_index_rows_are_found() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        transaction
            .open_table(IDS)
            .unwrap()
            .remove("one".to_owned())
            .unwrap();
        transaction
            .open_table(NAMES)
            .unwrap()
            .insert("app:2", 0)
            .unwrap();
        transaction
            .open_table(DIGESTS)
            .unwrap()
            .pop_first()
            .unwrap();
        transaction
            .open_table(LAYERS)
            .unwrap()
            .remove(("layer-two".to_owned(), 1))
            .unwrap();
    });
    let report = verify(&path);
    let missing = kinds(&report)
        .iter()
        .filter(|kind| **kind == "index-row-missing")
        .count();
    assert_eq!(missing, 4, "{:?}", report.findings);
}

#[test]
fn stray_index_rows_are_found() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        transaction
            .open_table(IDS)
            .unwrap()
            .insert("ghost".to_owned(), 77)
            .unwrap();
        transaction
            .open_table(NAMES)
            .unwrap()
            .insert("ghost:1", 0)
            .unwrap();
        transaction
            .open_table(DIGESTS)
            .unwrap()
            .insert(("ghost".to_owned(), 0), ())
            .unwrap();
        transaction
            .open_table(LAYERS)
            .unwrap()
            .insert(("ghost".to_owned(), 77), ())
            .unwrap();
    });
    assert_eq!(kinds(&verify(&path)), ["index-row-stray"; 4]);
}

#[test]
fn damaged_bytes_are_found() {
    let (_dir, path) = store();
    tamper(&path, |transaction| flip(transaction, BLOBS, (3, 1)));
    assert_eq!(kinds(&verify(&path)), ["content-unreadable"]);
}

#[test]
fn lost_and_stray_contents_are_found() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        let mut contents = transaction.open_table(CONTENTS).unwrap();
        contents.pop_first().unwrap();
    });
    let kinds = kinds(&verify(&path));
    assert!(kinds.contains(&"content-missing"), "{kinds:?}");
    assert!(kinds.contains(&"parts-stray"), "{kinds:?}");
}

#[test]
fn only_so_many_findings_are_kept_but_all_are_counted() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        let mut names = transaction.open_table(NAMES).unwrap();
        for n in 0..50 {
            names.insert(format!("ghost:{n}").as_str(), 0).unwrap();
        }
    });
    let store = ImageStore::open(&path).unwrap();
    let options = VerifyOptions::new().most_findings(3);
    let report = store.verify(&options, |_| {}).unwrap();
    assert_eq!(
        (report.findings.len(), report.found, report.damage),
        (3, 50, 50)
    );
}

#[test]
fn a_panic_of_the_callers_own_observer_is_the_callers() {
    let (_dir, path) = store();
    let reader = ImageStore::open(&path).unwrap();
    let copy = path.with_file_name("copy");
    let observers: [&dyn Fn(); 4] = [
        &|| drop(reader.verify(&VerifyOptions::new(), |_| panic!("mine"))),
        &|| {
            drop(
                reader
                    .read()
                    .unwrap()
                    .verify(&VerifyOptions::new(), |_| panic!("mine")),
            )
        },
        &|| drop(reader.read().unwrap().backup(&copy, |_| panic!("mine"))),
        &|| {
            let options = ImageStore::options();
            drop(options.verify(&path, &VerifyOptions::new(), |_| panic!("mine")));
        },
    ];
    for observer in observers {
        let panic = catch_unwind(AssertUnwindSafe(observer)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"mine"));
    }
    assert!(!copy.exists());
    assert_eq!(reader.len().unwrap(), 3);
    reader.close();
    let repair = RepairOptions::default();
    let repair = || ImageStore::options().repair(&path, &repair, |_| panic!("mine"));
    let panic = catch_unwind(AssertUnwindSafe(repair)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"mine"));
    assert!(verify(&path).is_clean());
}
