//! A program that writes to a damaged file must not die of it either.

use std::path::Path;

use image_store::{Access, ErrorKind, ImageStore, NewImage};

const PAGE: usize = 4_096;

/// What the page that lists the tables holds: their names, one behind the other.
const LISTED: &[u8] = b"blobscontentsdigestsidsimageslayersmetanames";

/// Takes from every list of the tables what it says of the last one: it then ends where that of the
/// table before does.
fn damage_lists(path: &Path) {
    let mut file = std::fs::read(path).unwrap();
    let mut lists = 0;
    for page in file.chunks_exact_mut(PAGE) {
        if page.windows(LISTED.len()).any(|bytes| bytes == LISTED) {
            // A leaf: four bytes, where each key ends, where each value ends.
            let tables = usize::from(u16::from_le_bytes([page[2], page[3]]));
            let last = 4 + 4 * (2 * tables - 1);
            page.copy_within(last - 4..last, last);
            lists += 1;
        }
    }
    assert!(lists > 0);
    std::fs::write(path, file).unwrap();
}

/// The engine panics on such a list, while some tables are open: if these panicked on their way out,
/// that would be the end of the process.
#[test]
fn a_write_to_a_store_whose_tables_are_listed_wrong_ends_with_corrupt() {
    for access in [Access::Shared, Access::Exclusive] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("images.redb");
        ImageStore::open(&path).unwrap().close();
        // Nothing of the file is kept in memory.
        let options = ImageStore::options().access(access).cache_size(0);
        let store = options.open(&path).unwrap();
        damage_lists(&path);
        let error = store.create(NewImage::new().id("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let error = store.write().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}
