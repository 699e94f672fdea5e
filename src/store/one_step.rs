//! The mutations of a store: each one step, as a transaction of its own.
//!
//! Those that run none of the caller's code may share a commit with those of other threads
//! ([`grouped`](ImageStore::grouped)), for which they own what they need.

use std::io::Read;

use serde_json::Value;

use crate::error::Result;
use crate::model::{Image, NewImage};
use crate::store::{ImageStore, Transaction};
use crate::write::ManifestDigest;

/// Item bytes up to this length are copied to share a commit; longer ones take their time alone.
const MOST_COPIED: usize = 1 << 20;

/// A [`ManifestDigest`] without the caller's code.
enum OwnedDigest {
    Sha256,
    Given(String),
    Missing,
}

fn owned(names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}

impl ImageStore {
    /// [`Transaction::create`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::create`] and [`write`](Self::write).
    pub fn create(&self, image: NewImage) -> Result<Image> {
        self.grouped(move |transaction| transaction.create_from(&image))
    }

    /// [`Transaction::set_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_names`] and [`write`](Self::write).
    pub fn set_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.set_names(&reference, &names))
    }

    /// [`Transaction::add_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_names`] and [`write`](Self::write).
    pub fn add_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.add_names(&reference, &names))
    }

    /// [`Transaction::remove_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_names`] and [`write`](Self::write).
    pub fn remove_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.remove_names(&reference, &names))
    }

    /// [`Transaction::delete`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::delete`] and [`write`](Self::write).
    pub fn delete(&self, reference: &str) -> Result<()> {
        let reference = reference.to_owned();
        self.grouped(move |transaction| transaction.delete(&reference))
    }

    /// [`Transaction::add_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_mapped_top_layer`] and [`write`](Self::write).
    pub fn add_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        let (reference, layer) = (reference.to_owned(), layer.to_owned());
        self.grouped(move |transaction| transaction.add_mapped_top_layer(&reference, &layer))
    }

    /// [`Transaction::remove_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_mapped_top_layer`] and [`write`](Self::write).
    pub fn remove_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        let (reference, layer) = (reference.to_owned(), layer.to_owned());
        self.grouped(move |transaction| transaction.remove_mapped_top_layer(&reference, &layer))
    }

    /// [`Transaction::set_metadata`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_metadata`] and [`write`](Self::write).
    pub fn set_metadata(&self, reference: &str, metadata: &str) -> Result<()> {
        let (reference, metadata) = (reference.to_owned(), metadata.to_owned());
        self.grouped(move |transaction| transaction.set_metadata(&reference, &metadata))
    }

    /// [`Transaction::set_big_data`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_big_data`] and [`write`](Self::write).
    pub fn set_big_data(
        &self,
        reference: &str,
        key: &str,
        data: &[u8],
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        let owned_digest = match digest {
            ManifestDigest::Sha256 => OwnedDigest::Sha256,
            ManifestDigest::Given(digest) => OwnedDigest::Given(digest.to_owned()),
            ManifestDigest::Missing => OwnedDigest::Missing,
            // It runs on this thread, which may ask of it what only the gate can refuse.
            ManifestDigest::Function(_) => {
                return self
                    .alone(|transaction| transaction.set_big_data(reference, key, data, digest));
            }
        };
        if data.len() > MOST_COPIED {
            return self
                .alone(|transaction| transaction.set_big_data(reference, key, data, digest));
        }
        let (reference, key, data) = (reference.to_owned(), key.to_owned(), data.to_owned());
        self.grouped(move |transaction| {
            let digest = match &owned_digest {
                OwnedDigest::Sha256 => ManifestDigest::Sha256,
                OwnedDigest::Given(digest) => ManifestDigest::Given(digest),
                OwnedDigest::Missing => ManifestDigest::Missing,
            };
            transaction.set_big_data(&reference, &key, &data, digest)
        })
    }

    /// [`Transaction::set_big_data_from`] as a transaction of its own. No other thread or process
    /// writes to the store until `data` has ended.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_big_data_from`] and [`write`](Self::write).
    pub fn set_big_data_from(
        &self,
        reference: &str,
        key: &str,
        data: &mut dyn Read,
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        self.alone(|transaction| transaction.set_big_data_from(reference, key, data, digest))
    }

    /// [`Transaction::set_flag`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_flag`] and [`write`](Self::write).
    pub fn set_flag(&self, reference: &str, flag: &str, value: Value) -> Result<()> {
        let (reference, flag) = (reference.to_owned(), flag.to_owned());
        self.grouped(move |transaction| transaction.set_flag(&reference, &flag, value.clone()))
    }

    /// [`Transaction::clear_flag`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::clear_flag`] and [`write`](Self::write).
    pub fn clear_flag(&self, reference: &str, flag: &str) -> Result<()> {
        let (reference, flag) = (reference.to_owned(), flag.to_owned());
        self.grouped(move |transaction| transaction.clear_flag(&reference, &flag))
    }

    /// [`Transaction::collect_garbage`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::collect_garbage`] and [`write`](Self::write).
    pub fn collect_garbage(&self) -> Result<u64> {
        self.alone(Transaction::collect_garbage)
    }

    /// [`Transaction::wipe`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::wipe`] and [`write`](Self::write).
    pub fn wipe(&self) -> Result<u64> {
        self.alone(Transaction::wipe)
    }
}
