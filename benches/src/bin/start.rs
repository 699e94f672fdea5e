//! What one question to the program costs: `image-store inspect NAME` in a process of its own, beside
//! a Rust program that does nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use image_store_benches::sample;
use nix::sys::resource::{UsageWho, getrusage};

/// Measures starting the program.
#[derive(Parser)]
struct Args {
    /// How many images the store has.
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
    /// How often each program is started.
    #[arg(long, default_value_t = 101)]
    rounds: u64,
    /// The program.
    #[arg(long, default_value = "target/release/image-store")]
    program: PathBuf,
    /// The folder to work in.
    #[arg(long, default_value = "target/scaling")]
    work: PathBuf,
}

fn main() -> Result<()> {
    // What the empty program does: before anything else, and nothing.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == "nothing")
    {
        return Ok(());
    }
    let args = Args::parse();
    let base = sample::base(&args.work, args.count)?;
    let folder = tempfile::tempdir_in(&args.work)?;
    let path = folder.path().join("images.redb");
    std::fs::copy(&base, &path)?;
    // A gigabyte that is still on its way to the disk slows whatever reads the file.
    std::fs::File::open(&path)?.sync_all()?;
    let this = std::env::current_exe()?;
    println!("| program | median | quickest | largest memory |");
    println!("|---|---:|---:|---:|");
    let nothing = |_| {
        let mut command = Command::new(&this);
        command.arg("nothing");
        command
    };
    measure("an empty Rust program", args.rounds, &nothing)?;
    let inspect = |step: u64| {
        let mut command = Command::new(&args.program);
        let name = sample::name(step * 7_919 % args.count);
        command.arg("--store").arg(&path).arg("--read-only");
        command.arg("inspect").arg(name);
        command
    };
    measure(
        "image-store --read-only inspect NAME",
        args.rounds,
        &inspect,
    )
}

/// The memory is the most of all children, so the smaller program must come first.
fn measure(what: &str, rounds: u64, command: &dyn Fn(u64) -> Command) -> Result<()> {
    let mut seconds = Vec::new();
    for step in 0..rounds {
        let mut command = command(step);
        command.stdout(Stdio::null());
        let begun = Instant::now();
        let status = command.status()?;
        seconds.push(begun.elapsed().as_secs_f64());
        anyhow::ensure!(status.success(), "{what} failed");
    }
    seconds.sort_by(f64::total_cmp);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!(
        "| {what} | {:.2} ms | {:.2} ms | {:.1} MiB |",
        seconds[seconds.len() / 2] * 1e3,
        seconds[0] * 1e3,
        usage.max_rss() as f64 / 1024.0
    );
    Ok(())
}
