//! `data get`: the bytes of an item.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use image_store::{BigDataReader, Error, Lookup as _};
use tempfile::NamedTempFile;

use super::ItemArg;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_config::store_error;
use crate::cli::input;

/// Write the bytes of an item to standard output, or to a file
///
/// Items of any size take little memory. A file appears whole or not at all, in the place of one
/// that was there.
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
            self.write_file(&mut reader)?;
        }
        Ok(Exit::Done)
    }

    fn write_file(&self, reader: &mut BigDataReader<'_>) -> Result<(), Failure> {
        let refused = |source| -> Failure {
            Error::Io {
                action: "write",
                path: self.output.clone(),
                source,
            }
            .into()
        };
        let folder = match self.output.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Named by itself, and not by the temporary file that cannot be made in it.
        folder.metadata().map_err(refused)?;
        let mut file = NamedTempFile::new_in(folder).map_err(refused)?;
        copy(reader, &mut file, &self.item.key, refused)?;
        file.persist(&self.output)
            .map_err(|error| refused(error.error))?;
        Ok(())
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
