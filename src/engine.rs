//! The edge of the storage engine: its errors and its panics become errors of this library.

use std::any::Any;
use std::cell::Cell;
use std::error::Error as StdError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use crate::error::Error;

/// What can go wrong inside, before the store's path is known to the message.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The engine failed.
    #[error("{0}")]
    Engine(#[source] redb::Error),
    /// What was read contradicts the format.
    #[error("{what}{}", .source.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default())]
    Corrupt {
        /// What was found, and where.
        what: String,
        /// What the codec said.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// Anything else, as the caller will see it.
    #[error("{0}")]
    Error(#[source] Error),
}

/// The result of everything below the store.
pub(crate) type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt {
            what: what.into(),
            source: None,
        }
    }

    pub(crate) fn corrupt_because(
        what: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Corrupt {
            what: what.into(),
            source: Some(source.into()),
        }
    }

    /// Whether what was written in the same step may be there in part.
    pub(crate) const fn breaks_transaction(&self) -> bool {
        matches!(self, Self::Engine(_) | Self::Corrupt { .. })
    }

    /// The error as the caller sees it, with the store's path.
    pub(crate) fn at(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Error(error) => error,
            Self::Corrupt { what, source } => Error::Corrupt { path, what, source },
            Self::Engine(redb::Error::Io(source))
                if source.kind() == io::ErrorKind::UnexpectedEof =>
            {
                Error::Corrupt {
                    path,
                    what: "the file ends too early".to_owned(),
                    source: Some(Box::new(source)),
                }
            }
            Self::Engine(redb::Error::Io(source)) => Error::Io {
                action: "read or write",
                path,
                source,
            },
            Self::Engine(error @ redb::Error::PreviousIo) => Error::Io {
                action: "go on after an earlier error, open it again:",
                path,
                source: io::Error::other(error),
            },
            Self::Engine(redb::Error::DatabaseAlreadyOpen) => Error::Busy {
                path,
                waited: std::time::Duration::ZERO,
            },
            Self::Engine(error) => Error::Corrupt {
                path,
                what: "the storage engine refuses it".to_owned(),
                source: Some(Box::new(error)),
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

macro_rules! from_engine {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Engine(error.into())
            }
        }
    )*};
}

from_engine!(
    redb::Error,
    redb::DatabaseError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::CursorError,
    redb::CompactionError
);

/// Runs `work` and turns a panic in it into [`Failure::Corrupt`].
///
/// redb checks the checksums of its pages only in its integrity check, and panics on some damaged
/// pages; a program that embeds the store must not die of a damaged file. This is the one place
/// where a panic is caught. The values that `work` may leave half changed are a write transaction,
/// which redb itself poisons, and tables of a snapshot, which are only read.
pub(crate) fn contain<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let within = WITHIN.get();
    WITHIN.set(within + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    WITHIN.set(within);
    done.unwrap_or_else(|panic| {
        let panic = match panic.downcast::<CallersPanic>() {
            Ok(callers) if within == 0 => resume_unwind(callers.0),
            Ok(callers) => resume_unwind(callers),
            Err(panic) => panic,
        };
        Err(Failure::corrupt(format!(
            "the storage engine gave up on it: {}",
            panic_text(panic.as_ref())
        )))
    })
}

thread_local! {
    /// How many calls of [`contain`] this thread is within.
    static WITHIN: Cell<u32> = const { Cell::new(0) };
}

/// A panic of code that the caller of the library gave, on its way through [`contain`].
struct CallersPanic(Box<dyn Any + Send>);

/// Runs code that the caller of the library gave, be it a subscriber of `tracing`: a panic in it is no
/// damage of the file, so it passes through [`contain`] to the caller.
pub(crate) fn run_callers<T>(work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        if WITHIN.get() == 0 {
            resume_unwind(panic)
        }
        resume_unwind(Box::new(CallersPanic(panic)))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use std::panic::catch_unwind;

    use super::{Failure, contain, run_callers};
    use crate::error::ErrorKind;

    #[test]
    fn a_panic_below_is_damage_not_death() {
        let failure = contain::<()>(|| panic!("page {} is no page", 7)).unwrap_err();
        let error = failure.at(Path::new("images.redb"));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("page 7 is no page"), "{error}");
    }

    #[test]
    fn a_panic_of_the_callers_own_code_is_passed_on() {
        fn within(calls: u32) -> Result<(), Failure> {
            match calls {
                0 => {
                    run_callers(|| panic!("on purpose"));
                    Ok(())
                }
                calls => contain(|| within(calls - 1)),
            }
        }
        for calls in 0..4 {
            let panic = catch_unwind(|| within(calls)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"on purpose"), "{calls}");
        }
    }

    #[test]
    fn an_engine_error_keeps_its_source() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let failure = Failure::from(redb::StorageError::Io(full));
        assert!(failure.breaks_transaction());
        let error = failure.at(Path::new("images.redb"));
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(std::error::Error::source(&error).is_some());
    }
}
