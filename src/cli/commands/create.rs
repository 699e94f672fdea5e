//! `create`: a new image with its items.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use image_store::{ManifestDigest, NewImage, Timestamp};
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_arg::{flag_value, pair};
use crate::cli::input;
use crate::cli::output;

/// Create an image with all its items, or not at all, and print its ID
///
/// A store that is not there yet is created. Items are set in the order they are given; the digest
/// of one whose key begins with "manifest" becomes a digest of the image. While the items are read
/// nobody else writes to the store.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The ID [default: a random one]
    #[arg(long)]
    id: Option<String>,

    /// A name; may be given several times
    #[arg(long, short, value_name = "NAME")]
    name: Vec<String>,

    /// The ID of the top layer
    #[arg(long, value_name = "ID")]
    layer: Option<String>,

    /// The ID of a layer that is the top layer under another ID mapping; several times
    #[arg(long, value_name = "ID")]
    mapped_layer: Vec<String>,

    /// The metadata
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    metadata: String,

    /// The digest [default: that of the first manifest]
    #[arg(long)]
    digest: Option<String>,

    /// When it was created, as in 2024-03-01T12:30:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    created: Option<Timestamp>,

    /// A flag, true or the value that is given: JSON, or else a text; several times
    #[arg(long, value_name = "FLAG[=VALUE]", value_parser = flag)]
    flag: Vec<(String, Value)>,

    /// A big data item from a file, "-" for standard input; several times
    #[arg(long, short, value_name = "KEY=FILE", value_parser = items())]
    data: Vec<(String, PathBuf)>,
}

fn flag(text: &str) -> Result<(String, Value), String> {
    let (flag, value) = pair(text);
    Ok((flag.to_owned(), value.map_or(Ok(true.into()), flag_value)?))
}

/// A file may have any name, also one that is no text.
fn items() -> impl TypedValueParser<Value = (String, PathBuf)> {
    OsStringValueParser::new().try_map(|text| item(&text))
}

fn item(text: &OsStr) -> Result<(String, PathBuf), &'static str> {
    let mut parts = text.as_bytes().splitn(2, |byte| *byte == b'=');
    let key = parts.next().and_then(|key| str::from_utf8(key).ok());
    match (key, parts.next()) {
        (Some(key), Some(file)) if !key.is_empty() && !file.is_empty() => {
            Ok((key.to_owned(), PathBuf::from(OsStr::from_bytes(file))))
        }
        _ => Err("give a key, an equals sign, and a file or -"),
    }
}

impl Create {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let pipes = self.data.iter().filter(|(_, file)| input::is_stdin(file));
        if pipes.count() > 1 {
            return Err(Failure::usage(
                "only one item can come from standard input; give the others as files, with --data \
                 KEY=FILE",
            ));
        }
        // Before anything is written, so that a misspelt file costs nothing.
        let inputs = self.data.iter().map(|(_, file)| input::open(file));
        let mut inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let mut transaction = context.open()?.write()?;
        let id = transaction.create(self.image())?.id;
        for ((key, _), data) in self.data.iter().zip(&mut inputs) {
            transaction.set_big_data_from(&id, key, data, ManifestDigest::Sha256)?;
        }
        for layer in &self.mapped_layer {
            transaction.add_mapped_top_layer(&id, layer)?;
        }
        transaction.commit()?;
        output::line(&id)?;
        Ok(Exit::Done)
    }

    fn image(&self) -> NewImage {
        let mut image = NewImage::new().metadata(&self.metadata);
        image.id.clone_from(&self.id);
        image.names.clone_from(&self.name);
        image.top_layer.clone_from(&self.layer);
        image.digest.clone_from(&self.digest);
        image.created = self.created;
        for (flag, value) in &self.flag {
            image = image.flag(flag, value.clone());
        }
        image
    }
}
