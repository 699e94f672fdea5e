//! `data list`: which items an image has.

use std::io::{self, BufWriter, Write as _};

use anstyle::Style;
use clap::Args;
use image_store::Lookup as _;
use serde_json::json;

use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::image_arg::ImageArg;
use crate::cli::output;

/// Show the items of an image, in the order they were first set
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    image: ImageArg,

    /// Print only the keys, one a line
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,

    /// Print one JSON array of objects: key, size, digest, stored
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let image = context.open_to_read()?.get(&self.image.image)?;
        let items = image.big_data_names.iter().map(|key| {
            let item = image.big_data.get(key).cloned().unwrap_or_default();
            (key, item)
        });
        if self.json {
            let items: Vec<_> = items
                .map(|(key, item)| {
                    json!({
                        "key": key,
                        "size": item.size,
                        "digest": item.digest,
                        "stored": item.content.is_some(),
                    })
                })
                .collect();
            output::pretty_json(&items)?;
            return Ok(Exit::Done);
        }
        let stdout = io::stdout().lock();
        let bold = context::style(&stdout, Style::new().bold());
        let mut out = BufWriter::new(stdout);
        if self.quiet {
            for (key, _) in items {
                writeln!(out, "{}", human::printable(key))?;
            }
        } else {
            let [size, digest] = ["SIZE", "DIGEST"];
            writeln!(out, "{bold}{size:>10}  {digest:<71}  KEY{bold:#}")?;
            for (key, item) in items {
                let size = item.size.and_then(|size| u64::try_from(size).ok());
                let size = size.map_or_else(|| "unknown".to_owned(), human::size);
                let digest = human::printable(item.digest.as_deref().unwrap_or("unknown"));
                let missing = if item.content.is_some() {
                    ""
                } else {
                    "  (its bytes are missing)"
                };
                let key = human::printable(key);
                writeln!(out, "{size:>10}  {digest:<71}  {key}{missing}")?;
            }
        }
        out.flush()?;
        Ok(Exit::Done)
    }
}
