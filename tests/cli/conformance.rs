//! Promise: `batch` answers as the legacy store does, to every recorded request.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::support::{Place, data};

#[derive(Deserialize)]
struct Step {
    request: Box<RawValue>,
    reply: Value,
}

#[test]
fn every_trace_is_answered_as_recorded() {
    let mut traces = files_of(&data("conformance/traces"));
    traces.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    assert!(traces.len() >= 20, "traces are missing: {traces:?}");
    all_match(&traces, |trace| play(&Place::new(), trace));
}

#[test]
fn every_legacy_directory_is_answered_as_recorded_once_imported() {
    let cases = files_of(&data("conformance/legacy"));
    assert!(cases.len() >= 19, "cases are missing: {cases:?}");
    all_match(&cases, |case| {
        let place = Place::new();
        let source = case.join("vfs-images");
        let ran = place.run(&["import", source.to_str().unwrap()]);
        if ran.code != 0 {
            return Err(format!("import failed: {ran:?}"));
        }
        play(&place, &case.join("expected.jsonl"))
    });
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Runs `check` on every path, a few at a time since they mostly wait for the disk, and reports
/// every failure.
fn all_match(paths: &[PathBuf], check: impl Fn(&Path) -> Result<(), String> + Sync) {
    let queue: Mutex<VecDeque<_>> = Mutex::new(paths.iter().collect());
    let failures = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop_front();
                    let Some(path) = next else { break };
                    if let Err(failure) = check(path) {
                        let mut failures = failures.lock().unwrap();
                        writeln!(failures, "{}: {failure}", path.display()).unwrap();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures}");
}

/// Sends all requests at once, as a client may, and compares the replies one by one.
fn play(place: &Place, trace: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let steps: Vec<Step> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!steps.is_empty());
    let replies = replies_to(place, &steps);
    for (index, step) in steps.iter().enumerate() {
        let want = canonical_reply(&step.reply);
        let got = replies.get(index).map_or(Value::Null, |line| {
            serde_json::from_str(line).map_or_else(
                |error| json!(format!("{error}: {line}")),
                |reply| canonical_reply(&reply),
            )
        });
        if got != want {
            return Err(format!(
                "line {} differs\n  request {:.400}\n  want    {:.600}\n  got     {:.600}",
                index + 1,
                step.request.get(),
                want.to_string(),
                got.to_string(),
            ));
        }
    }
    if replies.len() > steps.len() {
        return Err(format!("more replies than requests: {}", replies.len()));
    }
    Ok(())
}

fn replies_to(place: &Place, steps: &[Step]) -> Vec<String> {
    let mut child = place
        .program()
        .arg("batch")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut requests = String::new();
    for step in steps {
        requests.push_str(step.request.get());
        requests.push('\n');
    }
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(requests.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    // Line ends to a client that splits text as Unicode says.
    assert!(!text.contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']));
    text.lines().map(ToOwned::to_owned).collect()
}

/// A reply without what the legacy store leaves open: the order of images, and the message.
fn canonical_reply(reply: &Value) -> Value {
    let Some(reply) = reply.as_object() else {
        return json!(format!("not an object: {reply}"));
    };
    if let Some(error) = reply.get("error") {
        return json!({"error": error.get("kind").unwrap_or(error)});
    }
    let mut value = reply.get("ok").cloned().unwrap_or_default();
    if let Some(list) = value.as_array_mut()
        && list.first().is_some_and(Value::is_object)
    {
        list.sort_by_key(|image| image["id"].as_str().unwrap_or_default().to_owned());
    }
    json!({"ok": canonical(&value, "")})
}

/// A value without what the legacy store leaves open: empty fields, the order of all digests but
/// the first, and how a number or a date is written.
fn canonical(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(key, value)| !(may_be_left_out(key) && is_empty(value)))
                .map(|(key, value)| (key.clone(), canonical(value, key)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(values) => {
            let mut values: Vec<_> = values.iter().map(|value| canonical(value, "")).collect();
            if key == "digests"
                && let Some((_, rest)) = values.split_first_mut()
            {
                rest.sort_by_key(Value::to_string);
            }
            Value::Array(values)
        }
        Value::Number(number) => json!(number.as_f64()),
        Value::String(text) if key == "created" => json!(canonical_time(text)),
        other => other.clone(),
    }
}

fn may_be_left_out(key: &str) -> bool {
    let optional = [
        "names",
        "names-history",
        "mapped-layers",
        "big-data-names",
        "big-data-sizes",
        "big-data-digests",
        "flags",
        "digests",
        "digest",
        "layer",
        "metadata",
    ];
    optional.contains(&key)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The date and time, nine digits of the second, and the offset in numbers.
fn canonical_time(text: &str) -> String {
    let (time, offset) = match text.strip_suffix('Z') {
        Some(time) => (time, "+00:00"),
        None => text.split_at(text.len() - "+00:00".len()),
    };
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    format!("{seconds}.{fraction:0<9}{offset}")
}
