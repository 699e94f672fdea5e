//! Promise: a merge adds what is not there, tells what contradicts, and changes nothing where it is
//! not told whose side to take; a replacement leaves nothing of the old store.

use image_store::legacy::{
    self, Existing, ExportMode, ExportOptions, Finding, ImportOptions, ImportSummary, OnConflict,
    OnDamage,
};
use image_store::{Error, Image, ImageStore, Lookup, NewImage};

use crate::fixtures::{Fixture, UNTOUCHED};

fn import(
    fixture: &Fixture,
    options: ImportOptions<'_>,
) -> (Result<ImportSummary, Error>, Vec<Finding>) {
    let mut told = Vec::new();
    let options = options.on_finding(|finding| told.push(finding.clone()));
    let ended = legacy::import(&fixture.images, &fixture.store_path(), options);
    (ended, told)
}

fn merge(on_conflict: OnConflict) -> ImportOptions<'static> {
    ImportOptions::default().existing(Existing::Merge(on_conflict))
}

/// A merge that must succeed.
#[track_caller]
fn merged(fixture: &Fixture, on_conflict: OnConflict) -> ImportSummary {
    let options = merge(on_conflict).verify(true);
    let (ended, told) = import(fixture, options);
    ended.unwrap_or_else(|error| panic!("{error}: {told:#?}"))
}

fn images(fixture: &Fixture) -> Vec<Image> {
    let store = ImageStore::open(fixture.store_path()).unwrap();
    let images = store.images().unwrap();
    images.map(Result::unwrap).collect()
}

fn kinds(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(Finding::kind).collect()
}

/// Imports these records, and then sets others in their place.
fn changed_to(before: &str, after: &str) -> Fixture {
    let fixture = Fixture::with_records(before);
    import(&fixture, ImportOptions::default()).0.unwrap();
    std::fs::write(fixture.images.join("images.json"), after).unwrap();
    fixture
}

#[test]
fn merging_the_same_again_changes_nothing() {
    let odd = [
        // The suspicion was right: each of these was a conflict with itself.
        r#"[{"id":"a","names":["x","y","x"]},{"id":"b","names":["x","z"]},{"id":"c","names":["x","x"]}]"#,
        r#"[{"id":"a","metadata":"1","names":["x"]},{"id":"b"},{"id":"a","metadata":"2","names":["y"]}]"#,
        r#"[{"id":"b","names":["x"]},{"id":"a","names":["x"]},{"id":"a","metadata":"2"}]"#,
        r#"[{"id":"a","big-data-names":["gone"]},
            {"id":"b","big-data-names":["gone"],"big-data-sizes":{"gone":3}},
            {"id":"c","big-data-sizes":{"gone":3},"big-data-digests":{"other":"sha1:1"}}]"#,
        r#"[{"id":"a","created":"yesterday","digest":"none","names":["n"],"x":[1.50]}]"#,
        r#"[{"id":"../evil","big-data-names":["..","k"]},{"id":"sub/dir"}]"#,
    ];
    let damaged_later = r#"[{"id":"a","names":["x"]},{"id":"b","names":["x"],"big-data-names":["gone"]},
                            {"id":"a","big-data-names":["gone"]}]"#;
    let made = odd.map(Fixture::with_records).into_iter();
    let podman = UNTOUCHED.into_iter().chain(["E"]).map(Fixture::podman);
    let cases = made
        .chain(podman)
        .map(|fixture| (fixture, OnDamage::Report))
        .chain([(Fixture::with_records(damaged_later), OnDamage::Skip)]);
    for (number, (fixture, on_damage)) in cases.enumerate() {
        let first = ImportOptions::default().on_damage(on_damage);
        let first = first.recover_orphans(true);
        import(&fixture, first).0.unwrap();
        let before = images(&fixture);
        for on_conflict in [OnConflict::Fail, OnConflict::Keep, OnConflict::Replace] {
            let again = merge(on_conflict)
                .on_damage(on_damage)
                .recover_orphans(true);
            let (ended, told) = import(&fixture, again);
            let summary = ended.unwrap_or_else(|error| panic!("{number}: {error}: {told:#?}"));
            assert!(
                !told.iter().any(Finding::is_conflict),
                "{number}: {told:#?}"
            );
            assert_eq!((summary.images, summary.replaced, summary.kept), (0, 0, 0));
            assert_eq!(summary.stored_bytes, 0, "{number}");
            assert!(images(&fixture) == before, "{number}");
        }
    }
}

#[test]
fn a_merge_into_another_store_is_what_an_import_would_have_made() {
    let records = [
        r#"[{"id":"a","names":["x","y","x"]},{"id":"b","names":["x","z"]},{"id":"c","names":["x","x"]}]"#,
        r#"[{"id":"a","metadata":"1","names":["x"]},{"id":"b"},{"id":"a","metadata":"2","names":["y"]}]"#,
        r#"[{"id":"b","names":["x"]},{"id":"a","names":["x"]},{"id":"a","metadata":"2"}]"#,
    ];
    // The failure: neither of two records with one ID was taken where the later was left out.
    let damaged_later = r#"[{"id":"a","names":["x"]},{"id":"b","names":["x","y"]},
                            {"id":"b","names":["z"],"big-data-names":["gone"]},
                            {"id":"c","names":["y"],"big-data-names":["gone"]}]"#;
    let made = records.map(Fixture::with_records).into_iter();
    let cases = made
        .chain(["A5", "D", "E"].map(Fixture::podman))
        .map(|fixture| (fixture, OnDamage::Report))
        .chain([(Fixture::with_records(damaged_later), OnDamage::Skip)]);
    for (fixture, on_damage) in cases {
        let options = ImportOptions::default().on_damage(on_damage);
        import(&fixture, options).0.unwrap();
        let expected = images(&fixture);
        std::fs::remove_file(fixture.store_path()).unwrap();
        let store = ImageStore::open(fixture.store_path()).unwrap();
        store
            .create(NewImage::new().id("mine").name("my name"))
            .unwrap();
        drop(store);
        let options = merge(OnConflict::Fail).on_damage(on_damage).verify(true);
        let (ended, told) = import(&fixture, options);
        let summary = ended.unwrap_or_else(|error| panic!("{error}: {told:#?}"));
        let all = images(&fixture);
        assert_eq!(all[0].names, ["my name"]);
        assert!(all[1..] == expected);
        assert_eq!(summary.images, expected.len() as u64);
        let names = expected.iter().flat_map(|image| &image.names);
        let names: std::collections::BTreeSet<_> = names.collect();
        assert_eq!(summary.names, names.len() as u64);
    }
}

#[test]
fn duplicates_are_told_by_a_merge_as_by_an_import() {
    let records = r#"[{"id":"a","names":["x","y"]},{"id":"b","names":["x"]},{"id":"c","names":["x"]},
                      {"id":"c","names":["y"]}]"#;
    let fixture = Fixture::with_records(records);
    let sorted = |told: Vec<Finding>| {
        let mut told: Vec<_> = told.iter().map(ToString::to_string).collect();
        told.sort();
        told
    };
    let (_, expected) = import(&fixture, ImportOptions::default());
    assert_eq!(expected.len(), 4);
    std::fs::remove_file(fixture.store_path()).unwrap();
    drop(ImageStore::open(fixture.store_path()).unwrap());
    let (_, told) = import(&fixture, merge(OnConflict::Fail));
    assert_eq!(sorted(told), sorted(expected));
}

#[test]
fn a_conflict_ends_with_nothing_changed() {
    let before = r#"[{"id":"a","names":["x"],"metadata":"old"},{"id":"b","names":["y"]}]"#;
    let after = r#"[{"id":"new","names":["z"]},{"id":"a","names":["x"],"metadata":"new"},
                    {"id":"thief","names":["y"]}]"#;
    let fixture = changed_to(before, after);
    let stored = images(&fixture);
    for dry_run in [true, false] {
        let (ended, told) = import(&fixture, merge(OnConflict::Fail).dry_run(dry_run));
        match ended.unwrap_err() {
            Error::MergeConflicts { path, conflicts } => {
                assert_eq!((path, conflicts), (fixture.store_path(), 2));
            }
            other => panic!("{other}"),
        }
        assert_eq!(kinds(&told), ["image-conflict", "name-conflict"]);
        assert!(told.iter().all(Finding::is_conflict));
        let said: Vec<_> = told.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("another metadata; choose"), "{said:?}");
        assert!(
            said[1].contains("\"y\" of image \"thief\" is on the image \"b\""),
            "{said:?}"
        );
        assert!(images(&fixture) == stored, "it changed");
        assert_eq!(fixture.beside(), ["images.redb"]);
    }
}

#[test]
fn keep_keeps_what_the_store_has() {
    let before = r#"[{"id":"a","names":["x"],"metadata":"old"},{"id":"b","names":["y"]}]"#;
    let after = r#"[{"id":"new","names":["z"]},{"id":"a","names":["x"],"metadata":"new"},
                    {"id":"thief","names":["y","own"]}]"#;
    let fixture = changed_to(before, after);
    let mut stored = images(&fixture);
    for (added, kept) in [(2, 1), (0, 2)] {
        let summary = merged(&fixture, OnConflict::Keep);
        assert_eq!((summary.images, summary.replaced), (added, 0));
        assert_eq!(summary.kept, kept, "{:?}", summary.findings);
    }
    let now = images(&fixture);
    let added: Vec<_> = now[2..]
        .iter()
        .map(|image| (image.id.as_str(), &image.names))
        .collect();
    assert_eq!(
        added,
        [
            ("new", &vec!["z".to_owned()]),
            ("thief", &vec!["own".to_owned()])
        ]
    );
    stored.extend(now[2..].iter().cloned());
    assert!(now == stored);
}

#[test]
fn replace_takes_the_side_of_the_directory() {
    let before =
        r#"[{"id":"a","names":["x"],"metadata":"old"},{"id":"b","names":["y","w"]},{"id":"c"}]"#;
    let after = r#"[{"id":"new","names":["z"]},{"id":"a","names":["x"],"metadata":"new"},
                    {"id":"thief","names":["y","own"]},{"id":"c"}]"#;
    let fixture = changed_to(before, after);
    let summary = merged(&fixture, OnConflict::Replace);
    assert_eq!(
        (summary.images, summary.replaced, summary.unchanged),
        (3, 1, 1)
    );
    let ids: Vec<_> = images(&fixture).into_iter().map(|image| image.id).collect();
    assert_eq!(ids, ["b", "c", "new", "a", "thief"]);
    let store = ImageStore::open(fixture.store_path()).unwrap();
    assert_eq!(store.get("x").unwrap().metadata, "new");
    assert_eq!(store.get("y").unwrap().id, "thief");
    assert_eq!(store.get("b").unwrap().names, ["w"]);
    assert!(
        store
            .verify(&image_store::VerifyOptions::new(), |_| {})
            .unwrap()
            .is_clean()
    );
}

#[test]
fn other_bytes_of_an_item_are_a_conflict_and_are_replaced() {
    let fixture =
        Fixture::with_records(r#"[{"id":"a","big-data-names":["k"]}]"#).file("a/k", b"old");
    import(&fixture, ImportOptions::default()).0.unwrap();
    let fixture = fixture.file("a/k", b"new");
    let (ended, told) = import(&fixture, merge(OnConflict::Fail));
    assert!(matches!(ended, Err(Error::MergeConflicts { .. })));
    assert!(told[0].to_string().contains("another big-data"), "{told:?}");
    merged(&fixture, OnConflict::Keep);
    let bytes = || {
        let store = ImageStore::open(fixture.store_path()).unwrap();
        store.big_data("a", "k").unwrap()
    };
    assert_eq!(bytes(), b"old");
    assert_eq!(merged(&fixture, OnConflict::Replace).replaced, 1);
    assert_eq!(bytes(), b"new");
}

#[test]
fn a_merge_where_no_store_is_makes_one() {
    let fixture = Fixture::podman("A5");
    assert_eq!(merged(&fixture, OnConflict::Fail).images, 32);
    assert_eq!(images(&fixture).len(), 32);
}

#[test]
fn a_replacement_has_nothing_of_the_old_store() {
    let fixture = Fixture::podman("A5");
    let store = ImageStore::open(fixture.store_path()).unwrap();
    let mine = NewImage::new().id("mine").name("localhost/oci-app:1.0");
    store
        .create(mine.big_data("k", b"bytes".as_slice()))
        .unwrap();
    drop(store);
    let fresh = Fixture::podman("A5");
    import(&fresh, ImportOptions::default()).0.unwrap();
    let options = ImportOptions::default().existing(Existing::Replace);
    let (summary, told) = import(&fixture, options.verify(true));
    assert_eq!((summary.unwrap().images, told.len()), (32, 0));
    assert!(images(&fixture) == images(&fresh));
    assert_eq!(fixture.beside(), ["A5", "images.redb"]);

    // What fails leaves the old store.
    let broken = changed_to(r#"[{"id":"a"}]"#, r#"[{"id":"b"},"#);
    let options = || ImportOptions::default().existing(Existing::Replace);
    let (ended, _) = import(&broken, options());
    assert!(matches!(ended, Err(Error::LegacyRecords { .. })));
    assert_eq!(images(&broken)[0].id, "a");
    assert_eq!(broken.beside(), ["images.redb"]);

    // What is no store is left alone; one that is damaged may go.
    std::fs::write(broken.images.join("images.json"), "[]").unwrap();
    std::fs::write(broken.store_path(), "precious").unwrap();
    let (ended, _) = import(&broken, options());
    assert!(matches!(ended, Err(Error::NotAStore { .. })), "{ended:?}");
    assert_eq!(std::fs::read(broken.store_path()).unwrap(), b"precious");
}

/// An engine that writes a record anew writes its zero date for none, and every number of a flag as
/// the float that it is to it.
#[test]
fn what_an_engine_writes_anew_is_unchanged() {
    let fixture = Fixture::with_records(
        r#"[{"id":"a"},{"id":"b","created":null,"flags":{"f":5.407241684160324e-08}},
            {"id":"c","flags":{"n":[1.0,1e5,9007199254740993,-873847281655846.0,1e300,-0]}},
            {"id":"d","created":"9999-12-31T23:59:59-07:00","big-data-names":["???"]}]"#,
    );
    let fixture = fixture.file("d/=Pz8", b"bytes");
    let verified = ImportOptions::default().verify(true);
    let (summary, told) = import(&fixture, verified);
    summary.unwrap();
    assert_eq!(told, []);
    let before = images(&fixture);
    let store = ImageStore::open(fixture.store_path()).unwrap();
    // Each is written anew as it is.
    for image in &before {
        store
            .add_names(&image.id, &[format!("name of {}", image.id)])
            .unwrap();
        store.set_names(&image.id, &[] as &[&str]).unwrap();
        assert_eq!(store.get(&image.id).unwrap().flags, image.flags);
    }
    store.wipe().unwrap();
    store.close();
    std::fs::remove_file(fixture.store_path()).unwrap();
    import(&fixture, ImportOptions::default()).0.unwrap();

    let store = ImageStore::open(fixture.store_path()).unwrap();
    let options = ExportOptions::default().mode(ExportMode::Replace);
    legacy::export(&store.read().unwrap(), &fixture.images, options).unwrap();
    store.close();
    let written = String::from_utf8(fixture.json()).unwrap();
    for text in [
        r#""created":"0001-01-01T00:00:00Z""#,
        r#"{"f":5.407241684160324e-8}"#,
        r#"{"n":[1,100000,9007199254740992,-873847281655846,1e+300,-0]}"#,
        r#""9999-12-31T23:59:59-07:00""#,
    ] {
        assert!(written.contains(text), "{text}: {written}");
    }
    let (summary, told) = import(&fixture, merge(OnConflict::Fail).verify(true));
    assert_eq!(summary.unwrap().unchanged, 4, "{told:#?}");

    // Both stores show the same, but for the date that is written now.
    let again = fixture.store_path().with_file_name("again.redb");
    legacy::import(&fixture.images, &again, ImportOptions::default()).unwrap();
    let again = ImageStore::open(again).unwrap();
    for image in before {
        assert_eq!(again.get(&image.id).unwrap().flags, image.flags);
    }
}
