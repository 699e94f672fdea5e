//! `data get`: the bytes of an item.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use clap::Args;
use image_store::Lookup as _;

use super::ItemArg;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_config::store_error;
use crate::cli::input;
use crate::cli::output_file::{OutputFile, refused};

/// Write the bytes of an item to standard output, or to a file
///
/// Items of any size take little memory. A file appears whole or not at all, in the place of one
/// that was there. What is no file, such as a pipe, gets the bytes as they are read.
#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    item: ItemArg,

    /// Where the bytes go; "-" for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

const BUFFER: usize = 64 << 10;

impl Get {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let ItemArg { image, key } = &self.item;
        let store = context.open_to_read()?;
        let mut reader = store.big_data_reader(&image.image, key)?;
        if input::is_stdin(&self.output) {
            let mut out = io::stdout().lock();
            copy(&mut reader, &mut out, key, Failure::Output)?;
            out.flush()?;
        } else {
            let mut file = OutputFile::open(&self.output, context.store())?;
            let refused = |error| refused(&self.output, error);
            copy(&mut reader, &mut file, key, refused)?;
            file.finish().map_err(refused)?;
        }
        Ok(Exit::Done)
    }
}

/// Copies, and keeps apart what the store and what the other side refused.
fn copy(
    reader: &mut impl Read,
    out: &mut impl Write,
    key: &str,
    refused: impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(store_error(error, key).into()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        out.write_all(bytes).map_err(&refused)?;
    }
}
