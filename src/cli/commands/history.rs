//! `history`: how an image was made.

use std::io::{self, BufWriter, Write};

use anstyle::Style;
use clap::Args;
use image_store::{Lookup as _, Timestamp};

use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::image_arg::ImageArg;
use crate::cli::image_config::{HistoryStep, ImageConfig};
use crate::cli::output;

/// Show the steps that made an image, the newest first
///
/// They are read from its configuration, the item that its manifest names. Exits with 1 where it
/// has none in the store. (What it was called in the past: image-store names history.)
#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    image: ImageArg,

    /// Show commands in full
    #[arg(long)]
    no_trunc: bool,

    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// How many characters of a command a person is shown.
const SHOWN: usize = 60;

impl History {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let snapshot = context.open_to_read()?.read()?;
        let image = snapshot.get(&self.image.image)?;
        let Some(config) = ImageConfig::of(&snapshot, &image)? else {
            return Err(Failure::no(format!(
                "the image {:?} has no configuration in the store that tells its history; see: \
                 image-store data list",
                image.id
            )));
        };
        let steps: Vec<_> = config.history().iter().rev().collect();
        if self.json {
            output::pretty_json(&steps)?;
            return Ok(Exit::Done);
        }
        let stdout = io::stdout().lock();
        let bold = context::style(&stdout, Style::new().bold());
        let mut out = BufWriter::new(stdout);
        let [created, layer, by] = ["CREATED", "LAYER", "CREATED BY"];
        writeln!(out, "{bold}{created:<15}  {layer:<5}  {by}{bold:#}")?;
        let now = Timestamp::now();
        for step in steps {
            self.print(&mut out, step, now)?;
        }
        out.flush()?;
        Ok(Exit::Done)
    }

    fn print(&self, out: &mut impl Write, step: &HistoryStep, now: Timestamp) -> io::Result<()> {
        let created = step.created.as_ref().and_then(|text| text.parse().ok());
        let by = step.created_by.as_deref().unwrap_or_default();
        let mut by = human::printable(by);
        if !self.no_trunc && by.chars().count() > SHOWN {
            by = by.chars().take(SHOWN - 1).chain(['…']).collect();
        }
        if let Some(comment) = step
            .comment
            .as_deref()
            .filter(|comment| !comment.is_empty())
        {
            by = format!("{by}  # {}", human::printable(comment));
        }
        writeln!(
            out,
            "{:<15}  {:<5}  {by}",
            human::age(created, now),
            if step.empty_layer == Some(true) {
                "none"
            } else {
                "new"
            },
        )
    }
}
