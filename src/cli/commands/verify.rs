//! `verify`: whether a store is what it should be.

use std::io::{self, BufWriter, Write};

use clap::Args;
use image_store::{Finding, VerifyOptions, VerifyReport};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::stage_bar::StageBar;

/// Read everything in the store and compare it with everything else
///
/// Checks the pages of the file, every record, every index row, every reference count, and the bytes
/// of every item against their hash. Others may use the store meanwhile; those who write wait while
/// the pages are checked. Exits with 3 where the store is damaged. What an import brought along is
/// told too, but is no damage of the store.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Do not check the pages of the file, so that nobody waits
    #[arg(long)]
    no_pages: bool,

    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        // The pages are only checked on a handle that may write; nothing is created.
        let store = if self.no_pages || context.read_only() {
            context.open_to_read()?
        } else {
            context.open_existing()?
        };
        let bar = StageBar::new();
        let options = VerifyOptions::new().engine(!self.no_pages);
        let report = store.verify(&options, |reached| bar.show(reached));
        bar.finish();
        let report = report?;
        if self.json {
            let mut out = BufWriter::new(io::stdout().lock());
            serde_json::to_writer(&mut out, &report_json(&report)).map_err(io::Error::from)?;
            writeln!(out)?;
            out.flush()?;
        } else {
            print(&report)?;
        }
        Ok(if report.is_clean() {
            Exit::Done
        } else {
            Exit::Damage
        })
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
        "images": report.counts.images,
        "names": report.counts.names,
        "items": report.counts.items,
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
