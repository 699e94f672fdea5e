//! Promise: on a terminal a bar tells how far an import is, and leaves nothing behind.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::process::Stdio;
use std::ptr;
use std::thread;

use crate::support::{Place, data};

/// Both ends of a new terminal, of 200 columns.
#[allow(unsafe_code, reason = "there is no other way to get a terminal")]
fn terminal() -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize {
        ws_row: 50,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: both handles are written before they are read, and nobody else owns them; a name and
    // settings are not asked for.
    unsafe {
        let opened = libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            ptr::null_mut(),
            ptr::null(),
            &raw const size,
        );
        assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
        (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs))
    }
}

#[test]
fn a_bar_has_counts_rate_and_time_left() {
    let place = Place::new();
    let (mut ours, theirs) = terminal();
    let mut import = place.program();
    import
        .arg("import")
        .arg(data("podman/vfs-images"))
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(theirs);
    let mut child = import.spawn().unwrap();
    drop(import);
    let reader = thread::spawn(move || {
        let mut shown = Vec::new();
        // Ends with an error when the last other end is closed.
        let _ = ours.read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    assert!(child.wait().unwrap().success());
    let shown = reader.join().unwrap();
    for part in [
        "importing",
        "100%",
        "32 images, 111 items (161.62 KiB)",
        "left",
    ] {
        assert!(shown.contains(part), "no {part}: {shown:?}");
    }
    assert!(!shown.contains("progress: "), "{shown:?}");
    assert!(shown.ends_with("\u{1b}[2K"), "the bar stays: {shown:?}");
}
