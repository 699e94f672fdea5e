//! `delete`: images that are to go.

use std::io::{self, BufWriter, Write as _};

use clap::{ArgGroup, Args};
use image_store::{Error, Image, Lookup, Snapshot};

use crate::cli::confirm;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;

/// Delete images, all of them or none, and print their IDs
///
/// Bytes of items that no other image has go with them. At a terminal it asks before it deletes
/// more than one image. Where one of the images is unknown, nothing is deleted.
#[derive(Debug, Args)]
#[command(
    visible_alias = "rm",
    group(ArgGroup::new("which").required(true).args(["images", "all_untagged"])),
    // Made by the parser, it would not say that there may be several.
    override_usage = "image-store delete [OPTIONS] <IMAGE...|--all-untagged>"
)]
pub(crate) struct Delete {
    /// IDs, names, or unambiguous prefixes of IDs
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,

    /// Delete every image that has no name
    #[arg(long)]
    all_untagged: bool,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// How many of the images are shown before it is asked.
const SHOWN: usize = 10;

impl Delete {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let store = context.open_existing()?;
        // No snapshot is kept while a person thinks.
        let images = self.chosen(&store.read()?)?;
        if images.len() > 1 && !self.yes && confirm::can_ask() && !ask(&images)? {
            return Ok(Exit::No);
        }
        let mut deleted = Vec::new();
        let mut transaction = store.write()?;
        for Chosen { id, .. } in &images {
            // The same image as before: what was its ID may be the beginning of another's by now.
            let image = transaction.get(id).and_then(|image| exactly(image, id));
            match image {
                // It got a name while it was asked.
                Ok(image) if self.all_untagged && !image.names.is_empty() => continue,
                Err(Error::ImageUnknown { .. }) if self.all_untagged => continue,
                image => drop(image?),
            }
            transaction.delete(id)?;
            deleted.push(id);
        }
        transaction.commit()?;
        let mut out = BufWriter::new(io::stdout().lock());
        for id in deleted {
            writeln!(out, "{}", human::printable(id))?;
        }
        out.flush()?;
        Ok(Exit::Done)
    }

    fn chosen(&self, snapshot: &Snapshot) -> Result<Vec<Chosen>, Failure> {
        let mut chosen: Vec<Chosen> = Vec::new();
        if self.all_untagged {
            for image in snapshot.images()? {
                let image = image?;
                if image.names.is_empty() {
                    chosen.push(image.into());
                }
            }
        }
        for reference in &self.images {
            let image = snapshot.get(reference)?;
            if chosen.iter().all(|other| other.id != image.id) {
                chosen.push(image.into());
            }
        }
        Ok(chosen)
    }
}

/// An image that is to go.
struct Chosen {
    id: String,
    names: Vec<String>,
}

impl From<Image> for Chosen {
    fn from(image: Image) -> Self {
        Self {
            id: image.id,
            names: image.names,
        }
    }
}

fn exactly(image: Image, id: &str) -> Result<Image, Error> {
    if image.id == id {
        Ok(image)
    } else {
        Err(Error::ImageUnknown {
            reference: id.to_owned(),
        })
    }
}

fn ask(images: &[Chosen]) -> io::Result<bool> {
    let mut stderr = io::stderr().lock();
    for image in images.iter().take(SHOWN) {
        let (id, names) = (human::short_id(&image.id), human::names(&image.names));
        writeln!(stderr, "  {id:<12}  {names}")?;
    }
    if images.len() > SHOWN {
        writeln!(stderr, "  … and {} more", images.len() - SHOWN)?;
    }
    drop(stderr);
    let count = human::count(images.len() as u64, "image");
    confirm::ask(&format!("delete {count}?"))
}
