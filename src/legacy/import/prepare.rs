//! What a worker does with a batch of records: it parses them, and reads, hashes and compresses
//! their items.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};

use super::batches::{Batch, Next};
use super::checked::Checked;
use super::folders::Folders;
use super::items::{Item, ItemFolder, keys};
use crate::content::{Encoded, Hashing};
use crate::error::{Error, Result};
use crate::legacy::Finding;
use crate::legacy::item_path::is_file_name;
use crate::legacy::json::{Lost, Position, Record, read_record};
use crate::legacy::source::Source;
use crate::model::{BigDataItem, ContentHash, Image, limits};

/// An item up to this size is kept in memory until it is written; a larger one is read once more.
const WHOLE: usize = 256 << 10;

/// So many bytes of items a batch keeps in memory.
const BATCH_BYTES: usize = 4 << 20;

/// An image that is ready to be written.
#[derive(Debug)]
pub(super) struct PreparedImage<I = Image> {
    /// Where its record begins; `None` where it has none.
    pub(super) offset: Option<u64>,
    /// The image, with the hashes of the items whose bytes are there.
    pub(super) image: I,
    pub(super) items: Vec<PreparedItem>,
    pub(super) findings: Vec<Finding>,
}

impl<I> PreparedImage<I> {
    /// Whether something of it is damaged.
    pub(super) fn is_damaged(&self) -> bool {
        self.findings.iter().any(Finding::is_damage)
    }
}

impl PreparedImage {
    /// The same with the image in another form.
    pub(super) fn map<I>(self, form: impl FnOnce(Image) -> I) -> PreparedImage<I> {
        PreparedImage {
            offset: self.offset,
            image: form(self.image),
            items: self.items,
            findings: self.findings,
        }
    }
}

/// An item whose bytes were read.
#[derive(Debug)]
pub(super) struct PreparedItem {
    pub(super) key: String,
    pub(super) hash: ContentHash,
    pub(super) size: u64,
    /// The bytes, unless they are large or those of an item before.
    pub(super) encoded: Option<Encoded>,
}

/// What came out of a batch, in its order.
#[derive(Debug)]
pub(super) struct Prepared<I = Image> {
    pub(super) steps: Vec<Step<I>>,
    /// Why there is nothing after these.
    pub(super) failed: Option<Error>,
    /// How many bytes of the source were read when it was made.
    pub(super) read: u64,
}

/// One thing that came out of a batch.
#[derive(Debug)]
pub(super) enum Step<I = Image> {
    Image(Box<PreparedImage<I>>),
    Lost(Finding),
}

/// Prepares batches.
pub(super) struct Preparer<'a> {
    pub(super) source: &'a Source,
    pub(super) folders: &'a Folders,
}

impl Preparer<'_> {
    /// Prepares a batch, and gives the images the form that whoever takes them needs.
    pub(super) fn batch<I>(
        &self,
        batch: Batch,
        workshop: &mut Workshop,
        form: impl Fn(Image) -> I,
    ) -> Prepared<I> {
        workshop.begin();
        let (mut steps, mut failed) = (Vec::new(), None);
        let read = batch.read;
        batch.into_each(|next| {
            // What follows an error does not count.
            if failed.is_some() {
                return;
            }
            let unreadable = |error| self.source.records_error(error);
            let step = match next {
                Next::Record(element) => read_record(element)
                    .map_err(unreadable)
                    .and_then(|record| self.image(element.position, record, workshop))
                    .map(|image| Step::Image(Box::new(image.map(&form)))),
                Next::Lost(lost) => Ok(Step::Lost(finding_of(lost))),
                Next::Failed(error) => Err(unreadable(error)),
            };
            match step {
                Ok(step) => steps.push(step),
                Err(error) => failed = Some(error),
            }
        });
        Prepared {
            steps,
            failed,
            read,
        }
    }

    fn image(
        &self,
        position: Position,
        record: Record,
        workshop: &mut Workshop,
    ) -> Result<PreparedImage> {
        let Record {
            image, oddities, ..
        } = record;
        let mut findings: Vec<_> = oddities
            .into_iter()
            .map(|oddity| Finding::of_oddity(&image.id, oddity))
            .collect();
        if !is_file_name(&image.id) {
            let id = image.id.clone();
            findings.push(Finding::UnusualId { id });
        }
        let id = image.id.clone();
        let folder = ItemFolder::open(self.source, self.folders, &id)?;
        let mut prepared = PreparedImage {
            offset: Some(position.offset),
            image,
            items: Vec::new(),
            findings,
        };
        workshop.take_items(&folder, &mut prepared)?;
        let unlisted = folder.unlisted(&prepared.image);
        prepared.findings.extend(unlisted);
        prepared.image.recompute_digests();
        Ok(prepared)
    }
}

/// What a worker keeps from item to item, and from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Workshop {
    buffer: Vec<u8>,
    /// How much of the buffer is the item.
    filled: usize,
    /// What was encoded for this batch.
    encoded: HashSet<ContentHash>,
    kept: usize,
}

impl Workshop {
    fn begin(&mut self) {
        self.encoded.clear();
        self.kept = 0;
    }

    /// The item that was read, where it is not large.
    fn item(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Reads the items of an image.
    pub(super) fn take_items(
        &mut self,
        folder: &ItemFolder<'_>,
        prepared: &mut PreparedImage,
    ) -> Result<()> {
        let id = prepared.image.id.clone();
        let keys: Vec<_> = keys(&prepared.image).map(str::to_owned).collect();
        for key in keys {
            // As the store will have it: what is listed is there, if only without bytes.
            if !prepared.image.big_data.contains_key(&key) {
                let item = BigDataItem::default();
                prepared.image.big_data.insert(key.clone(), item);
            }
            let file = match folder.item(&id, &key)? {
                Item::Bytes(file) => file,
                Item::Without(finding) => {
                    prepared.findings.push(finding);
                    continue;
                }
            };
            let Some(recorded) = prepared.image.big_data.get_mut(&key) else {
                continue;
            };
            let mut input = Checked::new(file, recorded.digest.as_deref());
            let (hash, size) = self
                .read(&mut input)
                .map_err(|error| folder.refused(&key, error))?;
            if size > limits::MAX_BIG_DATA_SIZE {
                return Err(Error::TooLarge {
                    what: format!("the big data item {key:?}, in bytes,"),
                    size,
                    limit: limits::MAX_BIG_DATA_SIZE,
                });
            }
            recorded.content = Some(hash);
            let found = input.findings(&id, &key, recorded, &hash, size);
            prepared.findings.extend(found);
            let encoded = self.encode(&hash, size)?;
            prepared.items.push(PreparedItem {
                key,
                hash,
                size,
                encoded,
            });
        }
        Ok(())
    }

    /// Reads an item; it is in the buffer afterwards where it is not large.
    fn read(&mut self, input: &mut Checked<File>) -> io::Result<(ContentHash, u64)> {
        self.buffer.resize(WHOLE, 0);
        self.filled = 0;
        while let Some(room @ [_, ..]) = self.buffer.get_mut(self.filled..) {
            match input.read(room) {
                Ok(0) => return Ok((ContentHash::of(self.item()), self.filled as u64)),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let rest = input.take(limits::MAX_BIG_DATA_SIZE);
        let mut hashing = Hashing::new(self.item().chain(rest));
        io::copy(&mut hashing, &mut io::sink())?;
        Ok(hashing.finish())
    }

    /// The bytes in the buffer, ready to be stored, unless that is of no use.
    fn encode(&mut self, hash: &ContentHash, size: u64) -> Result<Option<Encoded>> {
        if size >= WHOLE as u64 || self.kept >= BATCH_BYTES || !self.encoded.insert(*hash) {
            return Ok(None);
        }
        let encoded = Encoded::new(self.item());
        let encoded = encoded.map_err(|failure| failure.at(std::path::Path::new("a new store")))?;
        self.kept += encoded.len();
        Ok(Some(encoded))
    }
}

fn finding_of(lost: Lost) -> Finding {
    Finding::RecordsLost {
        offset: lost.begin.offset,
        line: lost.begin.line,
        length: lost.length,
        what: lost.error.to_string(),
    }
}
