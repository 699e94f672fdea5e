//! Promise: the options of `import` do what they say, each ending has its exit code, and the
//! summary is the same for people and for machines.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Place, Ran};

/// Two sound images, and one whose item is missing.
const RECORDS: &str = r#"[
    {"id":"a","names":["one","two"],"big-data-names":["k"],"big-data-sizes":{"k":4}},
    {"id":"b","names":["three"],"big-data-names":["k","l"]},
    {"id":"c","big-data-names":["gone"],"big-data-sizes":{"gone":9}}]"#;

fn source(place: &Place, records: &str) -> PathBuf {
    let images = place.folder.path().join("vfs-images");
    for (file, bytes) in [("a/k", "same"), ("b/k", "same"), ("b/l", "other")] {
        let path = images.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::write(images.join("images.json"), records).unwrap();
    images
}

fn import(place: &Place, source: &Path, options: &[&str]) -> Ran {
    let mut arguments = vec!["import", source.to_str().unwrap()];
    arguments.extend(options);
    place.run(&arguments)
}

/// What a run that is quiet prints as one object.
#[track_caller]
fn summary(place: &Place, source: &Path, options: &[&str]) -> Value {
    let options = [options, &["--json", "--quiet"]].concat();
    let mut object = import(place, source, &options).json();
    let seconds = object.as_object_mut().unwrap().remove("seconds").unwrap();
    assert!(seconds.as_f64().unwrap() > 0.0);
    object
}

fn ids(place: &Place) -> Vec<String> {
    let listed = place.run(&["list", "--json"]).json();
    let images = listed.as_array().unwrap();
    let ids = images.iter().map(|image| image["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[test]
fn the_summary_is_one_object_for_machines() {
    let place = Place::new();
    let images = source(&place, RECORDS);
    let object = summary(&place, &images, &["--verify"]);
    let expected = json!({
        "store": place.store().to_str().unwrap(),
        "dry_run": false,
        "images": 3, "names": 3, "items": 3,
        "unchanged": 0, "replaced": 0, "kept": 0, "recovered": 0, "skipped": 0,
        "record_bytes": RECORDS.len(),
        "item_bytes": 13,
        "bytes_read": RECORDS.len() + 13,
        "stored_bytes": 9,
        "shared_bytes": 4,
        "verified": true,
        "warnings": [{
            "kind": "item-missing",
            "damage": true,
            "message": "image \"c\", item \"gone\": the file is missing",
        }],
        "warning_counts": {"item-missing": 1},
    });
    assert_eq!(object, expected);

    // What is missing does not count here, and counts apart where the store is verified.
    let report = place.run(&["verify", "--json"]).json();
    assert_eq!(
        (&report["items"], &report["items-without-bytes"]),
        (&json!(4), &json!(1))
    );
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let (place, wet) = (Place::new(), Place::new());
    let images = source(&place, RECORDS);
    let read_only = ["--read-only", "import", "--dry-run", "--json"];
    let ran = place.run(&[&read_only[..], &[images.to_str().unwrap()]].concat());
    assert_eq!(ran.told().len(), 1, "{ran:?}");
    let mut dry: Value = serde_json::from_str(&ran.stdout).unwrap();
    dry.as_object_mut().unwrap().remove("seconds");
    let beside = fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(beside, 1, "something was written");
    let mut expected = summary(&wet, &images, &[]);
    expected["dry_run"] = true.into();
    expected["store"] = dry["store"].clone();
    assert_eq!(dry, expected);

    let ran = import(&place, &images, &["--dry-run"]);
    assert!(ran.stdout.starts_with("would import 3 images, "), "{ran:?}");
}

#[test]
fn damage_ends_as_it_is_asked_to() {
    for (option, code, images) in [("report", 0, 3), ("skip", 0, 2), ("fail", 3, 0)] {
        let place = Place::new();
        let images_dir = source(&place, RECORDS);
        let ran = import(&place, &images_dir, &["--on-damage", option]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.told()[0].contains("item \"gone\""), "{ran:?}");
        assert_eq!(place.store().exists(), code == 0);
        if code == 0 {
            assert_eq!(ids(&place).len(), images);
        } else {
            let last = *ran.told().last().unwrap();
            let said = last.contains("nothing was changed") && last.contains("--on-damage");
            assert!(said, "{last}");
        }
        if option == "skip" {
            let said = ran.stdout.contains("1 image damaged and left out\n");
            assert!(said, "{ran:?}");
        }
    }
}

#[test]
fn a_merge_adds_and_settles_conflicts_as_asked() {
    let place = Place::new();
    let images = source(&place, RECORDS);
    assert_eq!(summary(&place, &images, &[])["images"], 3);
    let again = summary(&place, &images, &["--merge"]);
    assert_eq!(
        (&again["images"], &again["unchanged"]),
        (&json!(0), &json!(3))
    );

    let changed = RECORDS.replace("\"id\":\"b\"", "\"id\":\"b\",\"metadata\":\"new\"");
    let changed = changed.replace("\"id\":\"c\"", "\"id\":\"d\"");
    fs::write(images.join("images.json"), changed).unwrap();
    let list = || place.run(&["list", "--json"]).json();
    let before = list();
    let ran = import(&place, &images, &["--merge"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.told()[0].contains("\"b\""), "{ran:?}");
    let last = ran.told()[2];
    assert!(last.contains("1 conflicts with what is in"), "{last}");
    assert!(last.contains("--on-conflict keep|replace"), "{last}");
    assert_eq!(list(), before);

    let kept = summary(&place, &images, &["--merge", "--on-conflict", "keep"]);
    let counts = ["images", "unchanged", "kept", "replaced"].map(|key| &kept[key]);
    assert_eq!(counts, [&json!(1), &json!(1), &json!(1), &json!(0)]);
    assert_eq!(ids(&place), ["a", "b", "c", "d"]);

    let replaced = summary(&place, &images, &["--merge", "--on-conflict", "replace"]);
    let counts = ["images", "unchanged", "kept", "replaced"].map(|key| &replaced[key]);
    assert_eq!(counts, [&json!(1), &json!(2), &json!(0), &json!(1)]);
    assert_eq!(place.run(&["inspect", "b"]).json()[0]["metadata"], "new");
}

#[test]
fn a_replaced_store_has_nothing_of_the_old_one() {
    let place = Place::new();
    let mut batch = place.batch();
    batch.create("mine", &["one"]);
    batch.end();
    let images = source(&place, RECORDS);
    assert_eq!(summary(&place, &images, &["--replace"])["images"], 3);
    assert_eq!(ids(&place), ["a", "b", "c"]);
    // What is no store is left alone.
    fs::write(place.store(), "precious").unwrap();
    let ran = import(&place, &images, &["--replace"]);
    let (code, line) = ran.failed();
    assert_eq!(code, 2, "{line}");
    assert_eq!(fs::read(place.store()).unwrap(), b"precious");
}

#[test]
fn unreadable_records_end_it_and_can_be_salvaged() {
    let place = Place::new();
    let cut = RECORDS.rfind("{\"id\":\"c\"").unwrap() + 5;
    let images = source(&place, &RECORDS[..cut]);
    let ran = import(&place, &images, &[]);
    let (code, line) = ran.failed();
    assert_eq!(code, 2);
    let place_told = format!("at line 4, column 10 (byte {cut}): ");
    assert!(
        line.contains(&place_told) && line.contains("--salvage"),
        "{line}"
    );
    assert!(!place.store().exists());

    let salvaged = summary(&place, &images, &["--salvage"]);
    assert_eq!(salvaged["images"], 2);
    assert_eq!(salvaged["warnings"][0]["kind"], "records-lost");
    assert_eq!(ids(&place), ["a", "b"]);
}

#[test]
fn folders_without_a_record_become_images() {
    let place = Place::new();
    let images = source(&place, RECORDS);
    for (file, bytes) in [("d/manifest", "{}"), ("e/manifest", "no manifest")] {
        fs::create_dir(images.join(&file[..1])).unwrap();
        fs::write(images.join(file), bytes).unwrap();
    }
    let object = summary(&place, &images, &["--recover-orphans", "--verify"]);
    assert_eq!(object["recovered"], 1, "{object:#}");
    let counts = json!({"item-missing": 1, "orphan-folder": 1, "recovered-orphan": 1});
    assert_eq!(object["warning_counts"], counts);
    assert_eq!(ids(&place), ["a", "b", "c", "d"]);
}

#[test]
fn how_far_it_is_is_told_in_lines_where_there_is_no_terminal() {
    let place = Place::new();
    let images = source(&place, RECORDS);
    let ran = import(&place, &images, &["--verify"]);
    let lines = ran.stderr.lines();
    let told: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("progress: "))
        .collect();
    let stages: Vec<_> = told
        .iter()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        stages,
        ["importing", "writing", "verifying", "writing", "done"]
    );
    // What is verified is counted anew.
    assert_eq!(told[2], "verifying: 0 images, 0 items (0 B), 0%");
    for written in [told[1], told[3]] {
        let counts = "writing: 3 images, 3 items (13 B)";
        assert!(written.starts_with(counts), "{told:?}");
        assert!(written.contains(", 100%"), "{told:?}");
    }

    let target = place.folder.path().join("out");
    let ran = place.run(&["export", target.to_str().unwrap()]);
    let told = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("progress: "));
    assert_eq!(told.count(), 2, "{ran:?}");

    for command in [
        ["import", images.to_str().unwrap(), "--replace", "--quiet"],
        ["export", target.to_str().unwrap(), "--replace", "--quiet"],
    ] {
        assert_eq!(place.run(&command).stderr, "");
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let place = Place::new();
    let images = source(&place, RECORDS);
    for options in [
        &["--replace", "--merge"][..],
        &["--on-conflict", "keep"],
        &["--replace", "--on-conflict", "keep"],
        &["--no-lock", "--lock-timeout", "1"],
        &["--on-damage", "ignore"],
        &["--lock-timeout", "soon"],
    ] {
        let ran = import(&place, &images, options);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{options:?}");
    }
    assert!(!place.store().exists());
}

#[test]
fn a_flood_of_warnings_is_counted_and_not_told() {
    let place = Place::new();
    let keys: Vec<_> = (0..60).map(|key| format!("\"{key}\"")).collect();
    let keys = keys.join(",");
    let records: Vec<_> = (0..200)
        .map(|id| format!(r#"{{"id":"{id}","big-data-names":[{keys}]}}"#))
        .collect();
    let images = source(&place, &format!("[{}]", records.join(",")));
    let ran = import(&place, &images, &["--dry-run"]);
    let missing = ran
        .told()
        .iter()
        .filter(|line| line.contains("is missing"))
        .count();
    assert_eq!(missing, 10_000);
    let more = "warning: there is more of the kind item-missing; only counted from here";
    assert_eq!(ran.told()[10_000], more);
    assert!(ran.stdout.contains("item-missing 12000"), "{}", ran.stdout);
}
