//! Promise: item bytes of every length come back as they were given, however they were given and
//! however they are read.

use std::io::Read as _;

use image_store::{ContentHash, ErrorKind, Lookup, ManifestDigest, NewImage};

use crate::support::bytes::{Dribble, random_bytes, read_in_steps, text_bytes};
use crate::support::{Place, invariants};

/// Lengths around those at which something changes: nothing, the shortest that is encoded, the
/// parts, the longest that is cut into short parts, and what is read before anything is written.
const LENGTHS: [usize; 34] = [
    0, 1, 2, 63, 64, 65, 1_894, 1_895, 1_896, 3_789, 3_790, 3_791, 4_096, 16_383, 16_384, 16_385,
    17_000, 65_466, 65_467, 65_468, 65_536, 130_933, 130_934, 130_935, 262_143, 262_144, 262_145,
    262_200, 327_334, 327_335, 327_336, 400_000, 523_736, 523_737,
];

const STEPS: [usize; 4] = [7, 1_895, 8_192, 1 << 20];

/// Every way to read an item must give `bytes`.
#[track_caller]
fn assert_item(lookup: &impl Lookup, key: &str, bytes: &[u8]) {
    assert!(lookup.big_data("ab", key).unwrap() == bytes, "{key}");
    assert_eq!(lookup.big_data_size("ab", key).unwrap(), bytes.len() as u64);
    let digest = lookup.big_data_digest("ab", key).unwrap();
    assert_eq!(digest, ContentHash::of(bytes).to_digest());
    for step in STEPS {
        // The shortest steps take long over the longest items.
        if bytes.len() / step > 20_000 {
            continue;
        }
        let mut reader = lookup.big_data_reader("ab", key).unwrap();
        assert_eq!(reader.size(), bytes.len() as u64);
        let read = read_in_steps(&mut reader, step).unwrap();
        assert!(read == bytes, "{key} in steps of {step}");
        assert_eq!(
            reader.read(&mut [0; 10]).unwrap(),
            0,
            "the end stays the end"
        );
    }
}

fn round_trip(kind: &str, make: fn(u64, usize) -> Vec<u8>) {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("ab")).unwrap();
    let sha = ManifestDigest::Sha256;
    let mut items = Vec::new();
    for (seed, length) in LENGTHS.into_iter().enumerate() {
        let whole = make(2 * seed as u64, length);
        let streamed = make(2 * seed as u64 + 1, length);
        let mut transaction = store.write().unwrap();
        let keys = [
            format!("whole-{kind}-{length}"),
            format!("streamed-{kind}-{length}"),
        ];
        transaction
            .set_big_data("ab", &keys[0], &whole, sha)
            .unwrap();
        let mut input = Dribble::new(&streamed);
        transaction
            .set_big_data_from("ab", &keys[1], &mut input, sha)
            .unwrap();
        assert_item(&transaction, &keys[0], &whole);
        assert_item(&transaction, &keys[1], &streamed);
        transaction.commit().unwrap();
        items.extend(keys.into_iter().zip([whole, streamed]));
    }
    drop(store);
    let store = place.open();
    let snapshot = store.read().unwrap();
    for (key, bytes) in &items {
        assert_item(&snapshot, key, bytes);
    }
    invariants::check(&place.path());
}

#[test]
fn bytes_that_do_not_compress_come_back_at_every_length() {
    round_trip("random", random_bytes);
}

#[test]
fn bytes_that_compress_come_back_at_every_length() {
    round_trip("text", text_bytes);
}

/// The encoding of a stream is chosen by its beginning, which need not be like the rest.
#[test]
fn bytes_that_change_their_kind_midway_come_back() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("ab")).unwrap();
    let (text, random) = (text_bytes(1, 300_000), random_bytes(2, 300_000));
    for (key, bytes) in [
        ("text-first", [text.clone(), random.clone()].concat()),
        ("random-first", [random, text].concat()),
    ] {
        let mut input = Dribble::new(&bytes);
        store
            .set_big_data_from("ab", key, &mut input, ManifestDigest::Sha256)
            .unwrap();
        assert_item(&store, key, &bytes);
    }
    invariants::check(&place.path());
}

#[test]
fn a_manifest_from_a_stream_is_digested_whole() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("ab")).unwrap();
    let bytes = text_bytes(3, 300_001);
    let digest_of = |bytes: &[u8]| Ok(format!("sha384:{:096x}", bytes.len()));
    let function = ManifestDigest::Function(&digest_of);
    let mut input = Dribble::new(&bytes);
    store
        .set_big_data_from("ab", "manifest", &mut input, function)
        .unwrap();
    let digest = format!("sha384:{:096x}", 300_001);
    assert_eq!(store.big_data_digest("ab", "manifest").unwrap(), digest);
    assert_eq!(store.get("ab").unwrap().digest, Some(digest));
    assert!(store.big_data("ab", "manifest").unwrap() == bytes);
}

#[test]
fn a_reader_keeps_its_state_while_the_item_is_replaced() {
    let place = Place::in_memory();
    let store = place.open();
    let bytes = random_bytes(4, 1_000_000);
    store
        .create(NewImage::new().id("ab").big_data("index", bytes.clone()))
        .unwrap();
    let mut reader = store.big_data_reader("ab", "index").unwrap();
    let mut read = vec![0; 1_000];
    reader.read_exact(&mut read).unwrap();
    let other = random_bytes(5, 1_000_000);
    store
        .set_big_data("ab", "index", &other, ManifestDigest::Sha256)
        .unwrap();
    store.delete("ab").unwrap();
    store
        .create(NewImage::new().id("ab").big_data("index", other))
        .unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == bytes);
}

#[test]
fn a_read_of_nothing_reads_nothing_and_spoils_nothing() {
    let place = Place::new();
    let store = place.open();
    for (id, bytes) in [
        ("empty", Vec::new()),
        ("plain", random_bytes(1, 50_000)),
        ("compressed", text_bytes(1, 50_000)),
        ("one byte repeated", vec![1; 1_000]),
    ] {
        let image = NewImage::new().id(id).big_data("index", bytes.as_slice());
        store.create(image).unwrap();
        let mut reader = store.big_data_reader(id, "index").unwrap();
        let mut read = Vec::new();
        for _ in 0..40 {
            assert_eq!(reader.read(&mut []).unwrap(), 0, "{id}");
            let more = reader.by_ref().take(10).read_to_end(&mut read).unwrap();
            assert!(more == 10 || bytes.is_empty());
        }
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(reader.read(&mut []).unwrap(), 0, "{id}");
        assert!(read == bytes, "{id}");
    }
}

/// Says that it read more than it was asked for.
struct Boaster;

impl std::io::Read for Boaster {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(buffer.len() + 1)
    }
}

#[test]
fn a_reader_that_cannot_be_believed_is_no_damage() {
    let place = Place::new();
    let store = place.open();
    store.create(NewImage::new().id("ab")).unwrap();
    let digest = ManifestDigest::Sha256;
    let error = store
        .set_big_data_from("ab", "index", &mut Boaster, digest)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert!(store.big_data_names("ab").unwrap().is_empty());
}
