//! Promise: each kind of damage is imported and listed, left out, or ends the import with nothing
//! changed, as it is asked for; and what only looks like damage is none.

use std::fs;

use image_store::legacy::{self, Existing, Finding, ImportOptions, OnDamage};
use image_store::{Error, ImageStore, Lookup};
use sha2::{Digest as _, Sha256};

use crate::fixtures::Fixture;

/// A damaged image between two sound ones, by the kind of its damage.
fn damaged() -> Vec<(&'static str, Fixture)> {
    let one = "1".repeat(64);
    let cases = [
        (
            "item-missing",
            r#""big-data-names":["k","gone"]"#.to_owned(),
        ),
        ("item-missing", r#""big-data-sizes":{"gone":3}"#.to_owned()),
        (
            "item-size",
            r#""big-data-names":["k"],"big-data-sizes":{"k":5}"#.to_owned(),
        ),
        ("item-size", r#""big-data-sizes":{"k":-1}"#.to_owned()),
        ("item-size", r#""big-data-sizes":{"manifest":2}"#.to_owned()),
        (
            "item-digest",
            format!(r#""big-data-digests":{{"k":"sha256:{one}"}}"#),
        ),
        (
            "item-digest",
            format!(r#""big-data-digests":{{"k":"sha512:{one}{one}"}}"#),
        ),
        (
            "item-digest",
            format!(r#""big-data-digests":{{"k":"sha384:{one}{}"}}"#, &one[..32]),
        ),
        (
            "malformed-digest",
            r#""big-data-digests":{"k":"sha256:short"}"#.to_owned(),
        ),
        (
            "malformed-digest",
            r#""big-data-digests":{"manifest":"none"}"#.to_owned(),
        ),
        (
            "malformed-digest",
            r#""digest":"md5:d41d8cd98f00b204e9800998ecf8427e""#.to_owned(),
        ),
        ("bad-date", r#""created":"2024-02-30T00:00:00Z""#.to_owned()),
        ("bad-date", r#""created":"""#.to_owned()),
        ("item-outside", r#""big-data-names":["\u0000"]"#.to_owned()),
        ("item-not-a-file", r#""big-data-names":["."]"#.to_owned()),
    ];
    let fixture = |fields: &str| {
        let records = format!(
            r#"[{{"id":"first","big-data-names":["k"]}},{{"id":"bad","names":["n"],{fields}}},{{"id":"last"}}]"#
        );
        let fixture = Fixture::with_records(&records);
        let fixture = fixture.file("first/k", b"same").file("bad/k", b"same");
        fixture.file("bad/manifest", b"{\"a\":1}")
    };
    cases.map(|(kind, fields)| (kind, fixture(&fields))).into()
}

fn ids(fixture: &Fixture) -> Vec<String> {
    let store = ImageStore::open(fixture.store_path()).unwrap();
    let images = store.images().unwrap();
    images.map(|image| image.unwrap().id).collect()
}

#[test]
fn damage_is_listed_and_the_record_imported() {
    for (kind, fixture) in damaged() {
        let options = ImportOptions::default().verify(true);
        let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
        assert_eq!(summary.finding_counts.get(kind), Some(&1), "{summary:#?}");
        let damage: Vec<_> = summary.findings.iter().filter(|f| f.is_damage()).collect();
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert!(
            damage[0].to_string().starts_with("image \"bad\""),
            "{damage:?}"
        );
        assert_eq!((summary.images, summary.skipped), (3, 0));
        assert_eq!(ids(&fixture), ["first", "bad", "last"]);
    }
}

#[test]
fn damaged_images_are_left_out() {
    for (kind, fixture) in damaged() {
        let options = ImportOptions::default();
        let options = options.on_damage(OnDamage::Skip).verify(true);
        let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
        let count = |kind: &str| summary.finding_counts.get(kind).copied();
        assert_eq!((count(kind), count("image-skipped")), (Some(1), Some(1)));
        assert_eq!((summary.images, summary.names, summary.skipped), (2, 0, 1));
        assert_eq!(ids(&fixture), ["first", "last"]);
        let store = ImageStore::open(fixture.store_path()).unwrap();
        assert!(!store.exists("n").unwrap());
        let verified = store.verify(&image_store::VerifyOptions::new(), |_| {});
        assert!(verified.unwrap().is_clean());
    }
}

#[test]
fn damage_ends_the_import_with_nothing_changed() {
    for (kind, fixture) in damaged() {
        for existing in [
            Existing::Refuse,
            Existing::Replace,
            Existing::Merge(Default::default()),
        ] {
            let before = match existing {
                Existing::Refuse => None,
                _ => {
                    drop(ImageStore::open(fixture.store_path()).unwrap());
                    Some(ids(&fixture))
                }
            };
            let mut told = Vec::new();
            let options = ImportOptions::default()
                .existing(existing)
                .on_damage(OnDamage::Fail)
                .on_finding(|finding| told.push(finding.kind()));
            let error = legacy::import(&fixture.images, &fixture.store_path(), options);
            match error.unwrap_err() {
                Error::LegacyDamage { path, damage } => {
                    assert_eq!((path, damage), (fixture.images.join("images.json"), 1));
                }
                other => panic!("{kind}: {other}"),
            }
            assert!(told.contains(&kind), "{told:?}");
            match before {
                None => assert_eq!(fixture.beside(), [""; 0]),
                Some(ids_before) => {
                    assert_eq!(fixture.beside(), ["images.redb"]);
                    assert_eq!(ids(&fixture), ids_before);
                }
            }
        }
    }
}

/// The recorded digest of a signed manifest is that of its payload, not of its bytes, under the key
/// `manifest` and under `manifest-<digest>`.
#[test]
fn a_signed_manifest_is_no_damage() {
    let payload = b"{\"schemaVersion\": 1}";
    let signed = b"{\"schemaVersion\": 1, \"signatures\": []}";
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(payload)));
    let key = format!("manifest-{digest}");
    let records = format!(
        r#"[{{"id":"a","digest":"{digest}","big-data-names":["manifest","{key}"],
             "big-data-sizes":{{"manifest":{size},"{key}":{size}}},
             "big-data-digests":{{"manifest":"{digest}","{key}":"{digest}"}}}}]"#,
        size = signed.len(),
    );
    let file = format!("a/{}", legacy::item_file_name(&key));
    let fixture = Fixture::with_records(&records);
    let fixture = fixture.file("a/manifest", signed).file(&file, signed);
    let options = ImportOptions::default();
    let options = options.on_damage(OnDamage::Fail).verify(true);
    let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    assert_eq!(summary.findings, []);

    // A folder that lost its record comes back as it was, but for what only the record held.
    fs::write(fixture.images.join("images.json"), "[]").unwrap();
    fs::remove_file(fixture.store_path()).unwrap();
    let options = ImportOptions::default();
    let options = options.recover_orphans(true).on_damage(OnDamage::Fail);
    let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    let kinds: Vec<_> = summary.findings.iter().map(Finding::kind).collect();
    assert_eq!(kinds, ["no-records", "recovered-orphan"]);
    let store = ImageStore::open(fixture.store_path()).unwrap();
    let image = store.get("a").unwrap();
    assert_eq!(image.digests, [digest]);
    assert_eq!((image.names.len(), image.big_data_names.len()), (0, 2));
    assert_eq!(store.big_data("a", &key).unwrap(), signed);
}

/// What is written between reading and verifying is noticed.
#[test]
fn verification_catches_a_file_that_changes() {
    type Change = fn(&Fixture);
    let changes: [(&str, Change); 4] = [
        ("the bytes of the item \"k\" differ", |fixture| {
            fs::write(fixture.images.join("a/k"), "other").unwrap();
        }),
        ("the item \"k\" is not as it lies there", |fixture| {
            fs::remove_file(fixture.images.join("a/k")).unwrap();
        }),
        ("it has another metadata", |fixture| {
            let json = fs::read_to_string(fixture.images.join("images.json")).unwrap();
            let json = json.replace("\"old\"", "\"new\"");
            fs::write(fixture.images.join("images.json"), json).unwrap();
        }),
        ("image \"z\": it is not there", |fixture| {
            let json = r#"[{"id":"z"}]"#;
            fs::write(fixture.images.join("images.json"), json).unwrap();
        }),
    ];
    for (expected, change) in changes {
        for existing in [Existing::Refuse, Existing::Merge(Default::default())] {
            let records = r#"[{"id":"a","metadata":"old","big-data-names":["k"]}]"#;
            let fixture = Fixture::with_records(records).file("a/k", b"bytes");
            if existing != Existing::Refuse {
                drop(ImageStore::open(fixture.store_path()).unwrap());
            }
            let options = ImportOptions::default().existing(existing).verify(true);
            let options = options.on_progress(|reached| {
                if reached.stage == legacy::ImportStage::Writing {
                    change(&fixture);
                }
            });
            let ended = legacy::import(&fixture.images, &fixture.store_path(), options);
            match ended.unwrap_err() {
                Error::NotVerified { what, .. } => assert!(what.contains(expected), "{what}"),
                other => panic!("{expected}: {other}"),
            }
            match existing {
                Existing::Refuse => assert_eq!(fixture.beside(), [""; 0]),
                _ => assert_eq!(ids(&fixture), [""; 0]),
            }
        }
    }
}

/// It went on from the items and the part that the import had reached, and stood at all of both from
/// the beginning.
#[test]
fn what_is_verified_is_counted_anew() {
    let records = r#"[{"id":"a","big-data-names":["k","gone"]},{"id":"b"}]"#;
    let fixture = Fixture::with_records(records).file("a/k", b"bytes");
    let mut seen = Vec::new();
    let options = ImportOptions::default().verify(true);
    let options = options.on_progress(|reached| {
        if reached.stage == legacy::ImportStage::Verifying {
            seen.push((
                reached.record_bytes,
                reached.images,
                reached.items,
                reached.item_bytes,
            ));
        }
    });
    legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    let size = records.len() as u64;
    assert_eq!(seen.first(), Some(&(0, 0, 0, 0)));
    assert_eq!(seen.last(), Some(&(size, 2, 1, 5)));
}
