//! Promise: at a terminal, progress is drawn and leaves nothing behind, there are colours, and a
//! person is asked before something that cannot be undone; what images are called cannot move the
//! cursor.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Place, data};

const ROWS: u16 = 50;
const COLUMNS: u16 = 200;

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs at a terminal, and what the terminal shows.
struct Terminal {
    keyboard: File,
    child: Child,
    /// What the program writes; ends when nobody has the terminal open any more.
    written: Receiver<Vec<u8>>,
    raw: Vec<u8>,
    screen: vt100::Parser,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let slave = File::from(rustix::fs::open(&name, flags, Mode::empty()).unwrap());
        let size = Winsize {
            ws_row: ROWS,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.env("TERM", "xterm-256color").spawn().unwrap();
        // With them the program has the only open ends.
        drop((command, slave));

        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, written) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The system reports the end as an error.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard,
            child,
            written,
            raw: Vec::new(),
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
        }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        while !self.screen.screen().contents().contains(text) {
            let bytes = self
                .written
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("no {text:?} on:\n{}", self.screen.screen().contents()));
            self.take(&bytes);
        }
    }

    fn enter(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").unwrap();
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    /// Waits for the program: its exit code, what the screen shows at the end, and all that was
    /// written.
    fn end(mut self) -> (i32, String, String) {
        while let Ok(bytes) = self.written.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        let raw = String::from_utf8_lossy(&self.raw).into_owned();
        (code, self.screen.screen().contents(), raw)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at_terminal(place: &Place, arguments: &[&str]) -> Terminal {
    let mut command = place.program();
    command.args(arguments);
    Terminal::start(command)
}

fn filled() -> Place {
    let place = Place::new();
    for (id, name) in [("a", "app"), ("b", "other"), ("c", "third")] {
        place.run(&["create", "--id", id, "--name", name]).printed();
    }
    place
}

fn left(place: &Place) -> String {
    let ran = place.run(&["list", "--quiet"]);
    ran.printed().split_whitespace().collect()
}

#[test]
fn a_progress_bar_is_drawn_and_clears_itself() {
    let place = Place::new();
    let source = data("podman/vfs-images");
    for arguments in [&["import", source.to_str().unwrap()][..], &["verify"]] {
        let (code, screen, raw) = at_terminal(&place, arguments).end();
        assert_eq!(code, 0, "{screen}");
        // A bar begins empty, and says how long it will take. It flashed up full before.
        let begun = raw.find(['█', '░']).unwrap();
        assert!(raw[begun..].starts_with('░'), "{raw:?}");
        for drawn in ["░", " left"] {
            assert!(raw.contains(drawn), "{drawn:?} was not drawn: {raw:?}");
            assert!(!screen.contains(drawn), "the bar is still there:\n{screen}");
        }
        let last = screen.lines().last().unwrap();
        let result = if arguments[0] == "verify" {
            "the store is sound"
        } else {
            "read "
        };
        assert!(last.starts_with(result), "{screen}");
    }
}

#[test]
fn a_bar_has_counts_rate_and_time_left() {
    let place = Place::new();
    let source = data("podman/vfs-images");
    let (code, _, raw) = at_terminal(&place, &["import", source.to_str().unwrap()]).end();
    assert_eq!(code, 0);
    for part in [
        "importing",
        "100%",
        "32 images, 111 items (161.62 KiB)",
        "left",
    ] {
        assert!(raw.contains(part), "no {part}: {raw:?}");
    }
    assert!(!raw.contains("progress: "), "{raw:?}");
}

#[test]
fn delete_asks_before_it_deletes_more_than_one() {
    let place = filled();
    let mut terminal = at_terminal(&place, &["delete", "app", "other"]);
    terminal.expect("delete 2 images? [y/N]");
    terminal.enter("n");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("nothing was changed"), "{screen}");
    assert!(
        screen.contains("  a             app"),
        "what is to go is not shown:\n{screen}"
    );
    assert_eq!(left(&place), "abc");

    // Nobody waits for the person: others write meanwhile.
    let mut terminal = at_terminal(&place, &["delete", "app", "other"]);
    terminal.expect("[y/N]");
    place
        .run(&["--lock-wait", "20", "tag", "third", "meanwhile"])
        .printed();
    terminal.enter("Yes");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert_eq!(left(&place), "c");

    let (code, screen, _) = at_terminal(&place, &["delete", "c"]).end();
    assert_eq!(code, 0, "one image needs no question:\n{screen}");
    assert_eq!(left(&place), "");
}

#[test]
fn nobody_is_asked_who_said_yes_before() {
    let place = filled();
    let (code, screen, _) = at_terminal(&place, &["delete", "--yes", "a", "b"]).end();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains('?'), "{screen}");
    assert_eq!(left(&place), "c");
}

#[test]
fn an_image_that_changed_meanwhile_is_looked_at_again() {
    let place = filled();
    place.run(&["untag", "a"]).printed();
    place.run(&["untag", "b"]).printed();
    let mut terminal = at_terminal(&place, &["delete", "--all-untagged"]);
    terminal.expect("delete 2 images? [y/N]");
    place.run(&["tag", "a", "wanted"]).printed();
    terminal.enter("y");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert_eq!(left(&place), "ac", "an image that got a name was deleted");
}

#[test]
fn wipe_asks() {
    let place = filled();
    let mut terminal = at_terminal(&place, &["wipe"]);
    terminal.expect("remove all 3 images from ");
    terminal.enter("");
    assert_eq!(terminal.end().0, 1);
    assert_eq!(left(&place), "abc");

    let mut terminal = at_terminal(&place, &["wipe"]);
    terminal.expect("[y/N]");
    terminal.enter("y");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 0);
    assert!(screen.contains("removed 3 images"), "{screen}");
    assert_eq!(left(&place), "");
}

#[test]
fn there_are_colours_unless_they_are_not_wanted() {
    let place = filled();
    for arguments in [&["list"][..], &["inspect", "none"]] {
        let (_, _, raw) = at_terminal(&place, arguments).end();
        assert!(raw.contains("\u{1b}[1m"), "{arguments:?}: {raw:?}");
        let mut command = place.program();
        command.args(arguments).env("NO_COLOR", "1");
        let (_, screen, raw) = Terminal::start(command).end();
        assert!(!raw.contains('\u{1b}'), "{arguments:?}: {raw:?}");
        assert!(!screen.is_empty());
    }
}

#[test]
fn nothing_of_an_image_moves_the_cursor() {
    let place = Place::new();
    let evil = "x\u{1b}[2Jy";
    let create = ["create", "--id", evil, "--name", evil, "--metadata", evil];
    place.run(&create).printed();
    for arguments in [
        &["list"][..],
        &["list", "--format", "{{ name }} {{ metadata }}"],
        &["list", "--quiet"],
        &["find", "x"],
        &["names", "list", "x"],
        &["metadata", "get", "x"],
        &["inspect", "x"],
        &["inspect", evil, "none"],
    ] {
        let (_, screen, raw) = at_terminal(&place, arguments).end();
        assert!(!raw.contains("\u{1b}[2J"), "{arguments:?}: {raw:?}");
        assert!(screen.contains('y'), "{arguments:?}:\n{screen}");
    }
}
