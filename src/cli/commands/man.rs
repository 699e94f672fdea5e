//! `man`: manual pages, made of the same definitions as the help.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use image_store::Error;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Print the manual page, or write a page for each command into a folder
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where the pages go; made where it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            io::stdout().lock().write_all(&page)?;
            return Ok(Exit::Done);
        };
        if folder.exists() && !folder.is_dir() {
            let folder = folder.display();
            return Err(Failure::usage(format!(
                "{folder} is no folder; give one, or a path where nothing is yet"
            )));
        }
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &folder));
        written.map_err(|source| Error::Io {
            action: "write the manual pages to",
            path: folder,
            source,
        })?;
        Ok(Exit::Done)
    }
}
