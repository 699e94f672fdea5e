//! Whether an item is what its record says.

use std::io::{self, Read};

use sha2::{Digest as _, Sha384, Sha512};

use crate::legacy::Finding;
use crate::model::{BigDataItem, ContentHash, is_manifest_key, is_valid_digest};

/// A reader that also computes what a recorded digest must be compared with. The SHA-256 of every
/// item is needed anyway; only other algorithms cost anything here.
pub(super) struct Checked<R> {
    input: R,
    hasher: Option<Hasher>,
}

enum Hasher {
    Sha384(Box<Sha384>),
    Sha512(Box<Sha512>),
}

impl<R: Read> Checked<R> {
    pub(super) fn new(input: R, recorded: Option<&str>) -> Self {
        let algorithm = recorded.and_then(|digest| digest.split_once(':'));
        let hasher = match algorithm {
            Some(("sha384", _)) => Some(Hasher::Sha384(Box::default())),
            Some(("sha512", _)) => Some(Hasher::Sha512(Box::default())),
            _ => None,
        };
        Self { input, hasher }
    }

    /// The digest of what was read, of the recorded algorithm.
    fn digest(self, hash: &ContentHash) -> String {
        match self.hasher {
            None => hash.to_digest(),
            Some(Hasher::Sha384(hasher)) => format!("sha384:{}", hex::encode(hasher.finalize())),
            Some(Hasher::Sha512(hasher)) => format!("sha512:{}", hex::encode(hasher.finalize())),
        }
    }

    /// Compares what was read with what is recorded.
    pub(super) fn findings(
        self,
        id: &str,
        key: &str,
        recorded: &BigDataItem,
        hash: &ContentHash,
        size: u64,
    ) -> impl Iterator<Item = Finding> + use<R> {
        let wrong_size = recorded
            .size
            .filter(|recorded| u64::try_from(*recorded) != Ok(size))
            .map(|recorded| Finding::ItemSize {
                id: id.to_owned(),
                key: key.to_owned(),
                recorded,
                actual: size,
            });
        let digest = recorded
            .digest
            .as_ref()
            // The digest of a signed manifest is that of its payload.
            .filter(|recorded| !is_manifest_key(key) && is_valid_digest(recorded))
            .map(|recorded| (recorded, self.digest(hash)))
            .filter(|(recorded, actual)| *recorded != actual)
            .map(|(recorded, actual)| Finding::ItemDigest {
                id: id.to_owned(),
                key: key.to_owned(),
                recorded: recorded.clone(),
                actual,
            });
        wrong_size.into_iter().chain(digest)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        match &mut self.hasher {
            None => {}
            Some(Hasher::Sha384(hasher)) => hasher.update(bytes),
            Some(Hasher::Sha512(hasher)) => hasher.update(bytes),
        }
        Ok(read)
    }
}
