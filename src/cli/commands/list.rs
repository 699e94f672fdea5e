//! `list`: all images, for people or for machines.

use std::io::{self, BufWriter, Write};

use anstream::stream::RawStream;
use anstyle::Style;
use clap::Args;
use image_store::legacy::ImageJson;
use image_store::{Image, Lookup as _, Snapshot, Timestamp};

use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;

/// List all images in the order they were created
///
/// The size is that of the items an image has in the store (manifests, configuration, signatures),
/// not of its layers.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print one JSON array with the legacy field names instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let snapshot = context.open_to_read()?.read()?;
        let stdout = io::stdout().lock();
        if self.json {
            print_json(&snapshot, stdout)?;
        } else {
            print_table(&snapshot, stdout)?;
        }
        Ok(Exit::Done)
    }
}

/// One image a line, so that a listing of any length can be read while it is written.
fn print_json(snapshot: &Snapshot, stdout: impl Write) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout);
    write!(out, "[")?;
    let mut separator = "\n";
    for image in snapshot.images()? {
        let image = image?;
        write!(out, "{separator}")?;
        serde_json::to_writer(&mut out, &ImageJson::new(&image).with_digests())
            .map_err(io::Error::from)?;
        separator = ",\n";
    }
    writeln!(out, "\n]")?;
    out.flush()?;
    Ok(())
}

/// The names come last, since only they can be long: so each line is written as it is read, in
/// constant memory, and the columns still stand straight.
fn print_table(snapshot: &Snapshot, stdout: impl RawStream) -> Result<(), Failure> {
    let bold = context::style(&stdout, Style::new().bold());
    let mut out = BufWriter::new(stdout);
    writeln!(
        out,
        "{bold}{:<12}  {:<15}  {:>5}  {:>10}  NAMES{bold:#}",
        "IMAGE ID", "CREATED", "ITEMS", "SIZE"
    )?;
    let now = Timestamp::now();
    for image in snapshot.images()? {
        let image = image?;
        writeln!(
            out,
            "{:<12}  {:<15}  {:>5}  {:>10}  {}",
            human::short_id(&image.id),
            human::age(image.created, now),
            image.big_data_names.len(),
            human::size(items_size(&image)),
            names(&image),
        )?;
    }
    out.flush()?;
    Ok(())
}

/// The bytes of all items whose size is known.
fn items_size(image: &Image) -> u64 {
    image
        .big_data
        .values()
        .filter_map(|item| u64::try_from(item.size?).ok())
        .fold(0, u64::saturating_add)
}

fn names(image: &Image) -> String {
    if image.names.is_empty() {
        return "<none>".to_owned();
    }
    let shown: Vec<_> = image
        .names
        .iter()
        .map(|name| human::printable(name))
        .collect();
    shown.join(", ")
}
