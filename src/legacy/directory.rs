//! Reading inside of a legacy images directory, and never outside.
//!
//! The directory is opened once; everything below it is reached from that handle, name by name,
//! without following links. So what is read lies in the directory even where a record or a link
//! leads elsewhere, or where somebody swaps a folder meanwhile. What is no regular file is not
//! opened: a FIFO would hang, a device may do something.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RawDir, SeekFrom, fstat, openat, seek, statat,
};
use rustix::io::Errno;

/// A folder that was opened without following a link.
#[derive(Debug)]
pub(crate) struct Directory(OwnedFd);

/// What lies at a path.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// What was looked for.
    Opened(T),
    /// Nothing.
    Missing,
    /// Something else, which was not opened.
    Other(FileKind),
}

/// What something in a directory is.
///
/// # Examples
///
/// ```
/// use image_store::legacy::{FileKind, Finding};
///
/// let (path, kind) = ("a1/extra".into(), FileKind::Link);
/// let finding = Finding::UnlistedFile { path, kind };
/// assert!(finding.to_string().contains("a symbolic link"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; it is never followed.
    Link,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Something that the system did not name.
    Unknown,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Unknown => "something unknown",
        })
    }
}

impl From<FileType> for FileKind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            _ => Self::Unknown,
        }
    }
}

/// Something that a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) kind: FileKind,
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// `NONBLOCK`, for what became a FIFO after it was looked at.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Directory {
    /// Takes over the handle of a folder that the caller opened.
    pub(crate) const fn new(handle: OwnedFd) -> Self {
        Self(handle)
    }

    /// Whether `path` leads to this folder.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        let (own, there) = (fstat(&self.0)?, path.metadata()?);
        Ok((own.st_dev, own.st_ino) == (there.dev(), there.ino()))
    }

    /// The folder behind `path`, name by name.
    pub(crate) fn folder(&self, path: &[&str]) -> io::Result<Found<Self>> {
        let Some((first, rest)) = path.split_first() else {
            return Ok(Found::Opened(Self(self.0.try_clone()?)));
        };
        let mut folder = match self.child(OsStr::new(first))? {
            Found::Opened(child) => child,
            other => return Ok(other),
        };
        for name in rest {
            match folder.child(OsStr::new(name))? {
                Found::Opened(child) => folder = child,
                other => return Ok(other),
            }
        }
        Ok(Found::Opened(folder))
    }

    /// The folder `name` in this one.
    pub(crate) fn child(&self, name: &OsStr) -> io::Result<Found<Self>> {
        match openat(&self.0, name, FOLDER, Mode::empty()) {
            Ok(handle) => Ok(Found::Opened(Self(handle))),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(Found::Missing),
            Err(Errno::NOTDIR | Errno::LOOP) => self.other(name),
            Err(error) => Err(error.into()),
        }
    }

    /// The regular file behind `path`; an empty path is this folder.
    pub(crate) fn file(&self, path: &[&str]) -> io::Result<Found<File>> {
        let Some((name, folders)) = path.split_last() else {
            return Ok(Found::Other(FileKind::Folder));
        };
        if folders.is_empty() {
            return self.own_file(OsStr::new(name));
        }
        Ok(match self.folder(folders)? {
            Found::Opened(folder) => folder.own_file(OsStr::new(name))?,
            Found::Missing => Found::Missing,
            Found::Other(kind) => Found::Other(kind),
        })
    }

    /// The regular file `name` in this folder.
    pub(crate) fn own_file(&self, name: &OsStr) -> io::Result<Found<File>> {
        match self.kind_of(name)? {
            None => Ok(Found::Missing),
            Some(FileKind::File) => self.known_file(name),
            Some(kind) => Ok(Found::Other(kind)),
        }
    }

    /// The file `name` in this folder, which was a regular one when it was looked at.
    pub(crate) fn known_file(&self, name: &OsStr) -> io::Result<Found<File>> {
        let handle = match openat(&self.0, name, FILE, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(Found::Missing),
            Err(Errno::LOOP | Errno::NXIO) => return self.other(name),
            Err(error) => return Err(error.into()),
        };
        let kind = FileType::from_raw_mode(fstat(&handle)?.st_mode).into();
        Ok(match kind {
            FileKind::File => Found::Opened(handle.into()),
            kind => Found::Other(kind),
        })
    }

    /// What `name` is, or `None` where there is nothing.
    pub(crate) fn kind_of(&self, name: &OsStr) -> io::Result<Option<FileKind>> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode).into())),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything in the folder, in no order.
    pub(crate) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Entry>> + '_> {
        let entries = Dir::read_from(self.0.as_fd())?;
        Ok(entries.filter_map(|entry| self.entry(entry).transpose()))
    }

    /// The same of a folder that holds little: without the memory that reading a large one in
    /// pieces takes.
    pub(crate) fn listing(&self) -> io::Result<Vec<Entry>> {
        let mut buffer = [MaybeUninit::uninit(); 4 << 10];
        seek(&self.0, SeekFrom::Start(0))?;
        let mut entries = RawDir::new(&self.0, &mut buffer);
        let mut listing = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            listing.extend(self.told(entry.file_name().to_bytes(), entry.file_type())?);
        }
        Ok(listing)
    }

    fn entry(&self, entry: rustix::io::Result<rustix::fs::DirEntry>) -> io::Result<Option<Entry>> {
        let entry = entry?;
        self.told(entry.file_name().to_bytes(), entry.file_type())
    }

    /// An entry as a listing tells it; none for the folder itself and the one above.
    fn told(&self, name: &[u8], file_type: FileType) -> io::Result<Option<Entry>> {
        let name = OsStr::from_bytes(name);
        if name == "." || name == ".." {
            return Ok(None);
        }
        let kind = match file_type {
            // Not every file system tells the kind along with the name.
            FileType::Unknown => self.kind_of(name)?.unwrap_or(FileKind::Unknown),
            told => told.into(),
        };
        let name = name.to_owned();
        Ok(Some(Entry { name, kind }))
    }

    /// What could not be opened as what was looked for.
    fn other<T>(&self, name: &OsStr) -> io::Result<Found<T>> {
        Ok(match self.kind_of(name)? {
            None => Found::Missing,
            Some(kind) => Found::Other(kind),
        })
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::{Directory, FileKind, Found};

    fn open(path: &Path) -> Directory {
        Directory::new(fs::File::open(path).unwrap().into())
    }

    fn kind(directory: &Directory, path: &[&str]) -> FileKind {
        match directory.file(path).unwrap() {
            Found::Other(kind) => kind,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_regular_files_only_and_hangs_on_nothing() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        fs::create_dir_all(root.join("sub/dir")).unwrap();
        fs::write(root.join("sub/dir/file"), "bytes").unwrap();
        symlink(outside.path(), root.join("link-to-folder")).unwrap();
        symlink(outside.path().join("secret"), root.join("link-to-file")).unwrap();
        symlink("nowhere", root.join("link-to-nothing")).unwrap();
        mkfifoat(CWD, root.join("fifo"), Mode::RUSR).unwrap();
        let _socket = UnixListener::bind(root.join("socket")).unwrap();

        let directory = open(root);
        let Found::Opened(mut file) = directory.file(&["sub", "dir", "file"]).unwrap() else {
            panic!("there is a file");
        };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bytes");

        assert_eq!(kind(&directory, &[]), FileKind::Folder);
        assert_eq!(kind(&directory, &["sub"]), FileKind::Folder);
        assert_eq!(kind(&directory, &["link-to-folder"]), FileKind::Link);
        assert_eq!(
            kind(&directory, &["link-to-folder", "secret"]),
            FileKind::Link
        );
        assert_eq!(kind(&directory, &["link-to-file"]), FileKind::Link);
        assert_eq!(kind(&directory, &["link-to-nothing"]), FileKind::Link);
        assert_eq!(kind(&directory, &["fifo"]), FileKind::Fifo);
        assert_eq!(kind(&directory, &["fifo", "x"]), FileKind::Fifo);
        assert_eq!(kind(&directory, &["socket"]), FileKind::Socket);
        let too_long = "x".repeat(256);
        for missing in ["nothing", too_long.as_str()] {
            assert!(matches!(
                directory.file(&[missing]).unwrap(),
                Found::Missing
            ));
            assert!(matches!(
                directory.file(&[missing, "x"]).unwrap(),
                Found::Missing
            ));
        }
    }

    #[test]
    fn a_folder_that_is_swapped_for_a_link_is_not_left() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("file"), "outside").unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("file"), "inside").unwrap();

        let directory = open(temporary.path());
        let Found::Opened(opened) = directory.folder(&["folder"]).unwrap() else {
            panic!("there is a folder");
        };
        fs::rename(&folder, temporary.path().join("moved")).unwrap();
        symlink(outside.path(), &folder).unwrap();
        let Found::Opened(mut file) = opened.file(&["file"]).unwrap() else {
            panic!("there is a file");
        };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        assert_eq!(kind(&directory, &["folder", "file"]), FileKind::Link);
    }

    #[test]
    fn entries_tell_their_kind() {
        let temporary = tempfile::tempdir().unwrap();
        fs::create_dir(temporary.path().join("folder")).unwrap();
        fs::write(temporary.path().join("file"), "").unwrap();
        symlink("file", temporary.path().join("link")).unwrap();
        let directory = open(temporary.path());
        let mut entries: Vec<_> = directory
            .entries()
            .unwrap()
            .map(|entry| entry.map(|entry| (entry.name, entry.kind)).unwrap())
            .collect();
        entries.sort_by_key(|(name, _)| name.clone());
        assert_eq!(
            entries,
            [
                ("file".into(), FileKind::File),
                ("folder".into(), FileKind::Folder),
                ("link".into(), FileKind::Link)
            ]
        );
    }
}
