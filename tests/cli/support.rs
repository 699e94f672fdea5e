//! Starts the program and talks to it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder that is removed at the end of the test, and the path of a store in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// A store with an image `a` whose item `key` is damaged, and beside it the file that it came from.
    pub(crate) fn with_damaged_item() -> Self {
        let place = Self::new();
        let text = "too short to be compressed";
        std::fs::write(place.folder.path().join("text"), text).unwrap();
        place.session(&["image-store create --id a --data key=text"]);
        let mut file = std::fs::read(place.store()).unwrap();
        let at = file
            .windows(text.len())
            .position(|part| part == text.as_bytes())
            .expect("the bytes are stored as they are");
        file[at] ^= 1;
        std::fs::write(place.store(), file).unwrap();
        place
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("images.redb")
    }

    /// The program with this store, to be given a command.
    pub(crate) fn program(&self) -> Command {
        let mut program = program();
        program.arg("--store").arg(self.store());
        program
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::start(self.program().arg("batch"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.program().args(arguments))
    }
}

impl Place {
    /// What a person sees who types these lines at a shell in the folder of the store, one after the
    /// other: standard error with a mark before each line, and the exit code where it is not 0.
    pub(crate) fn session(&self, lines: &[&str]) -> String {
        let mut seen = String::new();
        for line in lines {
            let ran = run(shell(line)
                .env("IMAGE_STORE", "images.redb")
                .current_dir(self.folder.path()));
            seen.push_str(&format!("$ {line}\n{}", ran.stdout));
            if !seen.ends_with('\n') {
                seen.push('\n');
            }
            for error in ran.stderr.lines() {
                seen.push_str(&format!("! {error}\n"));
            }
            if ran.code != 0 {
                seen.push_str(&format!("[exit {}]\n", ran.code));
            }
        }
        seen
    }
}

/// A shell that finds the program.
pub(crate) fn shell(script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_image-store"));
    let folder = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap();
    let mut shell = clean("sh".as_ref());
    shell
        .args(["-c", script])
        .env("PATH", format!("{folder}:{path}"));
    shell
}

/// The program, free of what the environment would say to it.
pub(crate) fn program() -> Command {
    clean(env!("CARGO_BIN_EXE_image-store").as_ref())
}

fn clean(program: &Path) -> Command {
    let mut program = Command::new(program);
    for variable in ["IMAGE_STORE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        program.env_remove(variable);
    }
    program
}

/// Data that is kept with the tests.
pub(crate) fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The lines of standard error, but for those that tell how far it is.
    pub(crate) fn told(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines
            .filter(|line| !line.starts_with("progress: "))
            .collect()
    }

    /// The exit code and the one line of standard error.
    #[track_caller]
    pub(crate) fn failed(&self) -> (i32, &str) {
        let lines = self.told();
        assert_eq!(lines.len(), 1, "not one line of error: {self:?}");
        (self.code, lines[0])
    }

    /// Standard output, of a run that succeeded without anything to tell.
    #[track_caller]
    pub(crate) fn printed(&self) -> &str {
        assert_eq!((self.code, self.told()), (0, Vec::new()), "{self:?}");
        &self.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.printed()).unwrap()
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        code: status.code().expect("the program was not killed"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A running `batch`.
pub(crate) struct Batch {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Batch {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Sends one line as it is, and waits for the reply.
    #[track_caller]
    pub(crate) fn ask_line(&mut self, line: &[u8]) -> Value {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
        self.reply()
    }

    #[track_caller]
    pub(crate) fn reply(&mut self) -> Value {
        let mut reply = String::new();
        self.output.read_line(&mut reply).unwrap();
        assert!(reply.ends_with('\n'), "not a whole line: {reply:?}");
        serde_json::from_str(&reply).unwrap()
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, request: Value) -> Value {
        self.ask_line(request.to_string().as_bytes())
    }

    /// The value of a request that must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, request: Value) -> Value {
        let mut reply = self.ask(request.clone());
        let reply = reply.as_object_mut().unwrap();
        assert_eq!(reply.len(), 1, "{request} got {reply:?}");
        reply
            .remove("ok")
            .unwrap_or_else(|| panic!("{request} got {reply:?}"))
    }

    /// The kind and the message of a request that must fail.
    #[track_caller]
    pub(crate) fn error(&mut self, request: Value) -> (String, String) {
        error_of(&self.ask(request))
    }

    /// The kind of a request that must fail.
    #[track_caller]
    pub(crate) fn kind(&mut self, request: Value) -> String {
        self.error(request).0
    }

    /// Creates an image with an ID and names.
    #[track_caller]
    pub(crate) fn create(&mut self, id: &str, names: &[&str]) {
        self.ok(json!({"op": "create", "id": id, "names": names}));
    }

    /// Ends the input and waits for the program.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.input = None;
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).unwrap();
        assert_eq!(rest, "", "more replies than requests");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Only a test that failed leaves it running; there is nobody to tell of a failure here.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The kind and the message of a reply that must be an error.
#[track_caller]
pub(crate) fn error_of(reply: &Value) -> (String, String) {
    let text = |key: &str| {
        let text = reply["error"][key].as_str();
        text.unwrap_or_else(|| panic!("no error: {reply}"))
            .to_owned()
    };
    (text("kind"), text("message"))
}

/// Kills runs of the program at moments spread over the length of one, until enough were killed
/// that were still running: a run that had ended by then does not count.
pub(crate) struct Kills {
    wanted: u32,
    killed: u32,
    tries: u32,
}

impl Kills {
    pub(crate) fn new(wanted: u32) -> Self {
        let (killed, tries) = (0, 0);
        Self {
            wanted,
            killed,
            tries,
        }
    }

    /// Which try comes next, and after which part of the length of a run it is to be killed.
    pub(crate) fn next(&mut self) -> Option<(u32, f64)> {
        if self.killed == self.wanted {
            println!("{} of {} runs were killed", self.killed, self.tries);
            return None;
        }
        assert!(
            self.tries < 20 * self.wanted,
            "only {} were killed in {} tries",
            self.killed,
            self.tries
        );
        self.tries += 1;
        // The golden section spreads any number of moments evenly.
        let part = (f64::from(self.tries) * 0.618_034).fract();
        Some((self.tries, part))
    }

    /// Kills a run, and counts it where it was still running.
    pub(crate) fn kill(&mut self, mut child: Child) {
        child.kill().unwrap();
        let status = child.wait().unwrap();
        self.killed += u32::from(status.signal() == Some(9));
    }
}
