//! Results on standard output.

use std::io::{self, BufWriter, ErrorKind, Write as _};

use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;

/// Writes one line. A reader that is gone is an error, which ends the command quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a value as JSON in one line.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// The same over several lines, for a person as well.
pub(crate) fn pretty_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// How a command ends that came to `exit` before it wrote its results: a reader that has had enough
/// of them does not change what they are.
pub(crate) fn end(written: io::Result<()>, exit: Exit) -> Result<Exit, Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(exit),
    }
}
