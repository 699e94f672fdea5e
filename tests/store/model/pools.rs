//! The texts and bytes that operations choose from: few, so that they meet, and odd.

use std::sync::LazyLock;

use image_store::ContentHash;

use crate::support::bytes::{random_bytes, text_bytes};

/// 64 hexadecimal digits, as most IDs and layers are, which the store keeps at half their length.
pub(crate) const FAMILY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// IDs: one the beginning of another, with spaces, not ASCII, equal to names, like paths, long, nearly
/// 64 digits.
pub(crate) static IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let cousin = format!("{}f", &FAMILY[..63]);
    [
        "ab",
        "abc",
        "abd",
        "ab c",
        "ab ",
        " ",
        "é",
        "éa",
        "日本",
        "日",
        "n1",
        "../evil",
        "sub/dir",
        "A",
        "AB",
        "a\u{0}b",
        "\u{10ffff}",
        FAMILY,
        &cousin,
        &FAMILY[..32],
        &FAMILY[..63],
        &FAMILY.to_uppercase(),
        &format!("{FAMILY}0"),
        &format!("sha256:{FAMILY}"),
        "layer",
    ]
    .map(str::to_owned)
    .to_vec()
});

/// Names: plain ones, an empty one, ones equal to IDs and to the beginning of IDs.
pub(crate) const NAMES: &[&str] = &[
    "n1",
    "n2",
    "n3",
    "quay.io/é/app:1",
    "ab",
    "a",
    "",
    "A B",
    "0123",
    "日",
    "n1/sub",
    "past",
];

/// Item keys: manifests, ones that hold the hash of bytes in the pool, odd and empty ones.
pub(crate) static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    vec![
        "manifest".to_owned(),
        "config".to_owned(),
        format!("manifest-{}", hash_of(3)),
        hash_of(4),
        format!("manifest-{}", hash_of(4)),
        "manifestation".to_owned(),
        "signature é / ..".to_owned(),
        format!("sha256:{}", "A".repeat(64)),
        String::new(),
    ]
});

pub(crate) const LAYERS: &[&str] = &["layer", "layer2", "", "lay", "ab", "日本", FAMILY];

pub(crate) static METADATA: LazyLock<Vec<String>> = LazyLock::new(|| {
    vec![
        String::new(),
        "{}".to_owned(),
        "\u{0}é\"".to_owned(),
        "long ".repeat(2_000),
    ]
});

pub(crate) const FLAGS: &[&str] = &["flag", "", "é"];

/// JSON values for flags.
pub(crate) fn flag_value(index: usize) -> serde_json::Value {
    match index {
        0 => serde_json::Value::Null,
        1 => true.into(),
        2 => {
            serde_json::json!({"a": [1, -2.5, "é", {"b": null}], "": 18_446_744_073_709_551_615_u64})
        }
        _ => "text".into(),
    }
}

pub(crate) const FLAG_VALUES: usize = 4;

/// Item bytes: none, few, around the lengths of parts, that compress and that do not, and longer
/// than what is read of a stream before anything is written.
pub(crate) static DATA: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    vec![
        Vec::new(),
        b"x".to_vec(),
        b"{}".to_vec(),
        text_bytes(1, 700),
        random_bytes(2, 1_895),
        random_bytes(3, 1_896),
        text_bytes(4, 30_000),
        random_bytes(5, 17_000),
        random_bytes(6, 300_000),
        text_bytes(7, 300_000),
    ]
});

pub(crate) fn hash_of(data: usize) -> String {
    ContentHash::of(&DATA[data]).to_digest()
}

/// Digests, all valid: of algorithms that are not computed here, and of bytes in the pool.
pub(crate) static DIGESTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    vec![
        hash_of(3),
        format!("sha512:{}", "0f".repeat(64)),
        format!("sha384:{}", "1e".repeat(48)),
        format!("sha256:{}", "0".repeat(64)),
    ]
});

pub(crate) const INVALID_DIGEST: &str = "sha256:cut";
