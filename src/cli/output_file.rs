//! Files that the command line names to be written.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use image_store::Error;
use tempfile::{Builder, NamedTempFile};

use super::failure::Failure;

/// No more links are followed than the system follows.
const LINKS: usize = 40;

/// A file that takes the place of the one before when it is whole, or whatever else a path leads to.
pub(crate) enum OutputFile {
    /// A pipe, a device: it stays what it is, and gets the bytes at once.
    Through(File),
    /// The bytes are written beside `place`, and put there at the end.
    Whole {
        temporary: NamedTempFile,
        place: PathBuf,
    },
}

impl OutputFile {
    /// Opens what `path` leads to. Nothing is there yet of a file, and what was there still is.
    ///
    /// The store itself is refused, and the log beside it.
    pub(crate) fn open(path: &Path, store: &Path) -> Result<Self, Failure> {
        refuse_store(path, store)?;
        Self::of(path).map_err(|error| refused(path, error))
    }

    fn of(path: &Path) -> io::Result<Self> {
        let old = match path.metadata() {
            Ok(old) => Some(old),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match &old {
            Some(old) if old.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            // Whatever a shell has put there, and may go on to write to.
            Some(old) if is_stdout(old) => return Ok(Self::Through(stdout()?)),
            Some(old) if !old.is_file() => {
                return Ok(Self::Through(File::options().write(true).open(path)?));
            }
            _ => {}
        }
        let place = end_of_links(path)?;
        // Named by itself, and not by the temporary file that cannot be made in it.
        folder(&place).metadata()?;
        // A new file is as readable as one that a shell would make.
        let temporary = Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder(&place))?;
        if let Some(old) = old {
            let mode = old.permissions().mode() & 0o777;
            fs::set_permissions(temporary.path(), Permissions::from_mode(mode))?;
        }
        Ok(Self::Whole { temporary, place })
    }

    /// Puts the file in its place, once it is on disk: a power cut leaves the one before or this one.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Through(mut file) => file.flush(),
            Self::Whole { temporary, place } => {
                temporary.as_file().sync_all()?;
                temporary.persist(place).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

/// Writes to the files themselves: the temporary one's own errors would name it.
impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Through(file) => file.write(bytes),
            Self::Whole { temporary, .. } => temporary.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Through(file) => file.flush(),
            Self::Whole { temporary, .. } => temporary.as_file_mut().flush(),
        }
    }
}

/// Why `path` could not be written.
pub(crate) fn refused(path: &Path, source: io::Error) -> Failure {
    // As at standard output: whoever reads a pipe has had enough.
    if source.kind() == ErrorKind::BrokenPipe {
        return Failure::Output(source);
    }
    Failure::Store(Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Refuses a path that leads to the store, or to where its redo log is or will be: what is written
/// there destroys the store, or is taken for a log that is left over, and removed.
pub(crate) fn refuse_store(path: &Path, store: &Path) -> Result<(), Failure> {
    let mut log = store.as_os_str().to_owned();
    log.push("-redo");
    for (own, what) in [
        (store, "the store itself"),
        (Path::new(&log), "the place of the store's redo log"),
    ] {
        if is_same_place(path, own) {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path} is {what}; choose another file"
            )));
        }
    }
    Ok(())
}

/// Whether two paths lead to the same file, or would if there were one.
fn is_same_place(path: &Path, own: &Path) -> bool {
    let is_same = |path: &Path, own: &Path| match (path.metadata(), own.metadata()) {
        (Ok(path), Ok(own)) => identity(&path) == identity(&own),
        _ => false,
    };
    is_same(path, own)
        || end_of_links(path).is_ok_and(|path| {
            path.file_name() == own.file_name() && is_same(folder(&path), folder(own))
        })
}

/// Where links lead from `path`, whether anything is there or not.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = path.read_link() else {
            return Ok(path);
        };
        path = folder(&path).join(target);
    }
    Err(rustix::io::Errno::LOOP.into())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn stdout() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

fn is_stdout(file: &Metadata) -> bool {
    stdout()
        .and_then(|stdout| stdout.metadata())
        .is_ok_and(|stdout| identity(&stdout) == identity(file))
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
