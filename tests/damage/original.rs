//! The store that is damaged, and what it says when it is sound.

use std::collections::BTreeMap;

use image_store::{Image, ImageStore, Lookup, NewImage};

pub struct Original {
    pub bytes: Vec<u8>,
    pub images: BTreeMap<String, Image>,
    /// The bytes of each item, by image and key.
    pub items: BTreeMap<(String, String), Vec<u8>>,
}

impl Original {
    /// Sixty images with names, digests, layers and items: shared ones, compressed ones, and one of
    /// many parts. Every page kind of the engine is there: leaves, branches, and large values.
    pub fn build() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("images.redb");
        let store = ImageStore::open(&path).unwrap();
        let mut transaction = store.write().unwrap();
        for n in 0_u64..60 {
            let id = image_store::ContentHash::of(&n.to_le_bytes()).to_string();
            let manifest = format!("{{\"schemaVersion\": 2, \"n\": {}}}", n / 3).repeat(20);
            let image = NewImage::new()
                .id(id.clone())
                .name(format!("registry.example.com/team/app-{n}:latest"))
                .top_layer(format!("layer-{}", n / 2))
                .metadata("{}".repeat(n as usize))
                .created("2024-03-01T12:30:00Z".parse().unwrap())
                .big_data("manifest", manifest)
                .big_data(format!("sha256:{id}"), noise(n, 500 + 40 * n as usize));
            transaction.create(image).unwrap();
        }
        let large = NewImage::new()
            .id("large")
            .big_data("large", noise(7, 150_000));
        transaction.create(large).unwrap();
        transaction.commit().unwrap();

        let mut images = BTreeMap::new();
        let mut items = BTreeMap::new();
        for image in store.images().unwrap() {
            let image = image.unwrap();
            for key in &image.big_data_names {
                let bytes = store.big_data(&image.id, key).unwrap();
                items.insert((image.id.clone(), key.clone()), bytes);
            }
            images.insert(image.id.clone(), image);
        }
        store.close();
        let bytes = std::fs::read(&path).unwrap();
        Self {
            bytes,
            images,
            items,
        }
    }
}

/// Bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    use rand::{RngExt, SeedableRng};
    let mut bytes = vec![0; length];
    rand::rngs::StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}
