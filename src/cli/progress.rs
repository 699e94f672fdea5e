//! How far an import or an export is, shown while it runs: a bar on a terminal, else a line now and
//! then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use image_store::legacy::{ExportProgress, ImportProgress, ImportStage};
use indicatif::{ProgressBar, ProgressStyle};

use super::context;
use super::human;

/// How often a bar changes.
const REDRAW: Duration = Duration::from_millis(100);
/// How often there is a line where there is no terminal.
const LINE: Duration = Duration::from_secs(5);
/// How many findings of one kind are told.
const TOLD: u64 = 10_000;

/// How far something is.
pub(crate) struct Reached {
    stage: &'static str,
    done: u64,
    total: u64,
    images: u64,
    items: u64,
    item_bytes: u64,
}

impl From<&ImportProgress> for Reached {
    fn from(progress: &ImportProgress) -> Self {
        Self {
            stage: match progress.stage {
                ImportStage::Reading => "importing",
                ImportStage::Verifying => "verifying",
                _ => "writing",
            },
            done: progress.record_bytes,
            total: progress.records_size,
            images: progress.images,
            items: progress.items,
            item_bytes: progress.item_bytes,
        }
    }
}

impl From<&ExportProgress> for Reached {
    fn from(progress: &ExportProgress) -> Self {
        Self {
            stage: "exporting",
            done: progress.images,
            total: progress.total_images,
            images: progress.images,
            items: progress.items,
            item_bytes: progress.item_bytes,
        }
    }
}

/// Shows on standard error how far something is, and what was found.
pub(crate) struct Progress {
    form: Form,
    pace: RefCell<Pace>,
    /// How many findings there were of each kind.
    told: RefCell<BTreeMap<&'static str, u64>>,
}

enum Form {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

/// When a stage began, and when something was shown.
struct Pace {
    stage: &'static str,
    begun: Instant,
    shown: Instant,
}

impl Progress {
    /// A bar where standard error is a terminal, lines where it is none, and nothing at all where
    /// it is to be quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let form = if quiet {
            Form::Nothing
        } else {
            // Draws on standard error, and only on a terminal.
            let bar = ProgressBar::new(0);
            let template = "{msg:9} {bar:30} {percent:>3}%  {prefix}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            if bar.is_hidden() {
                Form::Lines
            } else {
                Form::Bar(bar)
            }
        };
        let now = Instant::now();
        let pace = RefCell::new(Pace {
            stage: "",
            begun: now,
            shown: now,
        });
        Self {
            form,
            pace,
            told: RefCell::default(),
        }
    }

    /// Shows how far it is, if it is time to.
    pub(crate) fn show(&self, reached: impl Into<Reached>) {
        let period = match self.form {
            Form::Nothing => return,
            Form::Bar(_) => REDRAW,
            Form::Lines => LINE,
        };
        let reached = reached.into();
        let mut pace = self.pace.borrow_mut();
        let now = Instant::now();
        let is_new = pace.stage != reached.stage;
        if is_new {
            pace.stage = reached.stage;
            pace.begun = now;
        } else if now.duration_since(pace.shown) < period {
            return;
        }
        pace.shown = now;
        let elapsed = now.duration_since(pace.begun);
        match &self.form {
            Form::Bar(bar) => {
                // First, since a bar of nothing is drawn as a full one.
                bar.set_length(reached.total);
                if is_new {
                    bar.reset();
                    bar.set_message(reached.stage);
                }
                bar.set_position(reached.done);
                bar.set_prefix(reached.counts(elapsed));
                bar.tick();
            }
            Form::Lines => tell(&reached.line(elapsed)),
            Form::Nothing => {}
        }
    }

    /// Tells of something of a kind that was found, above the bar; of one kind no more than
    /// anybody would read.
    pub(crate) fn warn(&self, kind: &'static str, finding: &impl Display) {
        let mut told = self.told.borrow_mut();
        let told = told.entry(kind).or_default();
        *told += 1;
        if *told > TOLD + 1 {
            return;
        }
        let is_last = *told > TOLD;
        let warn = || {
            let finding = if is_last {
                format!("there is more of the kind {kind}; only counted from here")
            } else {
                human::printable(&finding.to_string())
            };
            let mut stderr = io::stderr().lock();
            let yellow = context::style(&stderr, AnsiColor::Yellow.on_default().bold());
            // There is nowhere to tell that standard error is gone.
            let _ = writeln!(stderr, "{yellow}warning:{yellow:#} {finding}");
        };
        match &self.form {
            Form::Bar(bar) => bar.suspend(warn),
            Form::Lines => warn(),
            Form::Nothing => {}
        }
    }

    /// Ends the showing, of something that is done or failed.
    pub(crate) fn finish(&self, is_done: bool) {
        match &self.form {
            Form::Bar(bar) => bar.finish_and_clear(),
            Form::Lines if is_done => tell("done"),
            Form::Lines | Form::Nothing => {}
        }
    }
}

impl Reached {
    fn counts(&self, elapsed: Duration) -> String {
        let mut counts = format!(
            "{}, {} ({})",
            human::count(self.images, "image"),
            human::count(self.items, "item"),
            human::size(self.item_bytes),
        );
        if let Some(rate) = rate(self.images, elapsed) {
            counts = format!("{counts}, {}/s", human::count(rate, "image"));
        }
        counts
    }

    /// One line for a log.
    fn line(&self, elapsed: Duration) -> String {
        let mut line = format!("{}: {}", self.stage, self.counts(elapsed));
        let hundredfold = self.done.min(self.total).saturating_mul(100);
        if let Some(percent) = hundredfold.checked_div(self.total) {
            line = format!("{line}, {percent}%");
        }
        match time_left(self.done, self.total, elapsed) {
            Some(left) => format!("{line}, {} s left", left.as_secs()),
            None => line,
        }
    }
}

/// How many a second; none where it is too early to say.
fn rate(count: u64, elapsed: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(elapsed.as_millis()).ok()?;
    let rate = count.saturating_mul(1000).checked_div(milliseconds)?;
    (rate > 0).then_some(rate)
}

/// How long the rest takes at the pace so far; none where it is too early to say.
fn time_left(done: u64, total: u64, elapsed: Duration) -> Option<Duration> {
    let remaining = total.checked_sub(done).filter(|remaining| *remaining > 0)?;
    if done == 0 || elapsed < Duration::from_secs(1) {
        return None;
    }
    let milliseconds = elapsed.as_millis() * u128::from(remaining) / u128::from(done);
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

fn tell(line: &str) {
    // There is nowhere to tell that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "progress: {line}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Reached;

    #[test]
    fn a_line_has_counts_rate_part_and_time_left() {
        let reached = Reached {
            stage: "importing",
            done: 250,
            total: 1_000,
            images: 12_000,
            items: 36_000,
            item_bytes: 1 << 20,
        };
        assert_eq!(
            reached.line(Duration::from_secs(10)),
            "importing: 12,000 images, 36,000 items (1.00 MiB), 1,200 images/s, 25%, 30 s left"
        );
        let begun = Reached {
            done: 0,
            images: 0,
            items: 0,
            item_bytes: 0,
            ..reached
        };
        let line = "importing: 0 images, 0 items (0 B), 0%";
        assert_eq!(begun.line(Duration::ZERO), line);
        let empty = Reached { total: 0, ..begun };
        assert_eq!(
            empty.line(Duration::from_secs(9)),
            "importing: 0 images, 0 items (0 B)"
        );
    }
}
