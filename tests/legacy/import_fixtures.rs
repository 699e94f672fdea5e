//! Promise: a directory that podman wrote is in the store whole, and found in every way.

use std::collections::{BTreeMap, BTreeSet};

use image_store::legacy::{self, ImportOptions, ImportSummary};
use image_store::{Error, ImageStore, Lookup, Prefix, Snapshot};
use serde_json::Value;

use crate::fixtures::{Fixture, UNTOUCHED, texts};

fn imported(fixture: &Fixture) -> (ImageStore, ImportSummary) {
    let path = fixture.store_path();
    let options = ImportOptions::default();
    let summary = legacy::import(&fixture.images, &path, options).unwrap();
    (ImageStore::open(path).unwrap(), summary)
}

#[test]
fn counts_and_bytes_are_those_of_the_directory() {
    for store_name in UNTOUCHED {
        let fixture = Fixture::podman(store_name);
        let records = fixture.records();
        let (store, summary) = imported(&fixture);
        assert_eq!(summary.findings, [], "{store_name}");

        let mut items = 0;
        let mut bytes = 0;
        for record in &records {
            let id = record["id"].as_str().unwrap();
            let files = fixture.items(id);
            for (key, file) in &files {
                assert!(store.big_data(id, key).unwrap() == *file, "{id} {key}");
                assert_eq!(store.big_data_size(id, key).unwrap(), file.len() as u64);
                let digest = store.big_data_digest(id, key).unwrap();
                assert_eq!(digest, record["big-data-digests"][key].as_str().unwrap());
                items += 1;
                bytes += file.len() as u64;
            }
            assert_eq!(
                store.big_data_names(id).unwrap(),
                texts(record, "big-data-names")
            );
            let keys: BTreeSet<_> = texts(record, "big-data-names").into_iter().collect();
            assert!(keys.into_iter().eq(files.keys()), "{id}");
        }
        let names: usize = records
            .iter()
            .map(|record| texts(record, "names").len())
            .sum();
        assert_eq!(summary.images, records.len() as u64);
        assert_eq!(summary.names, names as u64);
        assert_eq!((summary.items, summary.item_bytes), (items, bytes));
        assert_eq!(summary.record_bytes, fixture.json().len() as u64);
        // "manifest" and "manifest-<digest>" are the same bytes.
        assert!(summary.shared_bytes > 0 || records.is_empty());
        let listed = store.images().unwrap().map(|image| image.unwrap().id);
        assert!(listed.eq(records.iter().map(|record| record["id"].as_str().unwrap())));
    }
}

#[test]
fn every_lookup_agrees_with_images_json() {
    for store_name in UNTOUCHED {
        let fixture = Fixture::podman(store_name);
        let records = fixture.records();
        let (store, _) = imported(&fixture);
        let snapshot = store.read().unwrap();
        by_id_and_name(&snapshot, &records);
        by_every_id_prefix(&snapshot, &records);
        by_digest(&snapshot, &records);
    }
}

fn by_id_and_name(snapshot: &Snapshot, records: &[Value]) {
    for record in records {
        let id = record["id"].as_str().unwrap();
        assert_eq!(snapshot.get(id).unwrap().id, id);
        for name in texts(record, "names") {
            assert_eq!(snapshot.get(name).unwrap().id, id);
            let entries = snapshot.names(Prefix::new(name)).unwrap();
            let mut entries = entries.map(Result::unwrap);
            assert!(entries.any(|entry| entry.name == name && entry.id == id));
        }
    }
}

fn by_every_id_prefix(snapshot: &Snapshot, records: &[Value]) {
    let ids: BTreeSet<_> = records.iter().map(|r| r["id"].as_str().unwrap()).collect();
    for id in &ids {
        assert_eq!(id.len(), 64);
        for length in 1..=64 {
            let prefix = &id[..length];
            let expected: Vec<_> = ids
                .range(prefix..)
                .take_while(|id| id.starts_with(prefix))
                .copied()
                .collect();
            let found = snapshot.ids(Prefix::new(prefix)).unwrap();
            let found: Vec<_> = found.map(Result::unwrap).collect();
            assert_eq!(found, expected, "{prefix}");
            match (expected.as_slice(), snapshot.get(prefix)) {
                ([_], found) => assert_eq!(found.unwrap().id, **id),
                (_, Err(Error::AmbiguousPrefix { .. })) => {}
                (_, other) => panic!("{prefix}: {other:?}"),
            }
        }
    }
}

fn by_digest(snapshot: &Snapshot, records: &[Value]) {
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in records {
        let id = record["id"].as_str().unwrap();
        let digests = record["big-data-digests"].as_object().unwrap();
        let of_manifests = digests
            .iter()
            .filter(|(key, _)| key.starts_with("manifest"))
            .map(|(_, digest)| digest);
        for digest in of_manifests.chain([&record["digest"]]) {
            let digest = digest.as_str().unwrap().to_owned();
            expected.entry(digest).or_default().insert(id.to_owned());
        }
    }
    for (digest, ids) in &expected {
        let found = snapshot.by_digest(digest).unwrap();
        let found: BTreeSet<_> = found.map(|image| image.unwrap().id).collect();
        assert_eq!(found, *ids, "{digest}");
    }
    let listed = snapshot.digests(Prefix::all()).unwrap();
    let listed: BTreeSet<_> = listed.map(|entry| entry.unwrap().digest).collect();
    assert!(listed.iter().eq(expected.keys()));
}

#[test]
fn a_damaged_directory_is_imported_and_its_damage_told() {
    let fixture = Fixture::podman("E");
    let damage = fixture
        .images
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("E-damage.json");
    let damage: Value = serde_json::from_slice(&std::fs::read(damage).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (store, summary) = imported(&fixture);
    assert_eq!(summary.images, fixture.records().len() as u64);

    let (deleted, truncated) = (&damage["deleted"], &damage["truncated"]);
    let mut expected = BTreeSet::from([
        format!(
            "image {:?}, item {:?}: the file is missing",
            text(&deleted[0]),
            text(&deleted[1])
        ),
        format!(
            "image {:?}, item {:?}: the file has {} bytes, recorded are {}",
            text(&truncated[0]),
            text(&truncated[1]),
            truncated[3],
            truncated[2]
        ),
    ]);
    for orphan in ["orphan", "stray"]
        .map(|name| &damage[name])
        .into_iter()
        .chain([&damage["removed_from_json"][0]])
    {
        expected.insert(format!(
            "{orphan} is a folder that belongs to no image; not taken"
        ));
    }
    let found: BTreeSet<_> = summary.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
    assert_eq!(summary.findings.len(), expected.len());
    assert_eq!(summary.finding_count(), expected.len() as u64);

    let gone = store.big_data(&text(&deleted[0]), &text(&deleted[1]));
    assert!(
        matches!(gone, Err(Error::BigDataUnknown { .. })),
        "{gone:?}"
    );
    let short = store
        .big_data(&text(&truncated[0]), &text(&truncated[1]))
        .unwrap();
    assert_eq!(short.len() as u64, truncated[3].as_u64().unwrap());
}
