//! Writing inside of a folder, and never outside: everything is reached from its handle, name by
//! name, and no link is followed.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fsync, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::legacy::directory::{Directory, FileKind, Found};

/// The mode of folders, as the legacy store has it.
pub(super) const FOLDER_MODE: Mode = Mode::RWXU;
/// The mode of `images.json` and of item files, as the legacy store has it.
pub(super) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Directory {
    /// Makes the folder `name` in this one.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<Self> {
        mkdirat(self, name, FOLDER_MODE)?;
        let folder = self.existing(name)?;
        // Whatever the umask.
        fchmod(&folder, FOLDER_MODE)?;
        Ok(folder)
    }

    /// The folder `name` in this one, which is made where it is missing.
    pub(super) fn made_folder(&self, name: &str) -> io::Result<Self> {
        match self.make_folder(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.existing(name),
            made => made,
        }
    }

    /// The folder `name` in this one, which must be there.
    pub(super) fn existing(&self, name: &str) -> io::Result<Self> {
        match self.child(OsStr::new(name))? {
            Found::Opened(folder) => Ok(folder),
            Found::Missing => Err(io::ErrorKind::NotFound.into()),
            Found::Other(kind) => Err(in_the_way(kind)),
        }
    }

    /// Makes the file `name` in this folder.
    pub(super) fn new_file(&self, name: &str, mode: Mode) -> io::Result<File> {
        let file = openat(self, name, NEW_FILE, mode)?;
        fchmod(&file, mode)?;
        Ok(file.into())
    }

    /// Gives the file or folder `name` to another folder, where it replaces a file of the name.
    pub(super) fn move_to(&self, name: &str, folder: &Self, new_name: &str) -> io::Result<()> {
        Ok(renameat(self, name, folder, new_name)?)
    }

    /// Makes the names in this folder outlive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(fsync(self.as_fd())?)
    }

    /// Removes `name` with everything in it; nothing happens where there is nothing.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(self, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        if let Found::Opened(folder) = self.child(name)? {
            let entries: Vec<_> = folder.entries()?.collect::<io::Result<_>>()?;
            for entry in entries {
                folder.remove(&entry.name)?;
            }
        }
        Ok(unlinkat(self, name, AtFlags::REMOVEDIR)?)
    }
}

/// The error of something that lies where a folder or file of the layout goes.
pub(super) fn in_the_way(kind: FileKind) -> io::Error {
    io::Error::other(format!(
        "it is {kind} in the place of another thing; move it away"
    ))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::FILE_MODE;
    use crate::legacy::directory::Directory;

    #[test]
    fn makes_and_removes_without_following_links() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("kept"), "").unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let root = Directory::new(fs::File::open(temporary.path()).unwrap().into());

        let folder = root.make_folder("folder").unwrap();
        folder.new_file("file", FILE_MODE).unwrap();
        folder.make_folder("sub").unwrap();
        symlink(outside.path(), temporary.path().join("folder/sub/link")).unwrap();
        let mode = |path: &str| {
            let metadata = fs::metadata(temporary.path().join(path)).unwrap();
            metadata.permissions().mode() & 0o7777
        };
        assert_eq!((mode("folder"), mode("folder/file")), (0o700, 0o600));
        assert!(folder.new_file("file", FILE_MODE).is_err());

        symlink(outside.path(), temporary.path().join("link")).unwrap();
        assert!(root.made_folder("link").is_err());
        assert!(root.new_file("link", FILE_MODE).is_err());
        for name in ["link", "folder", "nothing"] {
            root.remove(OsStr::new(name)).unwrap();
        }
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
        assert!(outside.path().join("kept").exists());
    }
}
