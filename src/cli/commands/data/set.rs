//! `data set`: the bytes of an item.

use std::path::PathBuf;

use clap::Args;
use image_store::ManifestDigest;

use super::ItemArg;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::input;

/// Set an item to the bytes of a file, or of standard input
///
/// Items of any size take little memory. Nobody else writes to the store until the input has ended.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    item: ItemArg,

    /// Where the bytes come from; "-" for standard input
    file: PathBuf,

    /// The digest to record for a manifest, an item whose key begins with "manifest" [default: its
    /// SHA-256]
    #[arg(long)]
    digest: Option<String>,
}

impl Set {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let ItemArg { image, key } = &self.item;
        if self.digest.is_some() && !key.starts_with("manifest") {
            return Err(Failure::usage(
                "--digest is for items whose key begins with \"manifest\"; the digest of any other \
                 is its SHA-256",
            ));
        }
        context.refuse_read_only()?;
        let mut data = input::open(&self.file)?;
        let digest = match &self.digest {
            Some(digest) => ManifestDigest::Given(digest),
            None => ManifestDigest::Sha256,
        };
        context.change(|transaction| {
            Ok(transaction.set_big_data_from(&image.image, key, &mut data, digest)?)
        })?;
        Ok(Exit::Done)
    }
}
