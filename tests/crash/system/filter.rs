//! Lets one system call of a thread fail, whoever makes it: the standard library, a package, or
//! ours.
//!
//! A thread installs a seccomp filter, which it hands on to the threads that it starts, and which
//! asks a supervisor about every call of one kind. The supervisor answers all but one of them with
//! "go on". Nothing else in the process is touched, and no special right is needed.
#![allow(
    unsafe_code,
    reason = "no package that is kept well offers seccomp's notifications"
)]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::mpsc;
use std::thread;

use rustix::io::Errno;

/// What the system is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Open,
    Rename,
    Sync,
    Extend,
    Write,
    Remove,
    MakeFolder,
    Mode,
    Read,
    Look,
}

pub const CALLS: [Call; 10] = [
    Call::Open,
    Call::Rename,
    Call::Sync,
    Call::Extend,
    Call::Write,
    Call::Remove,
    Call::MakeFolder,
    Call::Mode,
    Call::Read,
    Call::Look,
];

impl Call {
    /// The numbers of the system calls that do this.
    pub fn numbers(self) -> &'static [libc::c_long] {
        match self {
            Self::Open => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_open,
                libc::SYS_openat,
                libc::SYS_openat2,
            ],
            Self::Rename => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_rename,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_link,
                libc::SYS_renameat,
                libc::SYS_renameat2,
                libc::SYS_linkat,
            ],
            Self::Sync => &[
                libc::SYS_fsync,
                libc::SYS_fdatasync,
                libc::SYS_sync_file_range,
                libc::SYS_syncfs,
            ],
            Self::Extend => &[libc::SYS_ftruncate, libc::SYS_fallocate],
            Self::Write => &[
                libc::SYS_write,
                libc::SYS_writev,
                libc::SYS_pwrite64,
                libc::SYS_pwritev,
                libc::SYS_copy_file_range,
            ],
            Self::Remove => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_unlink,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_rmdir,
                libc::SYS_unlinkat,
            ],
            Self::MakeFolder => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_mkdir,
                libc::SYS_mkdirat,
            ],
            Self::Mode => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_chmod,
                libc::SYS_fchmod,
                libc::SYS_fchmodat,
            ],
            Self::Read => &[libc::SYS_read, libc::SYS_readv, libc::SYS_pread64],
            Self::Look => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_stat,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_lstat,
                libc::SYS_fstat,
                libc::SYS_newfstatat,
                libc::SYS_statx,
                libc::SYS_getdents64,
                libc::SYS_flock,
            ],
        }
    }
}

/// What happened while one call was to fail.
#[derive(Debug)]
pub struct Outcome<T> {
    pub result: T,
    /// Whether the call was made.
    pub made: bool,
}

/// Does `work` in a thread of its own with the `nth` call of a kind failing.
pub fn failing<T: Send>(
    call: Call,
    nth: usize,
    errno: Errno,
    work: impl FnOnce() -> T + Send,
) -> Outcome<T> {
    let mut calls = 0;
    let result = watched(call.numbers(), work, |_| {
        calls += 1;
        (calls - 1 == nth).then_some(errno)
    });
    Outcome {
        result,
        made: calls > nth,
    }
}

/// Does `work` in a thread of its own, of whose calls with these numbers `answer` says before each
/// whether it fails.
pub fn watched<T: Send>(
    numbers: &[libc::c_long],
    work: impl FnOnce() -> T + Send,
    answer: impl FnMut(&libc::seccomp_data) -> Option<Errno> + Send,
) -> T {
    thread::scope(|scope| {
        let (sender, listener) = mpsc::sync_channel(1);
        let worker = scope.spawn(move || {
            sender.send(install(numbers)).unwrap();
            work()
        });
        let listener = listener
            .recv()
            .unwrap()
            .expect("this test needs seccomp with notifications (Linux 5.9 or later)");
        let supervisor = scope.spawn(move || supervise(&listener, answer));
        let result = worker.join();
        supervisor.join().unwrap();
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Answers until no thread has the filter any more.
fn supervise(listener: &OwnedFd, mut answer: impl FnMut(&libc::seccomp_data) -> Option<Errno>) {
    loop {
        let mut poll = libc::pollfd {
            fd: listener.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid `pollfd`.
        if unsafe { libc::poll(&raw mut poll, 1, -1) } < 0 {
            continue;
        }
        if poll.revents & libc::POLLIN == 0 {
            return;
        }
        // SAFETY: the kernel wants zeroes, and all fields are numbers.
        let mut asked: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the listener is a seccomp descriptor, and `asked` is what this request fills.
        if unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut asked) } < 0 {
            continue;
        }
        let mut reply = libc::seccomp_notif_resp {
            id: asked.id,
            val: 0,
            error: 0,
            flags: 0,
        };
        match answer(&asked.data) {
            Some(errno) => reply.error = -errno.raw_os_error(),
            None => reply.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        }
        // SAFETY: as above; it fails where the asking thread is gone, which is well.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut reply) };
    }
}

const RECEIVE: libc::c_ulong = request::<libc::seccomp_notif>(0);
const SEND: libc::c_ulong = request::<libc::seccomp_notif_resp>(1);

/// The number of a seccomp request: `_IOWR('!', number, T)`.
const fn request<T>(number: libc::c_ulong) -> libc::c_ulong {
    (3 << 30) | ((size_of::<T>() as libc::c_ulong) << 16) | ((b'!' as libc::c_ulong) << 8) | number
}

/// Asks a supervisor about these calls of this thread, from now on.
fn install(numbers: &[libc::c_long]) -> io::Result<OwnedFd> {
    let statement = |code: u32, k: u32, jump_true: u8| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: 0,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let end = libc::BPF_RET | libc::BPF_K;
    // The number of the call is the first field.
    let mut program = vec![statement(load, 0, 0)];
    for (index, number) in numbers.iter().enumerate() {
        let to_end = numbers.len() - index;
        program.push(statement(equal, *number as u32, to_end as u8));
    }
    program.push(statement(end, libc::SECCOMP_RET_ALLOW, 0));
    program.push(statement(end, libc::SECCOMP_RET_USER_NOTIF, 0));
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: plain numbers; it holds for this thread and those that it starts.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `filter` points to `program`, and both outlive the call.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that the kernel has just made and nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as i32) })
}
