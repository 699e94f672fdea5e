//! How far an import is, shown while it runs to a person at a terminal.

use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::AnsiColor;
use image_store::legacy::{ExportProgress, ImportProgress};
use indicatif::{ProgressBar, ProgressStyle};

use super::context;
use super::human;

/// A bar on standard error; nothing is drawn where that is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new() -> Self {
        // Draws on standard error, and only on a terminal.
        let bar = ProgressBar::new(0);
        let template = "{bar:30} {percent:>3}%  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn show(&self, reached: &ImportProgress) {
        self.bar.set_length(reached.records_size);
        self.bar.set_position(reached.record_bytes);
        if !self.bar.is_hidden() {
            self.bar.set_message(format!(
                "{}, {} ({})",
                human::count(reached.images, "image"),
                human::count(reached.items, "item"),
                human::size(reached.item_bytes),
            ));
        }
    }

    pub(crate) fn show_export(&self, reached: &ExportProgress) {
        self.bar.set_length(reached.total_images);
        self.bar.set_position(reached.images);
        if !self.bar.is_hidden() {
            self.bar.set_message(format!(
                "{}, {} ({})",
                human::count(reached.images, "image"),
                human::count(reached.items, "item"),
                human::size(reached.item_bytes),
            ));
        }
    }

    /// Tells of something found, above the bar.
    pub(crate) fn warn(&self, finding: &impl Display) {
        let finding = human::printable(&finding.to_string());
        self.bar.suspend(|| {
            let mut stderr = io::stderr().lock();
            let yellow = context::style(&stderr, AnsiColor::Yellow.on_default().bold());
            // There is nowhere to tell that standard error is gone.
            let _ = writeln!(stderr, "{yellow}warning:{yellow:#} {finding}");
        });
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
