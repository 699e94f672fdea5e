//! The payloads of records and content rows, decoded here as `migrations/README.md` says, not with
//! the library's own code: what it writes must be what the specification says.

use std::collections::BTreeSet;

use image_store::{BigDataItem, ContentHash, Image, Timestamp, validate_digest};

/// A content row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRow {
    pub(crate) number: u64,
    pub(crate) references: u64,
    pub(crate) size: u64,
    pub(crate) encoding: u8,
}

pub(crate) fn decode_content_row(payload: &[u8]) -> ContentRow {
    let mut input = Input(payload);
    let row = ContentRow {
        number: input.unsigned(),
        references: input.unsigned(),
        size: input.unsigned(),
        encoding: input.byte(),
    };
    input.end();
    row
}

pub(crate) fn decode_record(payload: &[u8]) -> Image {
    let mut input = Input(payload);
    let mut image = Image::default();
    image.id = input.packed_text();
    image.digest = input.option(Input::packed_text);
    image.names = input.list(Input::text);
    let names = image.names.clone();
    image.names_history = input.list(|input| match input.byte() {
        0 => input.text(),
        1 => names[input.unsigned() as usize].clone(),
        tag => panic!("history tag {tag}"),
    });
    image.top_layer = input.option(Input::packed_text);
    image.mapped_top_layers = input.list(Input::packed_text);
    image.metadata = input.text();
    let items = input.list(Input::item);
    let listed: Vec<usize> = match input.byte() {
        0 => (0..input.unsigned() as usize).collect(),
        1 => input.list(|input| input.unsigned() as usize),
        tag => panic!("listing tag {tag}"),
    };
    image.big_data_names = listed.iter().map(|index| items[*index].0.clone()).collect();
    image.big_data = items.into_iter().collect();
    image.created = input.option(|input| {
        let (seconds, nanosecond) = (input.signed(), input.unsigned() as u32);
        let offset = i16::try_from(input.signed()).unwrap();
        Timestamp::from_parts(seconds, nanosecond, offset).unwrap()
    });
    image.flags = input
        .list(|input| (input.text(), serde_json::from_str(&input.text()).unwrap()))
        .into_iter()
        .collect();
    image.unknown_fields = input
        .list(|input| (input.text(), input.text()))
        .into_iter()
        .collect();
    input.end();
    image.digests = digests_of(&image);
    image
}

/// Its digest and those of its manifest items, in the order of their keys, each once.
fn digests_of(image: &Image) -> Vec<String> {
    let manifests = image
        .big_data
        .iter()
        .filter(|(key, _)| key.starts_with("manifest"))
        .filter_map(|(_, item)| item.digest.clone());
    let mut seen = BTreeSet::new();
    image
        .digest
        .clone()
        .into_iter()
        .chain(manifests)
        .filter(|digest| validate_digest(digest).is_ok() && seen.insert(digest.clone()))
        .collect()
}

/// bincode 2 in its standard configuration.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(length);
        self.0 = later;
        now
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn unsigned(&mut self) -> u64 {
        let mut wide = |length: usize| {
            let mut bytes = [0; 8];
            bytes[..length].copy_from_slice(self.take(length));
            u64::from_le_bytes(bytes)
        };
        match wide(1) {
            251 => wide(2),
            252 => wide(4),
            253 => wide(8),
            small => {
                assert!(small < 251, "no integer begins with {small}");
                small
            }
        }
    }

    fn signed(&mut self) -> i64 {
        let zigzag = self.unsigned();
        (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)
    }

    fn text(&mut self) -> String {
        let length = self.unsigned() as usize;
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    fn hash(&mut self) -> [u8; 32] {
        self.take(32).try_into().unwrap()
    }

    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.byte() {
            0 => None,
            1 => Some(value(self)),
            tag => panic!("option tag {tag}"),
        }
    }

    fn list<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.unsigned()).map(|_| value(self)).collect()
    }

    fn packed_text(&mut self) -> String {
        match self.byte() {
            0 => self.text(),
            1 => hex::encode(self.hash()),
            2 => format!("sha256:{}", hex::encode(self.hash())),
            tag => panic!("packed text tag {tag}"),
        }
    }

    fn item(&mut self) -> (String, BigDataItem) {
        let key_tag = self.byte();
        let key_text = match key_tag {
            0 => self.text(),
            2 | 4 => hex::encode(self.hash()),
            _ => String::new(),
        };
        let mut item = BigDataItem::default();
        item.size = self.option(Self::signed);
        let hash = self.option(Self::hash);
        let content = hex::encode(hash.unwrap_or_default());
        item.content = hash.map(ContentHash::from_bytes);
        item.digest = match self.byte() {
            0 => None,
            1 => Some(format!("sha256:{content}")),
            2 => Some(self.packed_text()),
            tag => panic!("item digest tag {tag}"),
        };
        let key = match key_tag {
            0 => key_text,
            1 => "manifest".to_owned(),
            2 => format!("manifest-sha256:{key_text}"),
            3 => format!("manifest-sha256:{content}"),
            4 => format!("sha256:{key_text}"),
            5 => format!("sha256:{content}"),
            tag => panic!("item key tag {tag}"),
        };
        (key, item)
    }

    fn end(&self) {
        assert!(self.0.is_empty(), "{} trailing bytes", self.0.len());
    }
}
