//! Promise: it makes no difference whether records contradict each other early, late or all the time:
//! names, items and their counts are those of one image after the other.

use std::fmt::Write as _;

use image_store::legacy::{self, ImportOptions};
use image_store::{ImageStore, Lookup, VerifyOptions};

use crate::fixtures::Fixture;

/// Which record repeats the ID of the one before it, and which takes its name.
type Contradicts = fn(usize) -> bool;

const IMAGES: usize = 60;

#[test]
fn contradictions_may_come_at_any_place() {
    let never: Contradicts = |_| false;
    let cases: [(Contradicts, Contradicts); 6] = [
        (never, never),
        (|number| number == 1, never),
        (never, |number| number == 30),
        (|number| number == IMAGES - 1, |number| number == 31),
        (|number| number % 7 == 3, |number| number % 5 == 2),
        (|number| number % 2 == 1, |number| number > 0),
    ];
    for (case, (same_id, same_name)) in cases.into_iter().enumerate() {
        let mut records = String::from("[");
        let mut expected: Vec<(String, Vec<String>, String)> = Vec::new();
        let mut files = Vec::new();
        for number in 0..IMAGES {
            let id = format!("id{}", number - usize::from(same_id(number)));
            let name = format!("name{}", number - usize::from(same_name(number)));
            // Every third image has bytes of its own, the others share theirs.
            let key = format!("key{}", if number % 3 == 0 { number } else { number % 4 });
            let comma = if number == 0 { "" } else { "," };
            let record =
                format!(r#"{{"id":"{id}","names":["{name}"],"big-data-names":["{key}"]}}"#);
            let _ = write!(records, "{comma}{record}");
            files.push((format!("{id}/{key}"), key.clone()));
            expected.retain(|(earlier, ..)| *earlier != id);
            for (_, names, _) in &mut expected {
                names.retain(|held| *held != name);
            }
            expected.push((id, vec![name], key));
        }
        records.push(']');
        let mut fixture = Fixture::with_records(&records);
        for (path, bytes) in &files {
            fixture = fixture.file(path, bytes.as_bytes());
        }
        let options = ImportOptions::default().verify(true);
        legacy::import(&fixture.images, &fixture.store_path(), options)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        let store = ImageStore::open(fixture.store_path()).unwrap();
        let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
        assert!(report.is_clean(), "{case}: {:?}", report.findings);
        let images = store.images().unwrap().map(Result::unwrap);
        let found: Vec<_> = images
            .map(|image| (image.id, image.names, image.big_data_names[0].clone()))
            .collect();
        assert_eq!(found, expected, "{case}");
        for (id, names, key) in &expected {
            assert_eq!(store.big_data(id, key).unwrap(), key.as_bytes());
            for name in names {
                assert_eq!(store.get(name).unwrap().id, *id, "{case}");
            }
        }
    }
}
