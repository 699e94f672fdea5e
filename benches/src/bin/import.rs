//! Measures an import beside what it takes to read and SHA-256 the same files with as many threads,
//! in one run: a table of wall and CPU time, and the ratios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use image_store::legacy::{self, ImportOptions};
use sha2::{Digest as _, Sha256};

/// Measures the import of an images directory that is there.
#[derive(Parser)]
struct Args {
    /// The images directory.
    source: PathBuf,
    /// How many threads read and hash, in both.
    #[arg(long, default_value_t = thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// How often each is measured, in turn; the median is reported.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The folder to import into: it must be on a disk, not in memory.
    #[arg(long, default_value = "target")]
    work: PathBuf,
}

/// Seconds on the clock, and of the processors.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.rounds > 0, "measure at least once");
    fs::create_dir_all(&args.work)?;
    let folder = tempfile::tempdir_in(&args.work)?;
    let store = folder.path().join("images.redb");
    let files = files(&args.source)?;
    // Neither is the first to read the files from the disk.
    hash(&files, args.threads)?;
    let (mut hashing, mut importing) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        hashing.push(measured(|| hash(&files, args.threads))?);
        importing.push(measured(|| {
            let options = ImportOptions::default().threads(args.threads);
            legacy::import(&args.source, &store, options).map(drop)?;
            Ok(())
        })?);
        fs::remove_file(&store)?;
    }
    let (hashing, importing) = (median(hashing), median(importing));
    println!(
        "{} files, {} threads, {} rounds",
        files.len(),
        args.threads,
        args.rounds
    );
    println!("| | wall, s | CPU, s |\n|---|---|---|");
    println!(
        "| read and SHA-256 | {:.2} | {:.2} |",
        hashing.wall, hashing.cpu
    );
    println!("| import | {:.2} | {:.2} |", importing.wall, importing.cpu);
    println!(
        "| ratio | {:.2} | {:.2} |",
        importing.wall / hashing.wall,
        importing.cpu / hashing.cpu
    );
    Ok(())
}

/// The files in the folders of `source`.
fn files(source: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(source).context("the source")? {
        let path = entry?.path();
        if path.is_dir() {
            for file in fs::read_dir(path)? {
                files.push(file?.path());
            }
        }
    }
    Ok(files)
}

fn hash(files: &[PathBuf], threads: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let worker = || -> Result<()> {
            while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                std::hint::black_box(Sha256::digest(fs::read(path)?));
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("a worker panicked"))
    })
}

fn measured(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    work()?;
    Ok(Cost {
        wall: begun.elapsed().as_secs_f64(),
        cpu: cpu_seconds()? - cpu,
    })
}

/// What the processors have done for this process, in hundredths of a second.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Result<Vec<f64>, _> = ticks.map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}

fn median(mut costs: Vec<Cost>) -> Cost {
    let mut of = |key: fn(&Cost) -> f64| {
        costs.sort_by(|one, other| key(one).total_cmp(&key(other)));
        key(&costs[costs.len() / 2])
    };
    Cost {
        wall: of(|cost| cost.wall),
        cpu: of(|cost| cost.cpu),
    }
}
