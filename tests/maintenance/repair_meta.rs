//! What a store says of itself, in the table `meta`, takes one page. Nothing else is lost with it.

use std::fs;
use std::path::Path;

use image_store::{Access, Error, ErrorKind, Finding, ImageStore, Lookup as _, NewImage};
use redb::{Database, TableDefinition};

use crate::damage::{noise, store};
use crate::repair::{assert_clean, killed, repair};

const PAGE: usize = 4_096;

/// What is done to a page, and where in it the keys begin.
type Damage<'a> = &'a dyn Fn(&mut [u8], usize);

/// Damages every page of the file that was one of the table.
fn damage(path: &Path, damage: impl Fn(&mut [u8], usize)) {
    let mut file = fs::read(path).unwrap();
    let keys = b"applicationcreated";
    let mut pages = 0;
    for page in file.chunks_mut(PAGE).skip(1) {
        if let Some(at) = page.windows(keys.len()).position(|found| found == keys) {
            damage(page, at);
            pages += 1;
        }
    }
    assert!(pages > 0);
    fs::write(path, file).unwrap();
}

fn is_of_meta(finding: &Finding) -> bool {
    matches!(finding, Finding::TableUnreadable { table: "meta", .. })
}

#[test]
fn a_store_is_known_by_its_tables_where_it_does_not_say_what_it_is() {
    let overwritten = |page: &mut [u8], _: usize| page.fill(0);
    let misspelt = |page: &mut [u8], at: usize| page[at] ^= 1;
    let ways: [Damage<'_>; 2] = [&overwritten, &misspelt];
    for damage_page in ways {
        let (_dir, path) = store();
        damage(&path, damage_page);
        let refused = ImageStore::open(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
        let summary = repair(&path);
        assert!(
            summary.before.findings.iter().any(is_of_meta),
            "{summary:?}"
        );
        assert_eq!((summary.images, summary.lost.len()), (3, 0));
        let store = ImageStore::open(&path).unwrap();
        assert_clean(&store);
        assert_eq!(store.get("app:2").unwrap().id, "two");
        assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
        store.create(NewImage::new().id("later")).unwrap();
    }
}

/// Of an older schema the indexes cannot be read, and are derived anew as ever.
#[test]
fn a_store_of_an_older_schema_is_known_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let (path, sound) = (dir.path().join("images.redb"), dir.path().join("sound"));
    fs::copy("tests/data/stores/schema-1.redb", &path).unwrap();
    fs::copy(&path, &sound).unwrap();
    let ids = |path: &Path| -> Vec<String> {
        let store = ImageStore::open(path).unwrap();
        assert_clean(&store);
        let images = store.images().unwrap();
        images.map(|image| image.unwrap().id).collect()
    };
    damage(&path, |page, _| page.fill(0));
    assert!(repair(&path).lost.is_empty());
    assert_eq!(ids(&path), ids(&sound));
}

/// Which log belongs to it is not known any more, nor what of that is in the file.
#[test]
fn a_redo_log_that_may_belong_to_it_is_told_and_set_aside() {
    let (dir, path) = store();
    damage(&path, |page, _| page.fill(0));
    let (_other, _, of_other) = killed();
    let bytes = fs::read(of_other).unwrap();
    let log = dir.path().join("images.redb-redo");
    fs::write(&log, &bytes).unwrap();
    let summary = repair(&path);
    assert_eq!(summary.images, 3);
    assert_eq!(summary.lost, [Finding::RedoLogLost { log: log.clone() }]);
    let kept = summary.set_aside.unwrap().join("000001.bytes");
    assert!(fs::read(kept).unwrap() == bytes);
    assert!(!log.exists());
    let exclusive = ImageStore::options().access(Access::Exclusive);
    assert_clean(&exclusive.open(&path).unwrap());
}

/// Another program's database may have a table of that name, too.
#[test]
fn what_has_other_tables_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    for table in ["meta", "images", "names"] {
        let table = TableDefinition::<&str, &[u8]>::new(table);
        transaction.open_table(table).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    let options = image_store::RepairOptions::new();
    let refused = ImageStore::options().repair(&path, &options, |_| {});
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, Error::ForeignDatabase { .. }),
        "{refused}"
    );
    assert!(fs::read(&path).unwrap() == before);
}
