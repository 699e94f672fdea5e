//! How far a long piece of maintenance is, shown while it runs to a person at a terminal.

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
        if reached.done == 0 {
            self.bar.reset();
            self.bar.set_message(reached.stage.as_str());
        }
        self.bar.set_length(reached.total);
        self.bar.set_position(reached.done);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
