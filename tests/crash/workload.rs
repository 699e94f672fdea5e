//! Operations of every kind, the same ones for the same seed.

use std::fs;
use std::path::Path;

use image_store::{
    ContentHash, ImageStore, ManifestDigest, NewImage, Result, Timestamp, Transaction,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// One operation that a caller would get an acknowledgement for.
#[derive(Clone, Debug)]
pub enum Step {
    /// A transaction of these.
    Do(Vec<Change>),
    /// Closes the store and opens it again.
    Reopen,
    /// Closes the store, compacts it and opens it again.
    Compact,
    /// Closes the store, merges these images of a legacy directory into it, whatever it has, and
    /// opens it again.
    Import(Vec<Imported>),
}

/// An image of a legacy directory.
#[derive(Clone, Debug)]
pub struct Imported {
    image: usize,
    names: Vec<usize>,
    /// The length of its one item.
    item: usize,
}

#[derive(Clone, Debug)]
pub enum Change {
    /// With items of these lengths.
    Create(usize, Vec<usize>),
    SetNames(usize, Vec<usize>),
    AddNames(usize, Vec<usize>),
    RemoveNames(usize, Vec<usize>),
    SetItem(usize, &'static str, usize),
    Metadata(usize, usize),
    Layer(usize),
    Flag(usize),
    Delete(usize),
    Wipe,
    /// Fails, and must leave nothing.
    Refused,
}

/// `length` operations. Each works whatever of those before it was done.
pub fn workload(seed: u64, length: usize) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut images = 0;
    let mut steps: Vec<Step> = (0..length)
        .map(|at| {
            let changes = if random.random_bool(0.2) {
                random.random_range(2..12)
            } else {
                1
            };
            match at % 16 {
                11 => Step::Reopen,
                6 => Step::Import((0..3).map(|_| imported(&mut random, &mut images)).collect()),
                13 if random.random_bool(0.5) => Step::Compact,
                _ => Step::Do(
                    (0..changes)
                        .map(|_| change(&mut random, &mut images))
                        .collect(),
                ),
            }
        })
        .collect();
    // Bytes that span many parts and make the file grow, and everything given back.
    steps.insert(
        length / 4,
        Step::Do(vec![Change::Create(images, vec![300_000])]),
    );
    steps.insert(length * 3 / 4, Step::Do(vec![Change::Wipe]));
    steps
}

fn imported(random: &mut StdRng, images: &mut usize) -> Imported {
    *images += 1;
    Imported {
        // New ones, and some that may be there.
        image: *images - random.random_range(1..4.min(*images + 1)),
        names: vec![random.random_range(0..20)],
        item: [40, 5_000, 70_000][random.random_range(0..3)],
    }
}

/// Writes a legacy images directory with these images.
pub fn write_directory(folder: &Path, images: &[Imported]) {
    let records = images.iter().map(|Imported { image, names, item }| {
        let id = id(*image);
        let of_image = folder.join(&id);
        fs::create_dir_all(&of_image).unwrap();
        let bytes = bytes(*item as u64 + *image as u64, *item);
        fs::write(of_image.join("manifest"), &bytes).unwrap();
        json!({
            "id": id,
            "names": texts(names),
            "created": "2023-01-02T03:04:05Z",
            "big-data-names": ["manifest"],
            "big-data-sizes": {"manifest": item},
            "big-data-digests": {"manifest": ContentHash::of(&bytes).to_digest()},
        })
    });
    let records = Value::Array(records.collect());
    fs::write(folder.join("images.json"), records.to_string()).unwrap();
}

fn change(random: &mut StdRng, images: &mut usize) -> Change {
    let some = |random: &mut StdRng| random.random_range(0..(*images).max(1));
    let image = some(random);
    let names = |random: &mut StdRng| -> Vec<usize> {
        (0..random.random_range(1..4))
            .map(|_| random.random_range(0..20))
            .collect()
    };
    match random.random_range(0..100) {
        0..35 => {
            *images += 1;
            let items = random.random_range(0..4);
            let length = |_| [40, 900, 5_000, 20_000, 70_000][random.random_range(0..5)];
            Change::Create(*images - 1, (0..items).map(length).collect())
        }
        35..42 => Change::SetNames(image, names(random)),
        42..52 => Change::AddNames(image, names(random)),
        52..57 => Change::RemoveNames(image, names(random)),
        57..70 => {
            let key = ["manifest", "config", "signature"][random.random_range(0..3)];
            Change::SetItem(image, key, random.random_range(0..30_000))
        }
        70..76 => Change::Metadata(image, random.random_range(0..3_000)),
        76..80 => Change::Layer(image),
        80..84 => Change::Flag(image),
        84..96 => Change::Delete(image),
        96 => Change::Wipe,
        _ => Change::Refused,
    }
}

impl Step {
    /// Does it in one transaction, but for those that the caller must do.
    pub fn run(&self, store: &ImageStore) -> Result<()> {
        let Self::Do(changes) = self else {
            return Ok(());
        };
        let mut transaction = store.write()?;
        for change in changes {
            change.apply(&mut transaction)?;
        }
        transaction.commit()
    }
}

impl Change {
    fn apply(&self, transaction: &mut Transaction) -> Result<()> {
        let done = match self {
            Self::Create(image, items) => {
                let mut new = NewImage::new()
                    .id(id(*image))
                    .name(format!("quay.io/example/app:{image}"))
                    .top_layer(format!("layer-{}", image % 3))
                    .created(created());
                for (item, length) in items.iter().enumerate() {
                    // Every third is shared between images.
                    let seed = if item % 3 == 2 { 7 } else { image * 10 + item };
                    let key = ["manifest", "config", "layers", "more"][item];
                    new = new.big_data(key, bytes(seed as u64, *length));
                }
                transaction.create(new).map(drop)
            }
            Self::SetNames(image, names) => transaction.set_names(&id(*image), &texts(names)),
            Self::AddNames(image, names) => transaction.add_names(&id(*image), &texts(names)),
            Self::RemoveNames(image, names) => transaction.remove_names(&id(*image), &texts(names)),
            Self::SetItem(image, key, length) => {
                let data = bytes(*length as u64 % 5, *length);
                transaction.set_big_data(&id(*image), key, &data, ManifestDigest::Sha256)
            }
            Self::Metadata(image, length) => {
                transaction.set_metadata(&id(*image), &"m".repeat(*length))
            }
            Self::Layer(image) => transaction.add_mapped_top_layer(&id(*image), "mapped"),
            Self::Flag(image) => transaction.set_flag(&id(*image), "flag", (*image).into()),
            Self::Delete(image) => transaction.delete(&id(*image)),
            Self::Wipe => transaction.wipe().map(drop),
            Self::Refused => transaction.set_metadata("nobody", "nothing"),
        };
        match done {
            // The image is gone or another has the name: nothing is what must happen then.
            Err(error) if error.kind() != image_store::ErrorKind::Io => {
                use image_store::ErrorKind::{DuplicateId, DuplicateName, ImageUnknown};
                let kind = error.kind();
                assert!(
                    matches!(kind, ImageUnknown | DuplicateId | DuplicateName),
                    "{self:?}: {error:?}"
                );
                Ok(())
            }
            done => done,
        }
    }
}

pub fn id(image: usize) -> String {
    format!("{image:064x}")
}

fn texts(names: &[usize]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("localhost/name:{name}"))
        .collect()
}

fn created() -> Timestamp {
    "2024-02-29T12:00:00.000000001Z".parse().unwrap()
}

/// Bytes that do not compress.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(seed).fill(bytes.as_mut_slice());
    bytes
}
