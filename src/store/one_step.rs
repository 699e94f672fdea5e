//! The mutations of a store: each one step, as a transaction of its own.

use std::io::Read;

use serde_json::Value;

use crate::error::Result;
use crate::model::{Image, NewImage};
use crate::store::{ImageStore, Transaction};
use crate::write::ManifestDigest;

impl ImageStore {
    /// Runs one step as a transaction of its own.
    fn one_step<R>(&self, step: impl FnOnce(&mut Transaction) -> Result<R>) -> Result<R> {
        let mut transaction = self.write()?;
        let result = step(&mut transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// [`Transaction::create`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::create`] and [`write`](Self::write).
    pub fn create(&self, image: NewImage) -> Result<Image> {
        self.one_step(|transaction| transaction.create(image))
    }

    /// [`Transaction::set_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_names`] and [`write`](Self::write).
    pub fn set_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.one_step(|transaction| transaction.set_names(reference, names))
    }

    /// [`Transaction::add_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_names`] and [`write`](Self::write).
    pub fn add_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.one_step(|transaction| transaction.add_names(reference, names))
    }

    /// [`Transaction::remove_names`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_names`] and [`write`](Self::write).
    pub fn remove_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.one_step(|transaction| transaction.remove_names(reference, names))
    }

    /// [`Transaction::delete`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::delete`] and [`write`](Self::write).
    pub fn delete(&self, reference: &str) -> Result<()> {
        self.one_step(|transaction| transaction.delete(reference))
    }

    /// [`Transaction::add_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_mapped_top_layer`] and [`write`](Self::write).
    pub fn add_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        self.one_step(|transaction| transaction.add_mapped_top_layer(reference, layer))
    }

    /// [`Transaction::remove_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_mapped_top_layer`] and [`write`](Self::write).
    pub fn remove_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        self.one_step(|transaction| transaction.remove_mapped_top_layer(reference, layer))
    }

    /// [`Transaction::set_metadata`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_metadata`] and [`write`](Self::write).
    pub fn set_metadata(&self, reference: &str, metadata: &str) -> Result<()> {
        self.one_step(|transaction| transaction.set_metadata(reference, metadata))
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
        self.one_step(|transaction| transaction.set_big_data(reference, key, data, digest))
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
        self.one_step(|transaction| transaction.set_big_data_from(reference, key, data, digest))
    }

    /// [`Transaction::remove_big_data`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_big_data`] and [`write`](Self::write).
    pub fn remove_big_data(&self, reference: &str, key: &str) -> Result<()> {
        self.one_step(|transaction| transaction.remove_big_data(reference, key))
    }

    /// [`Transaction::set_flag`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_flag`] and [`write`](Self::write).
    pub fn set_flag(&self, reference: &str, flag: &str, value: Value) -> Result<()> {
        self.one_step(|transaction| transaction.set_flag(reference, flag, value))
    }

    /// [`Transaction::clear_flag`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::clear_flag`] and [`write`](Self::write).
    pub fn clear_flag(&self, reference: &str, flag: &str) -> Result<()> {
        self.one_step(|transaction| transaction.clear_flag(reference, flag))
    }

    /// [`Transaction::collect_garbage`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::collect_garbage`] and [`write`](Self::write).
    pub fn collect_garbage(&self) -> Result<u64> {
        self.one_step(Transaction::collect_garbage)
    }

    /// [`Transaction::wipe`] as a transaction of its own.
    ///
    /// # Errors
    ///
    /// As [`Transaction::wipe`] and [`write`](Self::write).
    pub fn wipe(&self) -> Result<u64> {
        self.one_step(Transaction::wipe)
    }
}
