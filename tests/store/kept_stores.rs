//! Promise: a store of any schema that there ever was can be opened for ever, and holds what was put
//! into it. `tests/data/stores` has one of each.
//!
//! Each was made once, by [`make_the_store`], when its schema was the present one, and must never be
//! made again: a file that today's code wrote says nothing about yesterday's.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use image_store::legacy::{self, ImportOptions};
use image_store::{
    BigDataItem, ContentHash, Image, ImageStore, Lookup, ManifestDigest, NewImage, Prefix,
};

use crate::support::bytes::{Dribble, random_bytes, text_bytes};
use crate::support::raw::Raw;
use crate::support::record::decode_content_row;
use crate::support::seal::{content_owner, unseal};
use crate::support::{Place, all_images, invariants};

/// The schemas of which a store is kept: all.
const SCHEMAS: [u32; 2] = [1, 2];
const PRESENT: u32 = 2;

/// A file of the kept stores.
pub(crate) fn kept(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stores");
    folder.join(file)
}

fn kept_of(schema: u32) -> PathBuf {
    kept(&format!("schema-{schema}.redb"))
}

/// The kept store of a schema, copied to where it may be opened.
pub(crate) fn copy_of(schema: u32) -> Place {
    let place = Place::new();
    fs::copy(kept_of(schema), place.path()).unwrap();
    place
}

const HEX_ID: &str = "4f1c0d6e8a2b4c5d9e7f00112233445566778899aabbccddeeff102030405060";
const LAYER: &str = "00ff11ee22dd33cc44bb55aa66997788776699aa55bb44cc33dd22ee11ff0011";
const MANIFEST: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
const OTHER_MANIFEST: &str = r#"{"schemaVersion":2,"changed":true}"#;
const GONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const SHA_512: &str = "sha512:22222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222";
const SHA_384: &str = "sha384:333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333";

/// Two records as an engine might have left them, with what this library does not know or cannot
/// have written itself.
const LEGACY: &str = r#"[
{"id":"odd id","digest":"sha512:22222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222",
 "names":["quay.io/odd:1","quay.io/odd:é"],"names-history":["quay.io/odd:é","quay.io/gone:1"],
 "layer":"00ff11ee22dd33cc44bb55aa66997788776699aa55bb44cc33dd22ee11ff0011","mapped-layers":["mapped","mapped"],
 "metadata":"{\"a\": \"\\u0000é\"}","big-data-names":["manifest","gone","manifest","bare"],
 "big-data-sizes":{"manifest":76,"gone":7},
 "big-data-digests":{"manifest":"sha384:333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333","gone":"sha256:1111111111111111111111111111111111111111111111111111111111111111"},
 "flags":{"f":null,"g":{"n":[1,-2.5,"é"]}},"later":[1,  2.50],"x":{"b":1,"a":2}},
{"id":"../evil","created":"2023-07-01T10:00:00.000000123-07:30"}
]"#;

/// Makes the store anew at `path`.
fn make(path: &Path) {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("images.json"), LEGACY).unwrap();
    fs::create_dir(source.path().join("odd id")).unwrap();
    fs::write(source.path().join("odd id/manifest"), MANIFEST).unwrap();
    legacy::import(source.path(), path, ImportOptions::default()).unwrap();

    let store = ImageStore::options().create(false).open(path).unwrap();
    let manifest = ContentHash::of(MANIFEST.as_bytes()).to_digest();
    let config = text_bytes(1, 20_000);
    let image = NewImage::new()
        .id(HEX_ID)
        .name("localhost/app:1")
        .name("localhost/app:latest")
        .top_layer(LAYER)
        .metadata("{}")
        .created("2024-02-29T23:59:59.12+02:00".parse().unwrap())
        .flag("incomplete", true)
        .big_data("manifest", MANIFEST)
        .big_data(format!("manifest-{manifest}"), MANIFEST)
        .big_data(ContentHash::of(&config).to_digest(), config)
        .big_data("signatures", b"".as_slice());
    store.create(image).unwrap();
    let sha = ManifestDigest::Sha256;
    store
        .set_big_data(HEX_ID, "short parts", &random_bytes(2, 5_000), sha)
        .unwrap();
    store
        .set_big_data(HEX_ID, "long parts", &random_bytes(3, 70_000), sha)
        .unwrap();
    let streamed = text_bytes(4, 300_000);
    store
        .set_big_data_from(HEX_ID, "streamed", &mut Dribble::new(&streamed), sha)
        .unwrap();
    store
        .set_big_data(HEX_ID, "manifest", OTHER_MANIFEST.as_bytes(), sha)
        .unwrap();

    let mut transaction = store.write().unwrap();
    let created = "2024-03-01T00:00:00Z".parse().unwrap();
    let plain = |id: &str| NewImage::new().id(id).created(created);
    transaction
        .create(plain("日本").digest(SHA_384).name("ab"))
        .unwrap();
    transaction
        .create(plain("localhost/app:1").big_data("same", random_bytes(3, 70_000)))
        .unwrap();
    transaction.create(plain("ab")).unwrap();
    transaction.create(plain("abc")).unwrap();
    transaction
        .create(
            plain("removed")
                .name("removed")
                .big_data("x", random_bytes(5, 3_000)),
        )
        .unwrap();
    transaction
        .add_names("abc", &["moved", "localhost/app:latest"])
        .unwrap();
    transaction.set_names("abc", &["moved"]).unwrap();
    transaction.commit().unwrap();
    store.delete("removed").unwrap();
    store.add_mapped_top_layer("日本", LAYER).unwrap();
    store.close();
}

fn item(size: Option<i64>, digest: Option<&str>, bytes: Option<&[u8]>) -> BigDataItem {
    let mut item = BigDataItem::default();
    item.size = size;
    item.digest = digest.map(str::to_owned);
    item.content = bytes.map(ContentHash::of);
    item
}

/// An item as this library records it.
fn own_item(bytes: &[u8]) -> BigDataItem {
    let digest = ContentHash::of(bytes).to_digest();
    item(Some(bytes.len() as i64), Some(&digest), Some(bytes))
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The images of the store, in their order.
pub(crate) fn expected() -> Vec<Image> {
    let plain = |id: &str| {
        let mut image = Image::default();
        image.id = id.to_owned();
        image.created = Some("2024-03-01T00:00:00Z".parse().unwrap());
        image
    };

    let mut odd = plain("odd id");
    odd.created = None;
    odd.digest = Some(SHA_512.to_owned());
    odd.digests = texts(&[SHA_512, SHA_384]);
    odd.names = texts(&["quay.io/odd:1", "quay.io/odd:é"]);
    odd.names_history = texts(&["quay.io/odd:é", "quay.io/gone:1"]);
    odd.top_layer = Some(LAYER.to_owned());
    odd.mapped_top_layers = texts(&["mapped", "mapped"]);
    odd.metadata = "{\"a\": \"\\u0000é\"}".to_owned();
    odd.big_data_names = texts(&["manifest", "gone", "manifest", "bare"]);
    odd.big_data = [
        (
            "manifest",
            item(Some(76), Some(SHA_384), Some(MANIFEST.as_bytes())),
        ),
        ("gone", item(Some(7), Some(GONE), None)),
        ("bare", item(None, None, None)),
    ]
    .map(|(key, item)| (key.to_owned(), item))
    .into();
    odd.flags = [
        ("f".to_owned(), serde_json::Value::Null),
        ("g".to_owned(), serde_json::json!({"n": [1, -2.5, "é"]})),
    ]
    .into();
    odd.unknown_fields = [("later", "[1,2.50]"), ("x", r#"{"b":1,"a":2}"#)]
        .map(|(field, json)| (field.to_owned(), json.to_owned()))
        .into();

    let mut evil = plain("../evil");
    evil.created = Some("2023-07-01T10:00:00.000000123-07:30".parse().unwrap());

    let manifest = ContentHash::of(MANIFEST.as_bytes()).to_digest();
    let other = ContentHash::of(OTHER_MANIFEST.as_bytes()).to_digest();
    let mut full = plain(HEX_ID);
    full.created = Some("2024-02-29T23:59:59.12+02:00".parse().unwrap());
    full.digest = Some(manifest.clone());
    full.digests = vec![manifest, other];
    full.names = texts(&["localhost/app:1"]);
    full.top_layer = Some(LAYER.to_owned());
    full.metadata = "{}".to_owned();
    full.flags = [("incomplete".to_owned(), true.into())].into();
    full.big_data_names = full_items().iter().map(|(key, _)| key.clone()).collect();
    full.big_data = full_items()
        .iter()
        .map(|(key, bytes)| (key.clone(), own_item(bytes)))
        .collect();

    let mut japan = plain("日本");
    japan.digest = Some(SHA_384.to_owned());
    japan.digests = texts(&[SHA_384]);
    japan.names = texts(&["ab"]);
    japan.mapped_top_layers = texts(&[LAYER]);

    let mut named_like = plain("localhost/app:1");
    named_like.big_data_names = texts(&["same"]);
    named_like.big_data = [("same".to_owned(), own_item(&random_bytes(3, 70_000)))].into();

    let mut abc = plain("abc");
    abc.names = texts(&["moved"]);
    abc.names_history = texts(&["moved", "localhost/app:latest"]);

    vec![odd, evil, full, japan, named_like, plain("ab"), abc]
}

/// The items of the image that has most, in the order they were first set.
fn full_items() -> Vec<(String, Vec<u8>)> {
    let manifest = ContentHash::of(MANIFEST.as_bytes());
    let config = text_bytes(1, 20_000);
    vec![
        ("manifest".to_owned(), OTHER_MANIFEST.into()),
        (format!("manifest-sha256:{manifest}"), MANIFEST.into()),
        (ContentHash::of(&config).to_digest(), config),
        ("signatures".to_owned(), Vec::new()),
        ("short parts".to_owned(), random_bytes(2, 5_000)),
        ("long parts".to_owned(), random_bytes(3, 70_000)),
        ("streamed".to_owned(), text_bytes(4, 300_000)),
    ]
}

/// Every value must be what was put in.
pub(crate) fn assert_contents(store: &ImageStore) {
    let mut images = expected();
    for image in &mut images {
        image.read_only = store.is_read_only();
    }
    let found = all_images(store);
    assert_eq!(found.len(), images.len());
    for (found, expected) in found.iter().zip(&images) {
        assert_eq!(found, expected);
    }
    assert_eq!(store.generation().unwrap(), 9);
    for (key, bytes) in full_items() {
        assert!(store.big_data(HEX_ID, &key).unwrap() == bytes, "{key}");
        let mut streamed = Vec::new();
        let mut reader = store.big_data_reader(HEX_ID, &key).unwrap();
        reader.read_to_end(&mut streamed).unwrap();
        assert!(streamed == bytes, "{key}");
    }
    assert_eq!(
        store.big_data("odd id", "manifest").unwrap(),
        MANIFEST.as_bytes()
    );
    for (key, kind) in [("gone", "big-data-unknown"), ("bare", "big-data-unknown")] {
        assert_eq!(
            store.big_data("odd id", key).unwrap_err().kind().as_str(),
            kind
        );
    }
    assert_lookups(store);
}

fn assert_lookups(store: &ImageStore) {
    let found = |reference: &str| store.get(reference).map(|image| image.id).ok();
    assert_eq!(found(&HEX_ID[..1]).as_deref(), Some(HEX_ID));
    assert_eq!(found("localhost/app:1").as_deref(), Some("localhost/app:1"));
    assert_eq!(found("quay.io/odd:é").as_deref(), Some("odd id"));
    assert_eq!(found("ab").as_deref(), Some("ab"));
    assert_eq!(found("moved").as_deref(), Some("abc"));
    assert_eq!(found("日").as_deref(), Some("日本"));
    assert_eq!(
        found("odd"),
        None,
        "IDs with a space are found by no prefix"
    );
    assert_eq!(found("localhost/app:latest"), None);
    assert_eq!(found("removed"), None);

    let ids = store.ids(Prefix::all()).unwrap().map(Result::unwrap);
    let sorted = [
        "../evil",
        HEX_ID,
        "ab",
        "abc",
        "localhost/app:1",
        "odd id",
        "日本",
    ];
    assert_eq!(ids.collect::<Vec<_>>(), sorted);
    let names = store.names(Prefix::all()).unwrap().map(Result::unwrap);
    let names: Vec<_> = names.map(|entry| (entry.name, entry.id)).collect();
    let pairs = [
        ("ab", "日本"),
        ("localhost/app:1", HEX_ID),
        ("moved", "abc"),
        ("quay.io/odd:1", "odd id"),
        ("quay.io/odd:é", "odd id"),
    ];
    assert_eq!(
        names,
        pairs.map(|(name, id)| (name.to_owned(), id.to_owned()))
    );
    let ids_of = |images: &mut dyn Iterator<Item = image_store::Result<Image>>| {
        images.map(|image| image.unwrap().id).collect::<Vec<_>>()
    };
    assert_eq!(
        ids_of(&mut store.by_top_layer(LAYER).unwrap()),
        ["odd id", HEX_ID, "日本"]
    );
    assert_eq!(
        ids_of(&mut store.by_digest(SHA_384).unwrap()),
        ["odd id", "日本"]
    );
    assert_eq!(store.digests(Prefix::all()).unwrap().count(), 5);
}

#[test]
fn holds_what_was_put_into_it() {
    for schema in SCHEMAS {
        let place = copy_of(schema);
        let reader = ImageStore::options().read_only(true).open(place.path());
        assert_contents(&reader.unwrap());
        let is_as_kept = fs::read(place.path()).unwrap() == fs::read(kept_of(schema)).unwrap();
        assert_eq!(is_as_kept, schema == PRESENT, "schema {schema}");
        assert_contents(&place.open());
        assert_eq!(invariants::check(&place.path()), expected());
    }
}

#[test]
fn can_be_written_to() {
    for schema in SCHEMAS {
        let place = copy_of(schema);
        let store = place.open();
        store.set_metadata("../evil", "new").unwrap();
        store.set_names(HEX_ID, &["moved"]).unwrap();
        store.delete("odd id").unwrap();
        store.delete("localhost/app:1").unwrap();
        store
            .create(NewImage::new().id("new").big_data("manifest", MANIFEST))
            .unwrap();
        assert_eq!(invariants::check(&place.path()), all_images(&store));
        assert!(store.big_data(HEX_ID, "long parts").unwrap() == random_bytes(3, 70_000));
        assert_eq!(store.wipe().unwrap(), 6);
        assert!(Raw::read(&place.path()).blobs.is_empty());
    }
}

/// A kept store is worth little if it has not one of each kind.
#[test]
fn has_every_kind_of_value() {
    for schema in SCHEMAS {
        let place = copy_of(schema);
        place.open().close();
        assert_every_kind(&Raw::read(&place.path()));
        assert!(fs::metadata(kept_of(schema)).unwrap().len() < 300 << 10);
    }
}

fn assert_every_kind(raw: &Raw) {
    let rows = raw.contents.iter().map(|(hash, sealed)| {
        let row = decode_content_row(&unseal(&content_owner(hash), sealed));
        let parts = raw.blobs.range((row.number, 0)..=(row.number, u32::MAX));
        let longest = parts.clone().map(|(_, part)| part.len()).max().unwrap();
        (row, parts.count(), longest)
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.iter().any(|(row, _, _)| row.size == 0));
    assert!(rows.iter().any(|(row, _, _)| row.references == 2));
    assert!(
        rows.iter()
            .any(|(row, _, _)| row.encoding == 1 && row.size == 300_000)
    );
    assert!(
        rows.iter()
            .any(|(row, parts, _)| row.encoding == 0 && *parts == 1)
    );
    assert!(
        rows.iter()
            .any(|(_, parts, longest)| *parts > 1 && *longest == 1_900)
    );
    assert!(
        rows.iter()
            .any(|(_, parts, longest)| *parts > 1 && *longest == 65_472)
    );
}

/// Today's code makes a store with the same in it.
#[test]
fn is_what_is_still_made() {
    let place = Place::new();
    make(&place.path());
    assert_contents(&place.open());
    let made = Raw::read(&place.path());
    for schema in SCHEMAS {
        let place = copy_of(schema);
        place.open().close();
        let mut old = Raw::read(&place.path());
        old.meta.clone_from(&made.meta);
        assert_eq!(old.blobs.keys().len(), made.blobs.keys().len());
        old.blobs.clone_from(&made.blobs);
        assert_eq!(old, made, "schema {schema}");
    }
}

#[test]
#[ignore = "makes the store of a new schema, once; it refuses to replace one"]
fn make_the_store() {
    let kept = kept_of(PRESENT);
    assert!(
        !kept.exists(),
        "{} exists: it must never be replaced",
        kept.display()
    );
    make(&kept);
}
