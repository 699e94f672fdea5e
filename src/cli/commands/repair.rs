//! `repair`: a damaged store built anew.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use clap::Args;
use image_store::{Error, RepairOptions, RepairSummary};
use serde_json::{Value, json};

use crate::cli::commands::verify::{finding_json, report_json};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;
use crate::cli::stage_bar::StageBar;

/// Build a damaged store anew from everything in it that can be read
///
/// Index rows and reference counts are derived from the records; bytes are found again by their
/// hash. What cannot be read is set aside into a folder beside the store and told, and the command
/// then exits with 3. The damaged file is kept under another name: giving it back its name undoes
/// the repair. Nobody else may have the store open.
#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// Do not keep the damaged file
    #[arg(long)]
    no_backup: bool,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

impl Repair {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        context.refuse_read_only()?;
        let bar = StageBar::new();
        let options = RepairOptions::new().backup(!self.no_backup);
        let summary = context
            .opening()
            .repair(context.store(), &options, |reached| bar.show(reached));
        bar.finish();
        let summary = summary.map_err(|error| match error {
            // What every other command says here, to try a repair, is no help any more.
            Error::Corrupt { .. } => Failure::Told {
                exit: Exit::Damage,
                line: format!("{error}; nothing in it can be read any more: go back to a backup"),
            },
            error => error.into(),
        })?;
        let exit = if summary.lost.is_empty() {
            Exit::Done
        } else {
            Exit::Damage
        };
        let written = if self.json {
            output::json(&summary_json(&summary))
        } else {
            print(&summary)
        };
        output::end(written, exit)
    }
}

fn summary_json(summary: &RepairSummary) -> Value {
    // A path is text where it is UTF-8 only.
    let text = |path: &Option<PathBuf>| {
        path.as_ref()
            .map(|path| path.to_string_lossy().into_owned())
    };
    json!({
        "before": report_json(&summary.before),
        "images": summary.images,
        "lost": summary.lost.iter().map(finding_json).collect::<Vec<_>>(),
        "set-aside": text(&summary.set_aside),
        "backup": text(&summary.backup),
        "length": summary.length,
    })
}

fn print(summary: &RepairSummary) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for finding in &summary.lost {
        writeln!(out, "lost: {}", human::printable(&finding.to_string()))?;
    }
    if summary.before.is_clean() {
        writeln!(out, "the store was sound; it was built anew all the same")?;
    } else {
        let damage = human::count(summary.before.damage, "finding");
        writeln!(out, "{damage} before, {} lost", summary.lost.len())?;
    }
    writeln!(
        out,
        "the store has {} now and takes {}",
        human::count(summary.images, "image"),
        human::size(summary.length),
    )?;
    if let Some(folder) = &summary.set_aside {
        writeln!(out, "what was lost is in {}", folder.display())?;
    }
    if let Some(backup) = &summary.backup {
        writeln!(out, "the damaged file is {}", backup.display())?;
    }
    out.flush()
}
