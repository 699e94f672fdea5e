//! How listed images are shown.

use std::io::{self, Write};

use anstyle::Style;
use image_store::legacy::ImageJson;
use image_store::{Image, Snapshot, Timestamp};

use super::template::Template;
use crate::cli::failure::Failure;
use crate::cli::human;

/// What a listing looks like.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// For people.
    Table { digests: bool },
    /// IDs, one a line.
    Quiet,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// A line for each image, made of this template.
    Template(String),
}

/// A listing that is written as it is read.
pub(crate) struct Shown<W> {
    out: W,
    form: Ready,
    truncate: bool,
    now: Timestamp,
    shown: u64,
}

enum Ready {
    Table { digests: bool },
    Quiet,
    Json,
    JsonLines,
    Template(Box<Template>),
}

impl<W: Write> Shown<W> {
    /// Begins a listing; `bold` is the style of headings, `is_terminal` whether a person looks.
    pub(crate) fn begin(
        mut out: W,
        form: &Form,
        truncate: bool,
        bold: Style,
        is_terminal: bool,
        snapshot: &Snapshot,
    ) -> Result<Self, Failure> {
        let form = match form {
            Form::Table { digests } => {
                let digests = *digests;
                let id = if truncate { 12 } else { 64 };
                write!(out, "{bold}{:<id$}  ", "IMAGE ID")?;
                if digests {
                    write!(out, "{:<71}  ", "DIGEST")?;
                }
                writeln!(
                    out,
                    "{:<15}  {:>5}  {:>10}  NAMES{bold:#}",
                    "CREATED", "ITEMS", "SIZE"
                )?;
                Ready::Table { digests }
            }
            Form::Quiet => Ready::Quiet,
            Form::Json => {
                write!(out, "[")?;
                Ready::Json
            }
            Form::JsonLines => Ready::JsonLines,
            Form::Template(text) => {
                Ready::Template(Box::new(Template::new(text, is_terminal, snapshot)?))
            }
        };
        Ok(Self {
            out,
            form,
            truncate,
            now: Timestamp::now(),
            shown: 0,
        })
    }

    pub(crate) fn show(&mut self, image: &Image) -> Result<(), Failure> {
        match &self.form {
            // The names come last, since only they can be long: so each line is written as it is
            // read, and the columns still stand straight.
            Ready::Table { digests } => {
                let id = if self.truncate { 12 } else { 64 };
                write!(self.out, "{:<id$}  ", self.id(image))?;
                if *digests {
                    let digest = image.digest.as_deref().unwrap_or("<none>");
                    write!(self.out, "{:<71}  ", human::printable(digest))?;
                }
                writeln!(
                    self.out,
                    "{:<15}  {:>5}  {:>10}  {}",
                    human::age(image.created, self.now),
                    image.big_data_names.len(),
                    human::size(human::items_size(image)),
                    human::names(&image.names),
                )?;
            }
            Ready::Quiet => {
                let id = self.id(image);
                writeln!(self.out, "{id}")?;
            }
            Ready::Json => {
                let separator = if self.shown == 0 { "\n" } else { ",\n" };
                write!(self.out, "{separator}")?;
                self.json(image)?;
            }
            Ready::JsonLines => {
                self.json(image)?;
                writeln!(self.out)?;
            }
            Ready::Template(template) => {
                let line = template.render(image, self.now)?;
                writeln!(self.out, "{line}")?;
            }
        }
        self.shown += 1;
        Ok(())
    }

    pub(crate) fn end(mut self) -> Result<(), Failure> {
        if matches!(self.form, Ready::Json) {
            writeln!(self.out, "\n]")?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn json(&mut self, image: &Image) -> io::Result<()> {
        let image = ImageJson::new(image).with_digests();
        serde_json::to_writer(&mut self.out, &image).map_err(io::Error::from)
    }

    fn id(&self, image: &Image) -> String {
        if self.truncate {
            human::short_id(&image.id)
        } else {
            human::printable(&image.id)
        }
    }
}
