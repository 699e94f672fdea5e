//! `stats`: how much is in a store and where its room goes.

use std::io::{self, BufWriter, Write};

use clap::Args;
use image_store::StoreStats;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;

/// Tell how much is in the store and where its room goes
///
/// "Kept for earlier states" grows while a reader keeps a snapshot and others write; it is not known
/// with --read-only, nor where the file may not be written to.
#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The longest bar of the histogram, in characters.
const BAR: u64 = 40;

impl Stats {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let stats = context.open_to_measure()?.stats()?;
        if self.json {
            output::json(&stats_json(&stats))?;
        } else {
            let mut out = BufWriter::new(io::stdout().lock());
            print(&mut out, &stats)?;
            out.flush()?;
        }
        Ok(Exit::Done)
    }
}

fn stats_json(stats: &StoreStats) -> Value {
    let largest: Vec<_> = stats
        .largest
        .iter()
        .map(|(id, bytes)| json!({"id": id, "bytes": bytes}))
        .collect();
    json!({
        "images": stats.images,
        "names": stats.names,
        "items": stats.items,
        "item-bytes": stats.item_bytes,
        "contents": stats.contents,
        "content-bytes": stats.content_bytes,
        "stored-bytes": stats.stored_bytes,
        "content-sizes": stats.content_sizes,
        "largest": largest,
        "file-length": stats.file_length,
        "file-stored": stats.file_stored,
        "used-bytes": stats.used_bytes,
        "kept-bytes": stats.kept_bytes,
    })
}

fn print(out: &mut impl Write, stats: &StoreStats) -> io::Result<()> {
    writeln!(
        out,
        "{}, {}, {} with {}",
        human::count(stats.images, "image"),
        human::count(stats.names, "name"),
        human::count(stats.items, "item"),
        human::size(stats.item_bytes),
    )?;
    writeln!(
        out,
        "stored once: {} in {}, which take {}",
        human::size(stats.content_bytes),
        human::count(stats.contents, "content"),
        human::size(stats.stored_bytes),
    )?;
    let kept = stats
        .kept_bytes
        .map_or_else(|| "unknown".to_owned(), human::size);
    writeln!(
        out,
        "the file: {} long, {} on disk; {} used, {kept} kept for earlier states",
        human::size(stats.file_length),
        human::size(stats.file_stored),
        human::size(stats.used_bytes),
    )?;
    histogram(out, &stats.content_sizes)?;
    if !stats.largest.is_empty() {
        writeln!(out, "largest images:")?;
    }
    for (id, bytes) in &stats.largest {
        writeln!(
            out,
            "  {:<12}  {:>10}",
            human::short_id(id),
            human::size(*bytes)
        )?;
    }
    Ok(())
}

/// How many contents there are of each size, a bar a class.
fn histogram(out: &mut impl Write, classes: &[u64]) -> io::Result<()> {
    let Some(most) = classes.iter().copied().max().filter(|most| *most > 0) else {
        return Ok(());
    };
    writeln!(out, "sizes of contents:")?;
    let first = classes.iter().position(|count| *count > 0).unwrap_or(0);
    for (class, count) in classes.iter().enumerate().skip(first) {
        // A class that is there has a bar that is seen.
        let length = (count * BAR).div_ceil(most);
        let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
        let below = 1_u64.checked_shl(u32::try_from(class).unwrap_or(u32::MAX));
        let below = below.map_or_else(|| "any".to_owned(), human::size);
        writeln!(out, "  < {below:>10}  {count:>8}  {bar}")?;
    }
    Ok(())
}
