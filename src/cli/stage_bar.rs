//! How far a long piece of maintenance is, shown while it runs to a person at a terminal.

use std::time::Duration;

use image_store::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing is drawn where that is no terminal.
pub(crate) struct StageBar {
    bar: ProgressBar,
}

impl StageBar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "{msg:12} {bar:30} {human_pos}/{human_len}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn show(&self, reached: Progress) {
        // First, since a bar of nothing is drawn as a full one.
        self.bar.set_length(reached.total);
        if reached.done == 0 {
            self.bar.reset();
            self.bar.set_message(reached.stage.as_str());
        }
        self.bar.set_position(reached.done);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The sign that something goes on of which nothing more is known: the engine does not tell how far
/// it is.
pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(what);
    // It takes a thread, which is not worth its price where nobody sees it.
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(Duration::from_millis(100));
    }
    spinner
}
