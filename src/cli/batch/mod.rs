//! The batch protocol: requests on one pipe, replies on another, one JSON object a line.
//!
//! A line is read ([`lines`]), its fields are taken apart strictly ([`fields`], [`request`]), the
//! [`session`] carries it out, and the reply is written as one line and flushed ([`reply`]).

mod change;
mod fields;
mod lines;
mod look;
mod reply;
mod request;
mod session;

use std::io::{BufRead, Write};

use image_store::Access;

use self::lines::Lines;
use self::session::Session;
use super::context::Context;
use super::failure::Failure;

/// Answers every line of `input` until it ends. Lines longer than `max_line` bytes are refused.
pub(crate) fn serve(
    context: &Context,
    access: Access,
    max_line: u64,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), Failure> {
    let mut session = Session::open(context, access)?;
    let mut lines = Lines::new(input, max_line);
    while let Some(line) = lines.next().map_err(Failure::Input)? {
        let reply = session.answer(line).into_line();
        output.write_all(reply.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}
