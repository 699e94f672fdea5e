//! The rules of the legacy image store, on plain lists: what a store must answer.

use std::collections::BTreeMap;

use image_store::{BigDataItem, ContentHash, ErrorKind, Image, validate_digest};

use crate::model::operation::{Manifest, Names, Op, Supply, function_digest};
use crate::model::pools::{DATA, DIGESTS, INVALID_DIGEST, flag_value};

/// The images in the order they were created, as they must be read, and their bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Legacy {
    pub(crate) images: Vec<Image>,
    pub(crate) bytes: BTreeMap<ContentHash, Vec<u8>>,
}

impl Legacy {
    /// Does what `op` says, or nothing where it must fail. Creating gives the image, of which the
    /// store chooses the time, and the ID where none is given.
    pub(crate) fn apply(&mut self, op: &Op, made: Option<&Image>) -> Result<(), ErrorKind> {
        match op {
            Op::Create { .. } => self.create(op, made),
            Op::Names(kind, reference, names) => self.names(*kind, reference, names),
            Op::Delete(reference) => {
                let index = self.find(reference)?;
                self.images.remove(index);
                Ok(())
            }
            Op::AddLayer(reference, layer) => {
                let image = self.image(reference)?;
                image.mapped_top_layers.push(layer.clone());
                Ok(())
            }
            Op::RemoveLayer(reference, layer) => {
                let image = self.image(reference)?;
                let differs = |mapped: &String| !mapped.eq_ignore_ascii_case(layer);
                image.mapped_top_layers.retain(differs);
                Ok(())
            }
            Op::SetMetadata(reference, metadata) => {
                self.image(reference)?.metadata.clone_from(metadata);
                Ok(())
            }
            Op::SetItem { .. } => self.set_item(op),
            Op::RemoveItem(reference, key) => {
                let image = self.image(reference)?;
                if key.is_empty() {
                    return Err(ErrorKind::InvalidBigDataName);
                }
                image
                    .big_data
                    .remove(key)
                    .ok_or(ErrorKind::BigDataUnknown)?;
                image.big_data_names.retain(|name| name != key);
                recompute_digests(image)
            }
            Op::SetFlag(reference, flag, value) => {
                let image = self.image(reference)?;
                image.flags.insert(flag.clone(), flag_value(*value));
                Ok(())
            }
            Op::ClearFlag(reference, flag) => {
                self.image(reference)?.flags.remove(flag);
                Ok(())
            }
            Op::CollectGarbage => Ok(()),
            Op::Wipe => {
                self.images.clear();
                Ok(())
            }
        }
    }

    /// Exact ID, then name, then the beginning of one ID that has no space in it.
    pub(crate) fn find(&self, reference: &str) -> Result<usize, ErrorKind> {
        let position = |is: &dyn Fn(&Image) -> bool| self.images.iter().position(is);
        if let Some(index) = position(&|image| image.id == reference) {
            return Ok(index);
        }
        if let Some(index) = position(&|image| image.names.iter().any(|name| name == reference)) {
            return Ok(index);
        }
        match self.candidates(reference).as_slice() {
            [only] => Ok(position(&|image| image.id == *only).unwrap()),
            _ => Err(ErrorKind::ImageUnknown),
        }
    }

    /// The IDs that a reference is the beginning of, in the order of their text.
    pub(crate) fn candidates(&self, reference: &str) -> Vec<String> {
        if reference.is_empty() {
            return Vec::new();
        }
        let ids = self.images.iter().map(|image| image.id.clone());
        let mut ids: Vec<String> = ids
            .filter(|id| id.starts_with(reference) && !id.contains(' '))
            .collect();
        ids.sort();
        ids
    }

    fn image(&mut self, reference: &str) -> Result<&mut Image, ErrorKind> {
        let index = self.find(reference)?;
        Ok(&mut self.images[index])
    }

    fn create(&mut self, op: &Op, made: Option<&Image>) -> Result<(), ErrorKind> {
        let Op::Create {
            id,
            names,
            history,
            layer,
            metadata,
            digest,
            flags,
            items,
        } = op
        else {
            unreachable!()
        };
        if self.images.iter().any(|image| image.id == *id) {
            return Err(ErrorKind::DuplicateId);
        }
        let names = dedupe(names);
        for name in &names {
            if self.images.iter().any(|image| image.names.contains(name)) {
                return Err(ErrorKind::DuplicateName);
            }
        }
        let mut image = Image::default();
        image.id.clone_from(id);
        image.digest = digest.clone().filter(|digest| !digest.is_empty());
        recompute_digests(&mut image)?;
        image.names = names;
        image.names_history.clone_from(history);
        image.top_layer = layer.clone().filter(|layer| !layer.is_empty());
        image.metadata.clone_from(metadata);
        image.flags = flags
            .iter()
            .map(|(flag, value)| (flag.clone(), flag_value(*value)))
            .collect();
        for (key, data, digest) in items {
            let digest = digest.clone().filter(|digest| !digest.is_empty());
            put_item(&mut image, key, *data, digest)?;
        }
        for (_, data, _) in items {
            let bytes = DATA[*data].clone();
            self.bytes.insert(ContentHash::of(&bytes), bytes);
        }
        if let Some(made) = made {
            if id.is_empty() {
                assert_random(&made.id);
                assert!(self.images.iter().all(|image| image.id != made.id));
                image.id.clone_from(&made.id);
            }
            image.created = made.created;
        }
        self.images.push(image);
        Ok(())
    }

    fn names(&mut self, kind: Names, reference: &str, given: &[String]) -> Result<(), ErrorKind> {
        let index = self.find(reference)?;
        let held = self.images[index].names.clone();
        let names = match kind {
            Names::Set => dedupe(given),
            Names::Add => dedupe(&[given, &held].concat()),
            Names::Remove => held
                .into_iter()
                .filter(|name| !given.contains(name))
                .collect(),
        };
        for image in &mut self.images {
            image.names.retain(|name| !names.contains(name));
        }
        let image = &mut self.images[index];
        for name in &names {
            image.names_history.insert(0, name.clone());
            image.names_history = dedupe(&image.names_history);
        }
        image.names = names;
        Ok(())
    }

    fn set_item(&mut self, op: &Op) -> Result<(), ErrorKind> {
        let Op::SetItem {
            reference,
            key,
            data,
            manifest,
            supply,
        } = op
        else {
            unreachable!()
        };
        let index = self.find(reference)?;
        if key.is_empty() {
            return Err(ErrorKind::InvalidBigDataName);
        }
        let broken = *supply == Supply::FailingStream;
        let digest = if key.starts_with("manifest") {
            match manifest {
                Manifest::Sha256 => None,
                Manifest::Given(digest) => Some(DIGESTS[*digest].clone()),
                Manifest::Invalid => Some(INVALID_DIGEST.to_owned()),
                // A function sees the bytes whole, so the stream fails first.
                Manifest::Function | Manifest::Fails if broken => return Err(ErrorKind::Io),
                Manifest::Function => Some(function_digest(&DATA[*data])),
                Manifest::Fails | Manifest::Missing => return Err(ErrorKind::DigestUnknown),
            }
        } else {
            None
        };
        let mut image = self.images[index].clone();
        put_item(&mut image, key, *data, digest)?;
        if broken {
            return Err(ErrorKind::Io);
        }
        self.images[index] = image;
        let bytes = DATA[*data].clone();
        self.bytes.insert(ContentHash::of(&bytes), bytes);
        Ok(())
    }
}

fn put_item(
    image: &mut Image,
    key: &str,
    data: usize,
    digest: Option<String>,
) -> Result<(), ErrorKind> {
    if key.is_empty() {
        return Err(ErrorKind::InvalidBigDataName);
    }
    let hash = ContentHash::of(&DATA[data]);
    let mut item = BigDataItem::default();
    item.size = Some(DATA[data].len() as i64);
    item.digest = Some(digest.unwrap_or_else(|| hash.to_digest()));
    item.content = Some(hash);
    image.big_data.insert(key.to_owned(), item);
    if !image.big_data_names.iter().any(|name| name == key) {
        image.big_data_names.push(key.to_owned());
    }
    recompute_digests(image)
}

fn recompute_digests(image: &mut Image) -> Result<(), ErrorKind> {
    let mut digests: Vec<String> = image.digest.iter().cloned().collect();
    for (key, item) in &image.big_data {
        if key.starts_with("manifest") {
            digests.extend(item.digest.clone());
        }
    }
    let digests = dedupe(&digests);
    for digest in &digests {
        validate_digest(digest).map_err(|error| error.kind())?;
    }
    if image.digest.is_none() {
        image.digest = digests.first().cloned();
    }
    image.digests = digests;
    Ok(())
}

fn dedupe(values: &[String]) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for value in values {
        if !unique.contains(value) {
            unique.push(value.clone());
        }
    }
    unique
}

fn assert_random(id: &str) {
    assert_eq!(id.len(), 64);
    assert!(id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    assert!(id[..12].bytes().any(|b| b.is_ascii_lowercase()));
}
