//! Results on standard output.

use std::io::{self, Write as _};

/// Writes one line. A reader that is gone is an error, which ends the command quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
