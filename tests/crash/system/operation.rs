//! The operations that ask the system for more than the engine does.

use std::fs;
use std::path::Path;

use image_store::legacy::{self, Existing, ExportMode, ExportOptions, ImportOptions, OnConflict};
use image_store::{
    Access, ImageStore, Lookup as _, ManifestDigest, NewImage, RepairOptions, Result,
};

/// Something that a caller asks for.
#[derive(Clone, Copy)]
pub struct Operation {
    pub name: &'static str,
    /// Puts what it needs into an empty folder.
    pub prepare: fn(&Path),
    pub act: fn(&Path) -> Result<()>,
    /// What it makes or changes, in that folder.
    pub target: &'static str,
    /// What else is in that folder, and must stay as it is.
    pub source: Option<&'static str>,
}

const STORE: &str = "images.redb";
const DIRECTORY: &str = "vfs-images";
const NEW: &str = "new";

pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create a store",
        prepare: |_| {},
        act: |folder| ImageStore::open(folder.join(STORE)).map(ImageStore::close),
        target: STORE,
        source: None,
    },
    Operation {
        name: "open it and create an image, shared",
        prepare: store,
        act: |folder| create_image(folder, Access::Shared),
        target: STORE,
        source: None,
    },
    Operation {
        name: "open it and create an image, exclusive",
        prepare: store,
        act: |folder| create_image(folder, Access::Exclusive),
        target: STORE,
        source: None,
    },
    Operation {
        name: "write to the redo log",
        prepare: store,
        act: |folder| {
            let store = exclusive(folder)?;
            // Enough for a log to be begun.
            for _ in 0..3 {
                store.set_metadata("common", "changed")?;
            }
            create_in(store)
        },
        target: STORE,
        source: None,
    },
    Operation {
        name: "read what a dead writer left with a redo log",
        prepare: unclean_store_with_redo,
        act: |folder| {
            let options = ImageStore::options().read_only(true);
            options.open(folder.join(STORE))?.get("app:2").map(drop)
        },
        target: STORE,
        source: None,
    },
    Operation {
        name: "read what a dead writer left",
        prepare: unclean_store,
        act: |folder| {
            let options = ImageStore::options().read_only(true);
            options.open(folder.join(STORE))?.get("app:1").map(drop)
        },
        target: STORE,
        source: None,
    },
    Operation {
        name: "import",
        prepare: directory,
        act: |folder| import(folder, Existing::Refuse),
        target: STORE,
        source: Some(DIRECTORY),
    },
    Operation {
        name: "import, replacing",
        prepare: both,
        act: |folder| import(folder, Existing::Replace),
        target: STORE,
        source: Some(DIRECTORY),
    },
    Operation {
        name: "import, merging",
        prepare: both,
        act: |folder| import(folder, Existing::Merge(OnConflict::Fail)),
        target: STORE,
        source: Some(DIRECTORY),
    },
    Operation {
        name: "export",
        prepare: store,
        act: |folder| export(folder, NEW, ExportMode::New),
        target: NEW,
        source: Some(STORE),
    },
    Operation {
        name: "export, replacing",
        prepare: both,
        act: |folder| export(folder, DIRECTORY, ExportMode::Replace),
        target: DIRECTORY,
        source: Some(STORE),
    },
    Operation {
        name: "export into a live directory",
        prepare: both,
        act: |folder| export(folder, DIRECTORY, ExportMode::Live),
        target: DIRECTORY,
        source: Some(STORE),
    },
    Operation {
        name: "back up",
        prepare: store,
        act: |folder| {
            let store = ImageStore::open(folder.join(STORE))?;
            store.read()?.backup(folder.join(NEW), |_| {}).map(drop)
        },
        target: NEW,
        source: Some(STORE),
    },
    Operation {
        name: "compact",
        prepare: store,
        act: |folder| ImageStore::options().compact(folder.join(STORE)).map(drop),
        target: STORE,
        source: None,
    },
    Operation {
        name: "repair",
        prepare: store,
        act: |folder| {
            let options = RepairOptions::new();
            let repaired = ImageStore::options().repair(folder.join(STORE), &options, |_| {});
            repaired.map(drop)
        },
        target: STORE,
        source: None,
    },
];

/// Three images; `common` is in the directory too, with the same content, and `changed` is in both
/// with another.
fn store(folder: &Path) {
    fill(&folder.join(STORE)).close();
}

fn fill(path: &Path) -> ImageStore {
    let store = ImageStore::open(path).unwrap();
    let image = |id: &str, bytes: &[u8]| {
        let image = image_of_then().id(id).big_data("manifest", bytes);
        store
            .create(image.big_data("Config=", b"cfg".as_slice()))
            .unwrap();
    };
    image("common", b"{}");
    image("only-store", &[7; 5_000]);
    store.add_names("common", &["app:1"]).unwrap();
    store.delete("only-store").unwrap();
    image("second", b"two");
    store
}

fn unclean_store(folder: &Path) {
    let open = folder.join("open");
    let store = fill(&open);
    // As a process that was killed leaves it.
    fs::copy(&open, folder.join(STORE)).unwrap();
    store.close();
    fs::remove_file(open).unwrap();
}

fn unclean_store_with_redo(folder: &Path) {
    let open = folder.join("open");
    fs::create_dir(&open).unwrap();
    store(&open);
    let store = exclusive(&open).unwrap();
    for _ in 0..3 {
        store.set_metadata("common", "changed").unwrap();
    }
    store.add_names("second", &["app:2"]).unwrap();
    for file in [STORE, "images.redb-redo"] {
        fs::copy(open.join(file), folder.join(file)).unwrap();
    }
    store.close();
    fs::remove_dir_all(open).unwrap();
}

fn exclusive(folder: &Path) -> Result<ImageStore> {
    let options = ImageStore::options().access(Access::Exclusive);
    options.open(folder.join(STORE))
}

fn directory(folder: &Path) {
    let store = fill(&folder.join("source"));
    let digest = ManifestDigest::Sha256;
    store
        .set_big_data("second", "added", b"more", digest)
        .unwrap();
    let id = "third";
    store
        .create(
            image_of_then()
                .id(id)
                .big_data("manifest", [9; 300].as_slice()),
        )
        .unwrap();
    let options = ExportOptions::default();
    legacy::export(&store.read().unwrap(), &folder.join(DIRECTORY), options).unwrap();
    store.close();
    fs::remove_file(folder.join("source")).unwrap();
}

fn both(folder: &Path) {
    directory(folder);
    store(folder);
    // What is in both with another content would end a merge.
    let store = ImageStore::open(folder.join(STORE)).unwrap();
    store.delete("second").unwrap();
    store
        .create(
            image_of_then()
                .id("fourth")
                .big_data("manifest", b"4".as_slice()),
        )
        .unwrap();
    store.close();
}

/// A new image whose date is the same in each run.
fn image_of_then() -> NewImage {
    NewImage::new().created("2024-02-29T12:00:00Z".parse().unwrap())
}

fn create_image(folder: &Path, access: Access) -> Result<()> {
    let store = ImageStore::options()
        .access(access)
        .open(folder.join(STORE))?;
    create_in(store)
}

fn create_in(store: ImageStore) -> Result<()> {
    let image = image_of_then()
        .id("new")
        .name("app:2")
        .big_data("manifest", [1; 20_000].as_slice());
    store.create(image)?;
    store.close();
    Ok(())
}

fn import(folder: &Path, existing: Existing) -> Result<()> {
    let options = ImportOptions::default().existing(existing).threads(1);
    legacy::import(&folder.join(DIRECTORY), &folder.join(STORE), options).map(drop)
}

fn export(folder: &Path, target: &str, mode: ExportMode) -> Result<()> {
    let store = ImageStore::options()
        .read_only(true)
        .open(folder.join(STORE))?;
    let options = ExportOptions::default().mode(mode);
    legacy::export(&store.read()?, &folder.join(target), options).map(drop)
}
