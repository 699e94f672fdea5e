//! Images directories to test with: those that podman wrote, and small ones made here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

/// Directories that podman wrote and nobody touched.
pub(crate) const UNTOUCHED: [&str; 4] = ["A5", "B", "C2", "D"];

/// A storage root in a temporary folder.
pub(crate) struct Fixture {
    folder: TempDir,
    pub(crate) images: PathBuf,
}

impl Fixture {
    /// Unpacks a directory that podman wrote.
    pub(crate) fn podman(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/fixtures")
            .join(format!("podman-{store}.tar.zst"));
        let unpacked = zstd::Decoder::new(File::open(archive).unwrap()).unwrap();
        let mut archive = tar::Archive::new(unpacked);
        archive.set_preserve_permissions(true);
        archive.unpack(folder.path()).unwrap();
        let images = folder.path().join(store).join("vfs-images");
        Self { folder, images }
    }

    /// Makes a directory with these records.
    pub(crate) fn with_records(json: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("vfs-images");
        fs::create_dir(&images).unwrap();
        fs::write(images.join("images.json"), json).unwrap();
        Self { folder, images }
    }

    /// Writes a file into the directory.
    pub(crate) fn file(self, path: &str, bytes: &[u8]) -> Self {
        let path = self.images.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// A path where a store can be created.
    pub(crate) fn store_path(&self) -> PathBuf {
        self.folder.path().join("images.redb")
    }

    /// What lies beside the images directory, by name.
    pub(crate) fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "vfs-images").collect();
        names.sort();
        names
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        fs::read(self.images.join("images.json")).unwrap()
    }

    /// The records as a plain JSON parser has them.
    pub(crate) fn records(&self) -> Vec<Value> {
        serde_json::from_slice(&self.json()).unwrap()
    }

    /// The bytes of all item files of an image by item key, from the names of the files.
    pub(crate) fn items(&self, id: &str) -> BTreeMap<String, Vec<u8>> {
        let Ok(folder) = fs::read_dir(self.images.join(id)) else {
            return BTreeMap::new();
        };
        folder
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                let key = match name.strip_prefix('=') {
                    None => name.to_owned(),
                    Some(encoded) => String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap(),
                };
                (key, fs::read(&path).unwrap())
            })
            .collect()
    }
}

/// The texts in a field of a record; none where the record does not have it.
pub(crate) fn texts<'a>(record: &'a Value, field: &str) -> Vec<&'a str> {
    let values = record[field].as_array().map_or(&[][..], Vec::as_slice);
    values.iter().map(|value| value.as_str().unwrap()).collect()
}
