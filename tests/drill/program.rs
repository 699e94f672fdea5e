//! The program as a client sees it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A `batch` process.
pub struct Batch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The process ended before it answered.
#[derive(Debug)]
pub struct Dead;

pub fn program(store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_image-store"));
    command.arg("--store").arg(store).args(arguments);
    command
}

impl Batch {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub fn writer(store: &Path) -> Self {
        Self::start(program(store, &["batch"]))
    }

    pub fn reader(store: &Path) -> Self {
        Self::start(program(store, &["--read-only", "batch"]))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request without waiting for its reply.
    pub fn send(&mut self, request: &Value) -> Result<(), Dead> {
        let line = format!("{request}\n");
        self.input
            .write_all(line.as_bytes())
            .and_then(|()| self.input.flush())
            .map_err(|_| Dead)
    }

    pub fn receive(&mut self) -> Result<Value, Dead> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(length) if length > 0 && line.ends_with('\n') => {
                Ok(serde_json::from_str(&line).unwrap())
            }
            _ => Err(Dead),
        }
    }

    pub fn ask(&mut self, request: &Value) -> Result<Value, Dead> {
        self.send(request)?;
        self.receive()
    }

    /// What `ok` holds, of a request that must succeed.
    #[track_caller]
    pub fn ok(&mut self, request: &Value) -> Value {
        let reply = self
            .ask(request)
            .unwrap_or_else(|_| panic!("died of {request}"));
        reply
            .get("ok")
            .unwrap_or_else(|| panic!("{request} got {reply}"))
            .clone()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends its input and waits for its end.
    #[track_caller]
    pub fn end(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

pub fn create(id: &str, length: usize) -> Value {
    let manifest = base64(format!("manifest of {id}").as_bytes());
    // Bytes that do not compress, the same ones for the same ID.
    let mut word = id
        .bytes()
        .fold(1_u32, |word, byte| word.wrapping_mul(31) ^ u32::from(byte));
    let config: Vec<u8> = std::iter::repeat_with(|| {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (word >> 24) as u8
    })
    .take(length)
    .collect();
    json!({"op": "create", "id": id, "names": [format!("localhost/{id}:1")], "metadata": "0", "big-data": [
        {"key": "manifest", "data": manifest},
        {"key": "config", "data": base64(&config)},
    ]})
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
