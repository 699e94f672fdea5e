//! Promise: an imported store is as small as compacting it would make it, but for a few pages.

use std::fmt::Write as _;

use image_store::ImageStore;
use image_store::legacy::{self, ImportOptions};

use crate::fixtures::Fixture;

/// What closing a file leaves behind: the engine's list of free pages and what it replaces.
const FEW_PAGES: u64 = 64 << 10;

/// An images directory whose last records have the IDs of the first ones once more.
fn directory(images: usize, repeated: usize) -> Fixture {
    let mut records = String::from("[");
    for number in (0..images).chain(0..repeated) {
        let comma = if records.len() == 1 { "" } else { "," };
        let (id, metadata) = (number.wrapping_mul(0x9e37_79b9), "m".repeat(number % 700));
        let _ = write!(
            records,
            r#"{comma}{{"id":"{id:064x}","names":["name-{id}"],"metadata":"{metadata}"}}"#
        );
    }
    Fixture::with_records(&(records + "]"))
}

#[test]
fn an_imported_store_has_no_room_to_give_back() {
    for (images, repeated) in [(0, 0), (1, 0), (40, 0), (3_000, 0), (9_000, 0), (900, 800)] {
        let fixture = directory(images, repeated);
        let path = fixture.store_path();
        legacy::import(&fixture.images, &path, ImportOptions::default()).unwrap();
        let length = path.metadata().unwrap().len();
        let compact = ImageStore::options().compact(&path).unwrap().length_after;
        assert!(
            length <= compact + FEW_PAGES,
            "{images} images, {repeated} twice: {length} bytes, {compact} would do"
        );
    }
}
