//! How the program ends: the exit codes, which never change their meaning.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use image_store::{Error, ErrorKind};

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// The answer is no.
    No = 1,
    /// The command line or its input cannot be used.
    Usage = 2,
    /// The store, or what was to be read, is damaged.
    Damage = 3,
    /// Another held the store for too long.
    Busy = 4,
    /// The system refused.
    Io = 5,
}

impl Exit {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::No,
        Self::Usage,
        Self::Damage,
        Self::Busy,
        Self::Io,
    ];

    const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::No => "the answer is no: unknown image, item or digest, ID or name in use",
            Self::Usage => "wrong usage, or input that cannot be read",
            Self::Damage => "damage found",
            Self::Busy => "others used the store or the directory for longer than was to be waited",
            Self::Io => "the system refused: disk full, no permission, …",
        }
    }

    /// The exit code for an error of the library that ends a command.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            // Not damage of a store: the command line names something that cannot be used.
            Error::NotFound { .. }
            | Error::AlreadyExists { .. }
            | Error::NotAStore { .. }
            | Error::ForeignDatabase { .. }
            | Error::SchemaTooNew { .. }
            | Error::LegacySource { .. }
            | Error::LegacyRecords { .. } => Self::Usage,
            Error::MergeConflicts { .. } => Self::No,
            // Bytes of an item that do not decode.
            Error::Input { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Self::Damage
            }
            _ => match error.kind() {
                ErrorKind::ImageUnknown
                | ErrorKind::DuplicateId
                | ErrorKind::DuplicateName
                | ErrorKind::BigDataUnknown
                | ErrorKind::SizeUnknown
                | ErrorKind::DigestUnknown => Self::No,
                ErrorKind::InvalidBigDataName
                | ErrorKind::InvalidDigest
                | ErrorKind::ReadOnly
                | ErrorKind::BadRequest => Self::Usage,
                ErrorKind::Corrupt => Self::Damage,
                ErrorKind::Busy => Self::Busy,
                _ => Self::Io,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The exit codes as `--help` shows them.
pub(crate) fn help() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for exit in Exit::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}  {}", exit as u8, exit.meaning());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_never_change() {
        let codes = Exit::ALL.map(|exit| exit as u8);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        assert_eq!(Exit::Damage as u8, 3);
        assert_eq!(Exit::Busy as u8, 4);
    }
}
