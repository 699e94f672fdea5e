//! What was measured, and the table of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

/// All figures of a run.
#[derive(Default, Serialize)]
pub struct Figures {
    pub figures: Vec<Figure>,
}

/// One figure: an operation of one peer at one size.
#[derive(Serialize)]
pub struct Figure {
    pub operation: String,
    pub images: u64,
    pub peer: String,
    /// The median of the rounds, in seconds an operation.
    pub seconds: f64,
    /// The quickest and the slowest round.
    pub range: (f64, f64),
    pub rounds: usize,
}

impl Figures {
    /// Adds the median of `seconds`.
    pub fn add(&mut self, operation: &str, images: u64, peer: &str, mut seconds: Vec<f64>) {
        seconds.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else {
            return;
        };
        let median = seconds[seconds.len() / 2];
        eprintln!("{images:>8} {operation:<40} {peer:<24} {}", time(median));
        self.figures.push(Figure {
            operation: operation.to_owned(),
            images,
            peer: peer.to_owned(),
            seconds: median,
            range: (*first, *last),
            rounds: seconds.len(),
        });
    }

    /// The figure of one cell.
    pub fn get(&self, operation: &str, images: u64, peer: &str) -> Option<f64> {
        let mut all = self.figures.iter();
        let is = |f: &&Figure| f.operation == operation && f.images == images && f.peer == peer;
        all.find(is).map(|figure| figure.seconds)
    }

    pub fn operations(&self) -> Vec<&str> {
        in_order(self.figures.iter().map(|figure| figure.operation.as_str()))
    }

    pub fn peers(&self) -> Vec<&str> {
        in_order(self.figures.iter().map(|figure| figure.peer.as_str()))
    }

    pub fn counts(&self) -> BTreeSet<u64> {
        self.figures.iter().map(|figure| figure.images).collect()
    }

    /// A table a size, with the ratios that matter.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for images in self.counts() {
            let peers = self.peers();
            let _ = writeln!(text, "### {} images\n", grouped(images));
            let _ = writeln!(
                text,
                "| operation | {} | exclusive / bare | shared / bare | exclusive / SQLite | shared / SQLite |",
                peers.join(" | ")
            );
            let _ = writeln!(text, "|---|{}", "---:|".repeat(peers.len() + 4));
            for operation in self.operations() {
                let cell = |peer: &str| self.get(operation, images, peer);
                if peers.iter().all(|peer| cell(peer).is_none()) {
                    continue;
                }
                let times = peers.iter().map(|peer| cell(peer).map_or("–".into(), time));
                let times: Vec<String> = times.collect();
                let ratio = |of: &str, to: &str| match (cell(of), cell(to)) {
                    (Some(of), Some(to)) => format!("{:.2}", of / to),
                    _ => "–".to_owned(),
                };
                let _ = writeln!(
                    text,
                    "| {operation} | {} | {} | {} | {} | {} |",
                    times.join(" | "),
                    ratio("image_store, exclusive", "bare redb, exclusive"),
                    ratio("image_store, shared", "bare redb, shared"),
                    ratio("image_store, exclusive", "SQLite"),
                    ratio("image_store, shared", "SQLite"),
                );
            }
            text.push('\n');
        }
        text
    }
}

fn in_order<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// A time as people read it.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
