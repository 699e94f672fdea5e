//! Reading the text of an `images.json`, which may be anything.

use image_store::legacy::testing::{Part, salvage};
use image_store::legacy::{ImageJson, ImagesJsonReader, Position};

/// Checks what must hold for `text`.
///
/// # Panics
///
/// Where something does not hold.
pub fn check(text: &[u8]) {
    let (records, is_sound) = read(text);
    let parts = salvage(text);

    // What is salvaged or lost lies in the text, in order.
    let mut end = 0;
    for part in &parts {
        let begin = match part {
            Part::Record { begin, .. } | Part::Lost { begin, .. } => begin,
        };
        assert_place(text, *begin);
        assert!(begin.offset >= end, "{begin} comes after byte {end}");
        end = begin.offset
            + match part {
                Part::Record { json, .. } => json.len() as u64,
                Part::Lost { length, .. } => *length,
            };
        assert!(end <= text.len() as u64, "it ends behind the text");
    }

    // Salvaging a text takes all that reading it takes, but for what lies too deep.
    let is_deep = |part: &Part| matches!(part, Part::Lost { what, .. } if what.contains(" deep"));
    if parts.iter().any(is_deep) {
        return;
    }
    let salvaged: Vec<_> = parts.iter().filter_map(Part::offset_of_record).collect();
    assert!(salvaged.starts_with(&records), "{records:?} {salvaged:?}");
    assert!(!is_sound || salvaged.len() == parts.len(), "{parts:?}");
}

/// Where the records begin that come before the first error, and whether there is none.
fn read(text: &[u8]) -> (Vec<u64>, bool) {
    let mut reader = ImagesJsonReader::new(text);
    let mut records = Vec::new();
    let mut is_sound = true;
    loop {
        assert!(records.len() <= text.len(), "it never ends");
        match reader.next_record() {
            Ok(None) => return (records, is_sound),
            Ok(Some((begin, record))) => {
                assert_place(text, begin);
                let json = serde_json::to_string(&ImageJson::new(&record.image)).unwrap();
                assert_stays(&json);
                if is_sound {
                    records.push(begin.offset);
                }
            }
            Err(error) => {
                assert_place(text, error.position());
                is_sound = false;
            }
        }
    }
}

/// A record that was written comes back as it is.
fn assert_stays(json: &str) {
    let text = format!("[{json}]");
    let mut reader = ImagesJsonReader::new(text.as_bytes());
    let (_, record) = reader.next_record().unwrap().expect("one record");
    let again = serde_json::to_string(&ImageJson::new(&record.image)).unwrap();
    assert_eq!(json, again);
    assert!(reader.next_record().unwrap().is_none());
}

/// Line and column belong to the offset.
fn assert_place(text: &[u8], position: Position) {
    let offset = usize::try_from(position.offset).unwrap();
    let before = text.get(..offset).expect("a place in the text");
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n');
    let column = 1 + offset - line_start.map_or(0, |newline| newline + 1);
    assert_eq!(
        (position.line, position.column),
        (line as u64, column as u64)
    );
}
