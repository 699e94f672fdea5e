//! What lies in the images directory, so that what belongs to no image is noticed.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::legacy::Finding;
use crate::legacy::directory::FileKind;
use crate::legacy::source::{Source, is_leftover};

/// What lies in the images directory, and whether it is the folder of an image.
///
/// It is taken before the records are read: a list of records without folders then costs no look
/// at the disk for each image.
#[derive(Debug, Default)]
pub(super) struct Folders {
    seen: HashMap<OsString, Seen>,
}

#[derive(Debug)]
struct Seen {
    kind: FileKind,
    has_image: AtomicBool,
}

impl Folders {
    /// Looks into the directory.
    pub(super) fn list(source: &Source) -> Result<Self> {
        let mut seen = HashMap::new();
        for entry in source.entries()? {
            let entry = entry?;
            let kind = entry.kind;
            let has_image = AtomicBool::new(false);
            seen.insert(entry.name, Seen { kind, has_image });
        }
        Ok(Self { seen })
    }

    /// How many folders there are.
    pub(super) fn count(&self) -> u64 {
        let folders = self
            .seen
            .values()
            .filter(|seen| seen.kind == FileKind::Folder);
        u64::try_from(folders.count()).unwrap_or(u64::MAX)
    }

    /// Notes that the folder of an image lies at or below `name`; whether there is anything.
    pub(super) fn note(&self, name: &str) -> bool {
        match self.seen.get(OsStr::new(name)) {
            Some(seen) => {
                seen.has_image.store(true, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    /// What belongs to no image, in the order of the names.
    pub(super) fn without_image(self) -> Vec<(OsString, FileKind)> {
        let without = self
            .seen
            .into_iter()
            .filter(|(_, seen)| !seen.has_image.load(Ordering::Relaxed));
        let mut without: Vec<_> = without.map(|(name, seen)| (name, seen.kind)).collect();
        without.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        without
    }
}

/// The finding of something that belongs to no image.
pub(super) fn finding_of(name: OsString, kind: FileKind) -> Finding {
    match kind {
        FileKind::Folder => Finding::OrphanFolder { name: name.into() },
        FileKind::File if is_leftover(&name) => Finding::Leftover { name: name.into() },
        kind => Finding::UnlistedFile {
            path: name.into(),
            kind,
        },
    }
}
