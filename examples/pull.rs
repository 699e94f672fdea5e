//! A pull: an image appears with all its items and its new name, in one transaction.
//!
//! `cargo run --example pull`
//!
//! What takes long, fetching, comes first: while a transaction is open, nobody else writes. A kill
//! at any moment leaves the image as it was before the pull, or as it is after it.

#![allow(clippy::print_stdout, reason = "it prints what it did")]

use std::error::Error;

use image_store::{ContentHash, ImageStore, Lookup as _, ManifestDigest, NewImage};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a registry would send.
struct Fetched {
    manifest: Vec<u8>,
    config: Vec<u8>,
    signatures: Vec<u8>,
    top_layer: String,
}

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let store = ImageStore::open(folder.path().join("images.redb"))?;
    let name = "quay.io/example/app:latest";

    let first = pull(&store, name, &fetch("1.0"))?;
    let again = pull(&store, name, &fetch("1.0"))?;
    assert_eq!(first, again, "the same image is pulled once");

    let second = pull(&store, name, &fetch("2.0"))?;
    assert_ne!(first, second);
    assert_eq!(store.get(name)?.id, second, "the name has moved");
    assert!(
        store.get(&first)?.names.is_empty(),
        "the old image is there, untagged"
    );
    assert_eq!(store.get(&second)?.big_data_names.len(), 4);
    println!("{name} is {second:.12}");
    Ok(())
}

/// Records what was fetched, and returns the ID of the image: the digest of its configuration.
fn pull(store: &ImageStore, name: &str, fetched: &Fetched) -> Outcome<String> {
    let id = ContentHash::of(&fetched.config).to_string();
    let manifest_digest = ContentHash::of(&fetched.manifest).to_digest();
    let mut transaction = store.write()?;
    if !transaction.exists(&id)? {
        // The keys under which podman, buildah and CRI-O look for them. "manifest" and
        // "manifest-<digest>" have the same bytes, which are stored once.
        transaction.create(
            NewImage::new()
                .id(&id)
                .top_layer(&fetched.top_layer)
                .big_data(format!("sha256:{id}"), fetched.config.as_slice())
                .big_data(
                    format!("manifest-{manifest_digest}"),
                    fetched.manifest.as_slice(),
                )
                .big_data("manifest", fetched.manifest.as_slice()),
        )?;
    }
    // Takes it from the image that had it.
    transaction.add_names(&id, &[name])?;
    let signatures = &fetched.signatures;
    transaction.set_big_data(&id, "signatures", signatures, ManifestDigest::Sha256)?;
    transaction.set_metadata(&id, &json!({"pulled-as": name}).to_string())?;
    transaction.commit()?;
    Ok(id)
}

fn fetch(version: &str) -> Fetched {
    let config = json!({"os": "linux", "config": {"Labels": {"version": version}}}).to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"digest": ContentHash::of(config.as_bytes()).to_digest(), "size": config.len()},
        "layers": [],
    });
    Fetched {
        manifest: manifest.to_string().into_bytes(),
        config: config.into_bytes(),
        signatures: b"signed".to_vec(),
        top_layer: "4ff42ff59223".to_owned(),
    }
}
