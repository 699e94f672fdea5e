//! Promise: a listing takes the same memory however long it is, sorted too where it has a limit.

use image_store::{Access, ImageStore, NewImage};

use crate::support::{Place, run, shell};

const IMAGES: usize = 3_000;

/// The records take 120 MB together: more than a process may use that is given less.
const METADATA: usize = 40_000;

/// The address space in KiB that the program is given: its own, the engine's cache of 32 MiB, and
/// room for a page of a listing.
const SPACE: usize = 90 << 10;

#[test]
fn a_long_listing_takes_no_more_memory_than_a_short_one() {
    let place = Place::new();
    let store = ImageStore::options().access(Access::Exclusive);
    let store = store.open(place.store()).unwrap();
    let mut transaction = store.write().unwrap();
    let metadata = "m".repeat(METADATA);
    for number in 0..IMAGES {
        let image = NewImage::new()
            .id(format!("{number:08}"))
            .name(format!("app:{number}"))
            .metadata(&metadata);
        transaction.create(image).unwrap();
    }
    transaction.commit().unwrap();
    store.close();

    for (listing, lines) in [
        ("list", IMAGES + 1),
        ("list --json", IMAGES + 2),
        ("list --format '{{ id }} {{ metadata }}'", IMAGES),
        ("list --sort name --reverse --limit 50 --json-lines", 50),
        ("find app", IMAGES + 1),
    ] {
        let script = format!("ulimit -v {SPACE} && image-store {listing} | wc -l");
        let ran = run(shell(&script).env("IMAGE_STORE", place.store()));
        assert_eq!(ran.printed().trim(), lines.to_string(), "{listing}");
    }
}
