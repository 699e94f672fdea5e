//! Measures an import beside what it takes to read and SHA-256 the same files with as many threads,
//! and beside bare redb that loads the same rows in the order of their keys, in one run: a table of
//! wall and CPU time, and the ratios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use image_store::legacy::{self, ImportOptions};
use image_store_benches::rows;
use sha2::{Digest as _, Sha256};

/// The cache that an import has where nothing else is said.
const CACHE: usize = 320 << 20;

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
    /// Empty the system's caches before each measurement, as before a first migration. Only the
    /// superuser may.
    #[arg(long)]
    cold: bool,
    /// Measure bare redb, too: it reads the rows of the imported store and inserts them in the order
    /// of their keys, in one transaction.
    #[arg(long)]
    bare: bool,
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
    let copy = folder.path().join("bare.redb");
    let (mut hashing, mut importing, mut loading) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = 0;
    for _ in 0..args.rounds {
        if !files.is_empty() {
            args.prepare()?;
            hashing.push(measured(|| hash(&files, args.threads))?);
        }
        args.prepare()?;
        importing.push(measured(|| {
            let options = ImportOptions::default().threads(args.threads);
            legacy::import(&args.source, &store, options).map(drop)?;
            Ok(())
        })?);
        if peak == 0 {
            peak = peak_memory()?;
        }
        if args.bare {
            args.prepare()?;
            loading.push(measured(|| rows::copy_sorted(&store, &copy, CACHE))?);
            fs::remove_file(&copy)?;
        }
        fs::remove_file(&store)?;
    }
    println!(
        "{} files, {} threads, {} rounds, {} caches; {peak} MiB at most by the end of the first import",
        files.len(),
        args.threads,
        args.rounds,
        if args.cold { "cold" } else { "warm" },
    );
    println!("| | wall, s | CPU, s |\n|---|---|---|");
    let importing = median(importing);
    println!("| import | {:.2} | {:.2} |", importing.wall, importing.cpu);
    let peers = [
        ("read and SHA-256", hashing),
        ("bare redb, rows sorted", loading),
    ];
    for (peer, costs) in peers {
        if costs.is_empty() {
            continue;
        }
        let cost = median(costs);
        println!("| {peer} | {:.2} | {:.2} |", cost.wall, cost.cpu);
        println!(
            "| import / {peer} | {:.2} | {:.2} |",
            importing.wall / cost.wall,
            importing.cpu / cost.cpu
        );
    }
    Ok(())
}

impl Args {
    fn prepare(&self) -> Result<()> {
        if self.cold {
            // What was written is on disk first, so that nobody pays for another's writes.
            nix::unistd::sync();
            fs::write("/proc/sys/vm/drop_caches", "3").context("only the superuser may")?;
        }
        Ok(())
    }
}

/// The most memory that this process had, in MiB.
fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    Ok(kibibytes.context("/proc/self/status")?.parse::<u64>()? / 1024)
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
