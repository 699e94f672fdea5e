//! How long writers wait for each other: four processes write to one store as fast as they can.
//!
//! `cargo run --release --example waiting [PROCESSES] [SECONDS]` prints, for each process, how many
//! transactions it committed, and the median, the 99th percentile and the longest time from asking
//! for a transaction until it was committed.

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::error::Error;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image_store::{ImageStore, NewImage};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts.as_slice() {
        ["write", path, seconds] => write(Path::new(path), Duration::from_secs(seconds.parse()?)),
        [] => measure(4, "10"),
        [processes] => measure(processes.parse()?, "10"),
        [processes, seconds, ..] => measure(processes.parse()?, seconds),
    }
}

/// One writer: prints the time of each commit in microseconds.
fn write(path: &Path, time: Duration) -> Outcome<()> {
    let store = ImageStore::open(path)?;
    let end = Instant::now() + time;
    let mut waits = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        let image = NewImage::new().big_data("manifest", b"{}".as_slice());
        store.create(image)?;
        waits.push(begun.elapsed());
    }
    let mut output = stdout().lock();
    for wait in waits {
        writeln!(output, "{}", wait.as_micros())?;
    }
    Ok(())
}

fn measure(processes: usize, seconds: &str) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("images.redb");
    ImageStore::open(&path)?.close();
    let writers = (0..processes).map(|_| {
        Command::new(std::env::current_exe()?)
            .arg("write")
            .arg(&path)
            .arg(seconds)
            .stdout(Stdio::piped())
            .spawn()
    });
    let writers: Vec<_> = writers.collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        let output = String::from_utf8(writer.wait_with_output()?.stdout)?;
        let waits: Vec<u64> = output.lines().map(str::parse).collect::<Result<_, _>>()?;
        report(&format!("process {number}"), waits.clone());
        all.extend(waits);
    }
    report("all", all);
    Ok(())
}

fn report(who: &str, mut waits: Vec<u64>) {
    waits.sort_unstable();
    let at = |share: usize| {
        let wait = waits.get(waits.len().saturating_sub(1) * share / 100);
        wait.map_or(Duration::ZERO, |wait| Duration::from_micros(*wait))
    };
    println!(
        "{who}: {} commits, median {:?}, 99 % {:?}, longest {:?}",
        waits.len(),
        at(50),
        at(99),
        at(100)
    );
}
