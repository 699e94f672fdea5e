//! Answers questions from whatever can be looked up in: the store, or an open transaction.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use image_store::legacy::ImageJson;
use image_store::{Error, Image, Lookup, NameEntry, Prefix};
use serde::Serialize;

use super::reply::{Answer, json, json_list};
use super::request::{Look, Page};

pub(super) fn look(images: &impl Lookup, question: &Look) -> Answer {
    match question {
        Look::Exists { id } => json(&images.exists(id)?),
        Look::Get { id } => image(&images.get(id)?),
        Look::Images => list(images.images()?),
        Look::ByDigest { digest } => list(images.by_digest(digest)?),
        Look::ByTopLayer { layer } => list(images.by_top_layer(layer)?),
        Look::ByIdPrefix(page) => {
            let ids = images.ids(prefix(page))?;
            json_list(cut(ids, page), serde_json::to_string)
        }
        Look::NamesWithPrefix(page) => {
            let names = images.names(prefix(page))?;
            json_list(cut(names, page), |entry| {
                serde_json::to_string(&Name::of(entry))
            })
        }
        Look::Metadata { id } => json(&images.metadata(id)?),
        Look::BigData { id, key } => {
            let bytes = images.big_data(id, key)?;
            json(&format_args!("{}", Base64Display::new(&bytes, &STANDARD)))
        }
        Look::BigDataSize { id, key } => json(&images.big_data_size(id, key)?),
        Look::BigDataDigest { id, key } => json(&images.big_data_digest(id, key)?),
        Look::BigDataNames { id } => json(&images.big_data_names(id)?),
    }
}

/// The JSON text of one image.
pub(super) fn image(image: &Image) -> Answer {
    json(&ImageJson::new(image).with_digests())
}

fn list(images: impl Iterator<Item = Result<Image, Error>>) -> Answer {
    json_list(images, |image| {
        serde_json::to_string(&ImageJson::new(image).with_digests())
    })
}

fn prefix(page: &Page) -> Prefix<'_> {
    let prefix = Prefix::new(&page.prefix);
    match &page.after {
        Some(after) => prefix.after(after),
        None => prefix,
    }
}

fn cut<T>(entries: impl Iterator<Item = T>, page: &Page) -> impl Iterator<Item = T> {
    let limit = page.limit.unwrap_or(u64::MAX);
    entries.take(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// A name and the ID of the image that has it, as the protocol writes them.
#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
    id: &'a str,
}

impl<'a> Name<'a> {
    fn of(entry: &'a NameEntry) -> Self {
        Self {
            name: &entry.name,
            id: &entry.id,
        }
    }
}
