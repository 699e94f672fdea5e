//! Promise: what gets a name is on disk before, and the name itself is on disk before an operation
//! ends well. So a power cut between any two steps leaves what was there, or what is to be there.
//!
//! The calls of an operation are written down in their order, by path. A path is *dirty* while
//! something of it may not be on disk: the bytes of a file, or the names in a folder.
#![allow(
    unsafe_code,
    reason = "the paths that a call is given are read where the thread that makes it has them"
)]

use std::collections::BTreeSet;
use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::filter::{Call, watched};
use super::operation::{OPERATIONS, Operation};
use super::{copy, room};

/// What may not be on disk, and where a rule was broken.
#[derive(Debug, Default)]
struct Dirt {
    dirty: BTreeSet<PathBuf>,
    breaches: Vec<String>,
    renames: usize,
}

impl Dirt {
    fn happen(&mut self, data: &libc::seccomp_data) {
        let number = libc::c_long::from(data.nr);
        let [a, b, c, d, ..] = data.args;
        match number {
            libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_pwrite64
            | libc::SYS_pwritev
            | libc::SYS_ftruncate
            | libc::SYS_fallocate => self.dirty.extend(of_descriptor(a)),
            libc::SYS_copy_file_range => self.dirty.extend(of_descriptor(c)),
            libc::SYS_fsync | libc::SYS_fdatasync => {
                if let Some(path) = of_descriptor(a) {
                    self.dirty.remove(&path);
                }
            }
            libc::SYS_openat if c & libc::O_CREAT as u64 != 0 => self.enter(&path_at(a, b)),
            libc::SYS_mkdirat => self.enter(&path_at(a, b)),
            libc::SYS_unlinkat => self.leave(&path_at(a, b)),
            libc::SYS_renameat | libc::SYS_renameat2 | libc::SYS_linkat => {
                self.rename(&path_at(a, b), &path_at(c, d));
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open if b & libc::O_CREAT as u64 != 0 => self.enter(&path_at(HERE, a)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mkdir => self.enter(&path_at(HERE, a)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink | libc::SYS_rmdir => self.leave(&path_at(HERE, a)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename | libc::SYS_link => self.rename(&path_at(HERE, a), &path_at(HERE, b)),
            _ => {}
        }
    }

    /// There is a new name.
    fn enter(&mut self, path: &Path) {
        if fs::symlink_metadata(path).is_err() {
            self.dirty.extend(path.parent().map(Path::to_owned));
        }
    }

    /// A name is gone; where it comes back, nothing is lost.
    fn leave(&mut self, path: &Path) {
        self.dirty.retain(|dirty| !dirty.starts_with(path));
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        self.renames += 1;
        for path in self.dirty.iter().filter(|path| path.starts_with(from)) {
            let breach = format!("{path:?} is not on disk when {from:?} becomes {to:?}");
            self.breaches.push(breach);
        }
        for path in [from, to] {
            self.dirty.extend(path.parent().map(Path::to_owned));
        }
    }
}

/// For the calls that are relative to the folder of the process.
const HERE: u64 = libc::AT_FDCWD as u64;

/// What a descriptor of this process is open on.
fn of_descriptor(descriptor: u64) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", descriptor as i32)).ok()
}

/// The path at an address of this process, from a folder.
fn path_at(folder: u64, address: u64) -> PathBuf {
    // SAFETY: the calling thread waits for the answer to a call that takes a string there.
    let text = unsafe { CStr::from_ptr(address as *const libc::c_char) };
    let path = Path::new(OsStr::from_bytes(text.to_bytes()));
    let folder = match folder as i32 {
        libc::AT_FDCWD => std::env::current_dir().unwrap(),
        _ => of_descriptor(folder).unwrap(),
    };
    // An absolute path stays as it is.
    folder.join(path)
}

fn dirt_of(operation: &Operation, folder: &Path) -> Dirt {
    let mut dirt = Dirt::default();
    let calls = [
        Call::Open,
        Call::Write,
        Call::Extend,
        Call::Sync,
        Call::Rename,
        Call::Remove,
        Call::MakeFolder,
    ];
    let numbers: Vec<_> = calls
        .iter()
        .flat_map(|call| call.numbers())
        .copied()
        .collect();
    let done = watched(
        &numbers,
        || (operation.act)(folder),
        |data| {
            dirt.happen(data);
            None
        },
    );
    done.unwrap();
    dirt
}

#[test]
fn what_gets_a_name_is_on_disk_before_and_the_name_after() {
    let mut renames = 0;
    for operation in OPERATIONS {
        let start = tempfile::tempdir_in(room()).unwrap();
        (operation.prepare)(start.path());
        let run = tempfile::tempdir_in(room()).unwrap();
        copy(start.path(), run.path());
        let dirt = dirt_of(operation, run.path());
        let name = operation.name;
        assert_eq!(dirt.breaches, [""; 0], "{name}");
        let left: Vec<_> = dirt
            .dirty
            .iter()
            .filter(|path| path.starts_with(run.path()))
            .collect();
        assert!(left.is_empty(), "{name}: {left:?} may not be on disk");
        renames += dirt.renames;
    }
    assert!(renames >= 10, "only {renames} renames");
}
