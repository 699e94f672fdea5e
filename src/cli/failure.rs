//! Why a command failed, and how that is told.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use image_store::Error;
use thiserror::Error as ThisError;

use super::context;
use super::exit::Exit;
use super::human;

/// What ends a command before it is done.
#[derive(Debug, ThisError)]
pub(crate) enum Failure {
    /// The library refused.
    #[error(transparent)]
    Store(#[from] Error),

    /// The library refused, and the command knows what to do.
    #[error("{error}")]
    Advised { error: Error, hint: &'static str },

    /// The results could not be written. Every plain `io::Error` of a command comes from there.
    #[error("could not write to standard output")]
    Output(#[from] io::Error),

    /// Standard input could not be read.
    #[error("could not read standard input")]
    Input(#[source] io::Error),

    /// A file that was named on the command line could not be read.
    #[error("could not read {}", path.display())]
    File { path: PathBuf, source: io::Error },

    /// What the line says.
    #[error("{line}")]
    Told { exit: Exit, line: String },
}

impl Failure {
    /// The answer is no.
    pub(crate) fn no(line: impl Into<String>) -> Self {
        Self::Told {
            exit: Exit::No,
            line: line.into(),
        }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self::Told {
            exit: Exit::Usage,
            line: line.into(),
        }
    }

    /// The error, with a hint that only this command can give; otherwise what is said everywhere.
    pub(crate) fn advised(error: Error, hint: Option<&'static str>) -> Self {
        match hint {
            Some(hint) => Self::Advised { error, hint },
            None => Self::Store(error),
        }
    }

    /// Tells a person about it on standard error, and says how the program ends.
    ///
    /// A closed pipe is no failure of the program: whoever read the results has had enough. A command
    /// that has more to say than that it is done ends with `output::end`.
    pub(crate) fn report(&self, verbose: bool) -> Exit {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Done,
            _ => complain(&self.line(), &self.causes(), verbose),
        }
        match self {
            Self::Store(error) | Self::Advised { error, .. } => Exit::of(error),
            Self::Output(_) | Self::Input(_) => Exit::Io,
            Self::File { .. } => Exit::Usage,
            Self::Told { exit, .. } => *exit,
        }
    }

    /// One line that says what happened and what to do.
    fn line(&self) -> String {
        let mut line = self.to_string();
        // "could not open x" is of little use without the system's word on it.
        if let Some(cause) = self.causes().last()
            && self.is_of_the_system()
        {
            line = format!("{line}: {cause}");
        }
        let hint = match self {
            Self::Store(error) => hint(error),
            Self::Advised { hint, .. } => Some(*hint),
            _ => None,
        };
        match hint {
            Some(hint) => format!("{line}; {hint}"),
            None => line,
        }
    }

    const fn is_of_the_system(&self) -> bool {
        match self {
            Self::Store(error) | Self::Advised { error, .. } => {
                matches!(error, Error::Io { .. } | Error::Input { .. })
            }
            Self::Output(_) | Self::Input(_) | Self::File { .. } => true,
            Self::Told { .. } => false,
        }
    }

    fn causes(&self) -> Vec<String> {
        let first = match self {
            // What is transparent hands on the causes of what is in it.
            Self::Advised { error, .. } => error.source(),
            _ => self.source(),
        };
        std::iter::successors(first, |error| (*error).source())
            .map(ToString::to_string)
            .collect()
    }
}

/// Tells a person of an error that does not end the command.
pub(crate) fn report(error: Error, verbose: bool) -> Exit {
    Failure::from(error).report(verbose)
}

/// What to do on this command line where the library's own message cannot know it.
const fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::ImageUnknown { .. } => Some("see: image-store list"),
        Error::NotFound { .. } => Some(
            "give its path with --store or in $IMAGE_STORE, or make one with: image-store import, or \
             create",
        ),
        Error::NotRepresentable { .. } => {
            Some("nothing was written; to leave such images out: --skip-unrepresentable")
        }
        Error::LegacyLocked { .. } => Some("the option is --lock-timeout"),
        Error::AlreadyExists { .. } => Some("choose another path, or move it away"),
        Error::DuplicateId { .. } => {
            Some("choose another, or leave out --id for a random one; see: image-store inspect")
        }
        Error::DuplicateName { .. } => Some("see: image-store untag"),
        Error::LegacySource { .. } => {
            Some("give an images directory, its images.json, or a storage root with one in it")
        }
        Error::Busy { .. } => Some("to wait longer: --lock-wait"),
        Error::LegacyRecords { .. } => {
            Some("nothing was written; to take what is whole around it: --salvage")
        }
        Error::LegacyDamage { .. } => {
            Some("to import what is there, or leave damaged images out: --on-damage report|skip")
        }
        Error::MergeConflicts { .. } => Some("to settle them: --on-conflict keep|replace"),
        Error::BigDataUnknown { .. } | Error::SizeUnknown { .. } | Error::DigestUnknown { .. } => {
            Some("see: image-store data list")
        }
        Error::ReadOnly { .. } => Some("leave out --read-only"),
        Error::Corrupt { .. } => Some("see: image-store verify, and image-store repair"),
        _ => None,
    }
}

fn complain(line: &str, causes: &[String], verbose: bool) {
    let mut stderr = io::stderr().lock();
    let red = context::style(&stderr, anstyle::AnsiColor::Red.on_default().bold());
    // There is nowhere to tell that standard error is gone.
    let _ = writeln!(stderr, "{red}error:{red:#} {}", human::shortened(line));
    if verbose {
        for cause in causes {
            let _ = writeln!(stderr, "  caused by: {}", human::shortened(cause));
        }
    }
}
