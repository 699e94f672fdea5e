//! `verify`: whether a store is what it should be.

use std::io::{self, BufWriter, Write};

use clap::Args;
use image_store::{Error, Finding, VerifyOptions, VerifyReport};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;
use crate::cli::stage_bar::StageBar;

/// Read everything in the store and compare it with everything else
///
/// Checks the pages of the file, every record, every index row, every reference count, and the bytes
/// of every item against their hash, and changes nothing in the file. Others may use the store
/// meanwhile; only where pages seem damaged, and were written to while they were read, are they read
/// again while those who write wait. Exits with 3 where the store is damaged. Items without bytes,
/// and what an import brought along, are told too, but are no damage of the store.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Do not check the pages of the file
    #[arg(long)]
    no_pages: bool,

    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let bar = StageBar::new();
        let options = VerifyOptions::new().engine(!self.no_pages);
        let report = context
            .reading()
            .verify(context.store(), &options, |reached| bar.show(reached));
        bar.finish();
        let report = report.map_err(|error| match error {
            // What every other command says here, to verify it, is no help any more.
            Error::Corrupt { .. } => Failure::Told {
                exit: Exit::Damage,
                line: format!("{error}; see: image-store repair --help, or go back to a backup"),
            },
            error => error.into(),
        })?;
        let exit = if report.is_clean() {
            Exit::Done
        } else {
            Exit::Damage
        };
        let written = if self.json {
            output::json(&report_json(&report))
        } else {
            print(&report)
        };
        output::end(written, exit)
    }
}

fn print(report: &VerifyReport) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for finding in &report.findings {
        let kind = if finding.is_damage() {
            "damage"
        } else {
            "note"
        };
        writeln!(out, "{kind}: {}", human::printable(&finding.to_string()))?;
    }
    let listed = report.findings.len() as u64;
    if listed < report.found {
        writeln!(out, "… and {} more", report.found - listed)?;
    }
    let counts = &report.counts;
    writeln!(
        out,
        "read {}, {}, {} and {} of their bytes",
        human::count(counts.images, "image"),
        human::count(counts.names, "name"),
        human::count(counts.items, "item"),
        human::size(counts.bytes),
    )?;
    if !report.engine_checked {
        writeln!(out, "the pages of the file were not checked")?;
    }
    if report.needs_recovery {
        writeln!(
            out,
            "its last writer died or was of an older version; whoever opens it next and may write to it \
             brings it up to date"
        )?;
    }
    if counts.items_without_bytes > 0 {
        let items = human::count(counts.items_without_bytes, "item");
        writeln!(
            out,
            "of these, the bytes of {items} are not in the store, as is recorded there"
        )?;
    }
    if report.is_clean() {
        writeln!(out, "the store is sound")?;
    } else {
        let damage = human::count(report.damage, "finding");
        writeln!(
            out,
            "the store is damaged: {damage}; see: image-store repair --help"
        )?;
    }
    out.flush()
}

/// A verification's report for machines.
pub(super) fn report_json(report: &VerifyReport) -> Value {
    json!({
        "clean": report.is_clean(),
        "pages-checked": report.engine_checked,
        "needs-recovery": report.needs_recovery,
        "images": report.counts.images,
        "names": report.counts.names,
        "items": report.counts.items,
        "items-without-bytes": report.counts.items_without_bytes,
        "contents": report.counts.contents,
        "bytes": report.counts.bytes,
        "found": report.found,
        "damage": report.damage,
        "findings": report.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

/// A finding for machines.
pub(super) fn finding_json(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind(),
        "damage": finding.is_damage(),
        "message": finding.to_string(),
    })
}
