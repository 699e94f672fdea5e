//! What an import did.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::legacy::Finding;

/// What an import did, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Images in the store.
    pub images: u64,
    /// Names of these images.
    pub names: u64,
    /// Items of these images whose bytes are in the store.
    pub items: u64,
    /// Bytes of `images.json` that were read.
    pub record_bytes: u64,
    /// Bytes of item files that were read.
    pub item_bytes: u64,
    /// Bytes that the store took for items; less where they were compressed.
    pub stored_bytes: u64,
    /// Bytes of items that needed none, since another item has the same bytes.
    pub shared_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// What was found, in the order it was found: the first of them, up to
    /// [`ImportOptions::listed_findings`](crate::legacy::ImportOptions::listed_findings).
    pub findings: Vec<Finding>,
    /// How often each kind of finding was found, listed or not.
    pub finding_counts: BTreeMap<&'static str, u64>,
}

impl ImportSummary {
    /// How many findings there were, listed or not.
    #[must_use]
    pub fn finding_count(&self) -> u64 {
        self.finding_counts.values().sum()
    }

    /// Bytes that were read, of records and items.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.record_bytes + self.item_bytes
    }
}
