//! The legacy way: one JSON file that is read whole, and rewritten whole for every change.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::peers::{Peer, Reads};
use crate::rows::Fresh;
use crate::sample;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Record {
    id: String,
    digest: String,
    names: Vec<String>,
    names_history: Vec<String>,
    layer: String,
    metadata: String,
    big_data_names: Vec<String>,
    big_data_sizes: BTreeMap<String, i64>,
    big_data_digests: BTreeMap<String, String>,
    created: String,
}

/// A directory with an `images.json`, loaded.
pub struct LegacyJson {
    folder: PathBuf,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    images: Vec<Record>,
    by_id: BTreeMap<String, usize>,
    by_name: HashMap<String, usize>,
    by_digest: HashMap<String, Vec<usize>>,
}

impl State {
    fn push(&mut self, record: Record) {
        let index = self.images.len();
        self.by_id.insert(record.id.clone(), index);
        for name in &record.names {
            self.by_name.insert(name.clone(), index);
        }
        let same = self.by_digest.entry(record.digest.clone()).or_default();
        same.push(index);
        self.images.push(record);
    }
}

impl LegacyJson {
    /// Writes samples `0..count` into `folder` and loads them.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn fill(folder: &Path, count: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let records: Vec<Record> = (0..count).map(|n| record(n, 3)).collect();
        write(folder, &records)?;
        drop(records);
        Self::open(folder)
    }

    /// Loads the directory, as every process that uses it does first.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = BufReader::new(File::open(folder.join("images.json"))?);
        let records: Vec<Record> = serde_json::from_reader(file)?;
        let mut state = State::default();
        for record in records {
            state.push(record);
        }
        Ok(Self {
            folder: folder.to_owned(),
            state: RefCell::new(state),
        })
    }

    fn save(&self) -> Result<()> {
        write(&self.folder, &self.state.borrow().images)
    }
}

fn record(number: u64, items: usize) -> Record {
    let digest = sample::digest(number);
    let config = sample::config_key(number);
    let keys = [
        format!("manifest-{digest}"),
        config.clone(),
        "manifest".into(),
    ];
    let keys: Vec<String> = keys.into_iter().take(items).collect();
    let is_config = |key: &String| *key == config;
    let sizes = keys
        .iter()
        .map(|key| (key.clone(), if is_config(key) { 4_096 } else { 1_024 }));
    let digests = keys.iter().map(|key| {
        (
            key.clone(),
            if is_config(key) { &config } else { &digest }.clone(),
        )
    });
    Record {
        id: sample::id(number),
        names: vec![sample::name(number)],
        names_history: vec![sample::name(number)],
        layer: sample::layer(number),
        metadata: "{}".to_owned(),
        big_data_sizes: sizes.collect(),
        big_data_digests: digests.collect(),
        big_data_names: keys,
        created: "2024-05-17T03:11:22.123456789Z".to_owned(),
        digest,
    }
}

fn write(folder: &Path, records: &[Record]) -> Result<()> {
    let new = folder.join(".tmp-images.json");
    let mut file = BufWriter::new(File::create(&new)?);
    serde_json::to_writer(&mut file, records)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    fs::rename(new, folder.join("images.json"))?;
    Ok(File::open(folder)?.sync_all()?)
}

impl Peer for LegacyJson {
    fn label(&self) -> &'static str {
        "one JSON file"
    }

    fn durability(&self) -> &'static str {
        "file rewritten, synced, renamed; items synced; every process loads all"
    }

    fn own(&self) -> &dyn Reads {
        self
    }

    fn held(&self) -> Result<Box<dyn Reads + '_>> {
        Ok(Box::new(self))
    }

    fn set_metadata(&self, id: &str, metadata: &str) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let index = *state.by_id.get(id).context("no such image")?;
        state.images[index].metadata = metadata.to_owned();
        drop(state);
        self.save()
    }

    fn create(&self, fresh: Fresh) -> Result<()> {
        self.bulk(vec![fresh])
    }

    fn bulk(&self, fresh: Vec<Fresh>) -> Result<()> {
        for fresh in fresh {
            let folder = self.folder.join(sample::id(fresh.number));
            fs::create_dir_all(&folder)?;
            for (index, item) in fresh.image.big_data.iter().enumerate() {
                let mut file = File::create(folder.join(index.to_string()))?;
                file.write_all(&item.data)?;
                file.sync_all()?;
            }
            self.state.borrow_mut().push(record(fresh.number, 2));
        }
        self.save()
    }
}

impl LegacyJson {
    fn read(&self, find: impl FnOnce(&State) -> Option<usize>) -> Result<usize> {
        let state = self.state.borrow();
        let index = find(&state).context("no such image")?;
        // The legacy store hands out copies.
        Ok(state.images[index].clone().metadata.len())
    }
}

impl Reads for LegacyJson {
    fn by_id(&self, id: &str) -> Result<usize> {
        self.read(|state| state.by_id.get(id).copied())
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        self.read(|state| state.by_name.get(name).copied())
    }

    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        self.read(|state| {
            let (id, index) = state.by_id.range(prefix.to_owned()..).next()?;
            id.starts_with(prefix).then_some(*index)
        })
    }

    fn by_digest(&self, digest: &str) -> Result<usize> {
        self.read(|state| state.by_digest.get(digest)?.first().copied())
    }

    fn item(&self, id: &str, key: &str) -> Result<usize> {
        let index = if key == "manifest" { "0" } else { "1" };
        Ok(fs::read(self.folder.join(id).join(index))?.len())
    }

    fn list(&self) -> Result<usize> {
        Ok(self.state.borrow().images.clone().len())
    }

    fn list_ids(&self) -> Result<usize> {
        let state = self.state.borrow();
        Ok(state.by_id.keys().cloned().collect::<Vec<_>>().len())
    }
}

impl<R: Reads + ?Sized> Reads for &R {
    fn by_id(&self, id: &str) -> Result<usize> {
        (**self).by_id(id)
    }
    fn by_name(&self, name: &str) -> Result<usize> {
        (**self).by_name(name)
    }
    fn by_prefix(&self, prefix: &str) -> Result<usize> {
        (**self).by_prefix(prefix)
    }
    fn by_digest(&self, digest: &str) -> Result<usize> {
        (**self).by_digest(digest)
    }
    fn item(&self, id: &str, key: &str) -> Result<usize> {
        (**self).item(id, key)
    }
    fn list(&self) -> Result<usize> {
        (**self).list()
    }
    fn list_ids(&self) -> Result<usize> {
        (**self).list_ids()
    }
}
