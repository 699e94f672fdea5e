use proptest::prelude::*;

use super::{decode_image, encode_image};
use crate::engine::Failure;
use crate::error::Error;
use crate::model::{BigDataItem, ContentHash, Image, Timestamp, limits};

fn full_image() -> Image {
    let content = ContentHash::of(b"manifest bytes");
    let item = |digest: Option<String>, content| BigDataItem {
        size: Some(14),
        digest,
        content,
    };
    let big_data = [
        (
            "manifest".to_owned(),
            item(Some(content.to_digest()), Some(content)),
        ),
        (
            format!("manifest-{}", content.to_digest()),
            item(Some(content.to_digest()), Some(content)),
        ),
        (content.to_digest(), item(None, Some(content))),
        (
            format!("sha256:{}", "0".repeat(64)),
            item(Some("sha256:cut".into()), None),
        ),
        ("signatures".to_owned(), BigDataItem::default()),
    ];
    let mut image = Image {
        id: "ab".repeat(32),
        digest: Some(format!("sha256:{}", "1".repeat(64))),
        names: vec!["quay.io/a:1".into(), "quay.io/a:2".into()],
        names_history: vec!["quay.io/a:2".into(), "quay.io/old:1".into()],
        top_layer: Some("cd".repeat(32)),
        mapped_top_layers: vec!["layer".into(), "layer".into()],
        metadata: "{}".into(),
        big_data_names: vec!["signatures".into(), "manifest".into()],
        big_data: big_data.into_iter().collect(),
        created: Some("2024-03-01T12:30:00.12+02:00".parse().unwrap()),
        flags: [("incomplete".to_owned(), serde_json::json!({"n": [1, null]}))].into(),
        unknown_fields: [("later".to_owned(), "[1, 2]".to_owned())].into(),
        ..Image::default()
    };
    image.recompute_digests();
    image
}

/// The bytes of the format. If this test fails, files in the field no longer open.
#[test]
fn golden_bytes() {
    let golden = include_str!("golden-1.hex");
    let sealed = encode_image(5, &full_image()).unwrap();
    assert_eq!(hex::encode(&sealed), golden.trim());
    assert_eq!(decode_image(5, &sealed).unwrap(), full_image());
}

#[test]
fn no_damage_panics_or_passes() {
    let sealed = encode_image(5, &full_image()).unwrap();
    for length in 0..sealed.len() {
        assert!(decode_image(5, &sealed[..length]).is_err());
    }
    let mut longer = sealed.clone();
    longer.push(0);
    assert!(decode_image(5, &longer).is_err());
}

#[test]
fn a_wild_length_costs_no_memory() {
    // An ID of 2^63 bytes, correctly sealed.
    let payload = [0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x80];
    let sealed = crate::codec::seal(crate::codec::Sealed::Record(1), &payload);
    assert!(decode_image(1, &sealed).is_err());
}

/// [`limits::MAX_RECORD`] is met one below, at, and one above.
#[test]
fn a_record_is_limited_as_a_whole() {
    let mut image = Image {
        metadata: "x".repeat(limits::MAX_RECORD),
        ..Image::default()
    };
    let Err(Failure::Error(Error::TooLarge { size, limit, .. })) = encode_image(1, &image) else {
        panic!("a record above the limit was encoded");
    };
    assert_eq!(limit, limits::MAX_RECORD as u64);
    let above = usize::try_from(size - limit).unwrap();
    for (cut, fits) in [(above - 1, false), (above, true), (above + 1, true)] {
        image.metadata.truncate(limits::MAX_RECORD - cut);
        let encoded = encode_image(1, &image);
        assert_eq!(encoded.is_ok(), fits, "{cut} bytes less");
        if let Ok(sealed) = encoded {
            assert_eq!(decode_image(1, &sealed).unwrap().metadata, image.metadata);
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let hex = prop::string::string_regex("[0-9a-f]{64}").unwrap().boxed();
    prop_oneof![
        "\\PC{0,12}",
        hex.clone(),
        hex.clone().prop_map(|hex| format!("sha256:{hex}")),
        hex.prop_map(|hex| format!("manifest-sha256:{hex}")),
        Just("manifest".to_owned()),
    ]
}

prop_compose! {
    fn item()(
        size in any::<Option<i64>>(),
        digest in prop::option::of(text()),
        content in any::<Option<[u8; 32]>>(),
        same in any::<bool>(),
    ) -> BigDataItem {
        let content = content.map(ContentHash::from_bytes);
        let digest = match content {
            Some(content) if same => Some(content.to_digest()),
            _ => digest,
        };
        BigDataItem { size, digest, content }
    }
}

prop_compose! {
    fn image()(
        (id, digest, top_layer) in (text(), prop::option::of(text()), prop::option::of(text())),
        names in prop::collection::vec(text(), 0..4),
        history in prop::collection::vec(text(), 0..4),
        mapped_top_layers in prop::collection::vec(text(), 0..3),
        metadata in text(),
        mut big_data in prop::collection::btree_map(text(), item(), 0..5),
        big_data_names in prop::collection::vec(text(), 0..5),
        repeat in any::<bool>(),
        created in prop::option::of((-62_135_510_400_i64..253_402_214_400, 0..1_000_000_000_u32, -720..840_i16)),
        flags in prop::collection::btree_map(text(), any::<i64>().prop_map(Into::into), 0..3),
        unknown_fields in prop::collection::btree_map(text(), Just("{}".to_owned()), 0..2),
    ) -> Image {
        let mut big_data_names = big_data_names;
        big_data_names.extend(big_data.keys().rev().cloned());
        if !repeat {
            big_data_names = crate::model::dedupe(big_data_names);
        }
        for key in &big_data_names {
            big_data.entry(key.clone()).or_default();
        }
        let mut image = Image {
            id, digest, top_layer, mapped_top_layers, metadata, big_data_names, big_data,
            names_history: history.into_iter().chain(names.clone()).collect(),
            names, flags, unknown_fields,
            created: created.map(|(s, n, o)| Timestamp::from_parts(s, n, o).unwrap()),
            ..Image::default()
        };
        image.recompute_digests();
        image
    }
}

proptest! {
    #[test]
    fn decodes_to_what_was_encoded(image in image(), number in any::<u64>()) {
        let sealed = encode_image(number, &image).unwrap();
        prop_assert_eq!(decode_image(number, &sealed).unwrap(), image);
    }

    #[test]
    fn random_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let sealed = crate::codec::seal(crate::codec::Sealed::Record(1), &payload);
        let _ = decode_image(1, &sealed);
    }
}
