//! Promise: what the legacy store wrote comes out of an import and an export byte for byte, and
//! what was changed in between comes out as the legacy store would have written it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use image_store::legacy::{ExportFinding, ExportMode};
use image_store::{ManifestDigest, NewImage};
use serde_json::Value;

use crate::export_support::{export, import, names, tree};
use crate::fixtures::{Fixture, UNTOUCHED};

#[test]
fn what_podman_wrote_comes_out_byte_for_byte() {
    for store_name in UNTOUCHED {
        let fixture = Fixture::podman(store_name);
        let target = fixture.store_path().with_file_name("exported");
        let store = import(&fixture);
        let summary = export(&store, &target, ExportMode::New).unwrap();

        assert_eq!(summary.findings, [], "{store_name}");
        assert_eq!(summary.images, fixture.records().len() as u64);
        assert_eq!(summary.record_bytes, fixture.json().len() as u64);
        assert_eq!(summary.directory, target);
        let (before, after) = (tree(&fixture.images), tree(&target));
        assert!(before.keys().eq(after.keys()), "{store_name}");
        for (path, content) in &before {
            assert!(after[path] == *content, "{store_name}: {}", path.display());
        }
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        let lock = target.join("images.lock");
        assert_eq!((mode(&target), mode(&lock)), (0o700, 0o644));
        assert_eq!(lock.metadata().unwrap().len(), 64);
    }
}

/// The recorded damage: one item file deleted, one cut short, folders that belong to no image, and
/// a pretty-printed `images.json`.
#[test]
fn a_damaged_directory_comes_out_with_what_was_there_of_its_images() {
    let fixture = Fixture::podman("E");
    let damage = fixture.images.ancestors().nth(2).unwrap();
    let damage = fs::read(damage.join("E-damage.json")).unwrap();
    let damage: Value = serde_json::from_slice(&damage).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let target = fixture.store_path().with_file_name("exported");
    let store = import(&fixture);
    let summary = export(&store, &target, ExportMode::New).unwrap();

    let missing = ExportFinding::ItemMissing {
        id: text(&damage["deleted"][0]),
        key: text(&damage["deleted"][1]),
    };
    assert_eq!(summary.findings, [missing]);
    let mut expected = tree(&fixture.images);
    let orphans = ["orphan", "stray"].map(|name| &damage[name]);
    for orphan in orphans.into_iter().chain([&damage["removed_from_json"][0]]) {
        let orphan = text(orphan);
        let before = expected.len();
        expected.retain(|path, _| !path.starts_with(&orphan));
        assert!(expected.len() < before, "{orphan}");
    }
    let json = expected
        .remove(Path::new("images.json"))
        .unwrap()
        .1
        .unwrap();
    let mut exported = tree(&target);
    let compact = exported
        .remove(Path::new("images.json"))
        .unwrap()
        .1
        .unwrap();
    assert!(exported == expected);
    assert!(!compact.contains(&b'\n') && json.contains(&b'\n'));
    let value = |json: &[u8]| -> Value { serde_json::from_slice(json).unwrap() };
    assert_eq!(value(&compact), value(&json));
}

#[test]
fn changes_come_out_as_the_legacy_store_would_have_written_them() {
    let fixture = Fixture::with_records(concat!(
        r#"[{"x-extra":{"k":[1.50,"é"]},"id":"a1","names":["one:1"],"#,
        r#""created":"2024-03-01T12:30:00.5+02:00"},"#,
        r#"{"id":"b2","created":"not a date"},{"id":"c3","metadata":"<m>"}]"#,
    ));
    let store = import(&fixture);
    store.set_names("a1", &["two:2", "three"]).unwrap();
    let manifest = ManifestDigest::Sha256;
    store
        .set_big_data("a1", "manifest", b"{}", manifest)
        .unwrap();
    let manifest = ManifestDigest::Sha256;
    store.set_big_data("a1", "Key", b"", manifest).unwrap();
    store
        .set_flag("a1", "f", serde_json::json!({"n": 1.0}))
        .unwrap();
    store.delete("c3").unwrap();
    let date = "2020-02-02T02:02:02Z".parse().unwrap();
    store
        .create(NewImage::new().id("d4").top_layer("l1").created(date))
        .unwrap();
    let target = fixture.store_path().with_file_name("exported");
    let summary = export(&store, &target, ExportMode::New).unwrap();

    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let expected = [
        r#"[{"id":"a1","digest":"EMPTY","names":["two:2","three"],"#,
        r#""names-history":["three","two:2"],"#,
        r#""big-data-names":["manifest","Key"],"#,
        r#""big-data-sizes":{"Key":0,"manifest":2},"#,
        r#""big-data-digests":{"Key":"NOTHING","manifest":"EMPTY"},"#,
        r#""created":"2024-03-01T12:30:00.5+02:00","flags":{"f":{"n":1}},"#,
        r#""x-extra":{"k":[1.50,"é"]}},"#,
        r#"{"id":"b2","created":"0001-01-01T00:00:00Z"},"#,
        r#"{"id":"d4","layer":"l1","created":"2020-02-02T02:02:02Z"}]"#,
    ];
    let expected = expected.concat().replace("EMPTY", empty);
    let expected = expected.replace("NOTHING", nothing);
    let json = fs::read_to_string(target.join("images.json")).unwrap();
    assert_eq!(json, expected);
    assert_eq!(names(&target), ["a1", "images.json", "images.lock"]);
    // "Key" in base64.
    assert_eq!(names(&target.join("a1")), ["=S2V5", "manifest"]);
    assert_eq!(fs::read(target.join("a1/manifest")).unwrap(), b"{}");
    assert_eq!(fs::read(target.join("a1/=S2V5")).unwrap(), b"");
    let kinds: Vec<_> = summary.findings.iter().map(ExportFinding::kind).collect();
    assert_eq!(kinds, ["bad-date"]);
}

#[test]
fn no_images_come_out_as_an_empty_list() {
    let fixture = Fixture::with_records("");
    let target = fixture.store_path().with_file_name("exported");
    export(&import(&fixture), &target, ExportMode::New).unwrap();
    assert_eq!(fs::read(target.join("images.json")).unwrap(), b"[]");
    assert_eq!(names(&target), ["images.json", "images.lock"]);
}
