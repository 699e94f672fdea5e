//! A verification finds what is wrong, and nothing where nothing is.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image_store::{
    Finding, ImageStore, Lookup as _, NewImage, RepairOptions, VerifyOptions, VerifyReport,
};
use sha2::{Digest as _, Sha256};

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

/// The first damaged page of a table was blamed on the table of images, and ended the verification of
/// all that comes behind it.
#[test]
fn a_damaged_page_is_blamed_on_its_table_and_hides_nothing_else() {
    const IMAGES: usize = 600;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    let mut transaction = store.write().unwrap();
    for number in 0..IMAGES {
        let digest = hex::encode(format!("digest-{number:04}{:21}", ""));
        let image = NewImage::new()
            .id(format!("image-{number:04}"))
            .name(format!("name-{number:04}"))
            .digest(format!("sha256:{digest}"))
            .top_layer(format!("layer-{number:04}"))
            .big_data("item", format!("bytes-{number:04}{}", "-".repeat(40)));
        transaction.create(image).unwrap();
    }
    transaction.commit().unwrap();
    store.close();
    // What is wrong before and behind the damaged page.
    tamper(&path, |transaction| {
        flip(transaction, crate::damage::IMAGES, 10);
        flip(transaction, crate::damage::IMAGES, 590);
        let mut names = transaction.open_table(NAMES).unwrap();
        names.remove("name-0011").unwrap();
        names.remove("name-0589").unwrap();
        names.insert("aaa", 12).unwrap();
        names.insert("zzz", 13).unwrap();
        let mut ids = transaction.open_table(IDS).unwrap();
        ids.remove("image-0014".to_owned()).unwrap();
        ids.insert("zzz".to_owned(), 14).unwrap();
        let mut blobs = transaction.open_table(BLOBS).unwrap();
        blobs.insert((1_000, 0), b"".as_slice()).unwrap();
    });
    let sound = fs::read(&path).unwrap();
    let wrong = verify(&path);
    assert_eq!(wrong.counts.images, IMAGES as u64 - 2);
    let count = |report: &VerifyReport, kind: &str| {
        let kinds = kinds(report);
        kinds.iter().filter(|found| **found == kind).count()
    };
    let expected = [
        ("record-unreadable", 2),
        ("index-row-missing", 3),
        ("index-row-stray", 3),
        ("parts-stray", 1),
    ];
    for (kind, times) in expected {
        assert_eq!(count(&wrong, kind), times, "{kind}: {:#?}", wrong.findings);
    }

    let middle = Sha256::digest(format!("bytes-0300{}", "-".repeat(40)));
    let tables: [(&str, &[u8]); 7] = [
        ("images", b"bogus"),
        ("ids", b"image-0300"),
        ("names", b"name-0300"),
        ("digests", b"digest-0300"),
        ("layers", b"layer-0300"),
        ("contents", &middle),
        ("blobs", b"bytes-0300"),
    ];
    for (table, text) in tables {
        let has = |page: &[u8], text: &[u8]| page.windows(text.len()).any(|part| part == text);
        let mut file = sound.clone();
        let mut damaged = 0;
        for page in file.chunks_mut(4_096).skip(1) {
            let is_record = has(page, b"image-0300") && has(page, b"name-0300");
            if is_record == (table == "images") && (is_record || has(page, text)) {
                page.fill(0);
                damaged += 1;
            }
        }
        assert!(damaged > 0, "{table}");
        fs::write(&path, &file).unwrap();
        let report = ImageStore::options().verify(&path, &VerifyOptions::new(), |_| {});
        let report = report.unwrap();
        let blamed: Vec<_> = report
            .findings
            .iter()
            .filter_map(|finding| match finding {
                Finding::TableUnreadable { table, .. } => Some(*table),
                _ => None,
            })
            .collect();
        assert_eq!(blamed, [table], "{:#?}", report.findings);
        for (kind, times) in expected {
            // Without a record its rows are not known to be stray, nor without their row its parts.
            let times = match (table, kind) {
                ("contents", "parts-stray") => 0,
                _ => times,
            };
            assert_eq!(
                count(&report, kind),
                times,
                "{table}: {:#?}",
                report.findings
            );
        }
        // A page has some fifty rows.
        let (most, read) = (wrong.counts, report.counts);
        match table {
            "images" => assert!((400..most.images).contains(&read.images), "{read:?}"),
            "contents" => assert!((400..most.contents).contains(&read.contents), "{read:?}"),
            _ => assert_eq!(read, most),
        }
    }
}

#[test]
fn damaged_bytes_are_found_and_whose_they_are() {
    let (_dir, path) = store();
    tamper(&path, |transaction| flip(transaction, BLOBS, (3, 1)));
    let report = verify(&path);
    assert_eq!(kinds(&report), ["content-unreadable", "item-damaged"]);
    let told = report.findings[1].to_string();
    let whose = "the item \"large\" of the image \"three\" has the damaged bytes ";
    assert!(told.starts_with(whose), "{told}");

    // A manifest that two images have.
    let (_dir, path) = store();
    tamper(&path, |transaction| flip(transaction, BLOBS, (1, 0)));
    let all = ["content-unreadable", "item-damaged", "item-damaged"];
    assert_eq!(kinds(&verify(&path)), all);
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
