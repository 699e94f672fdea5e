//! Creates images durably from one thread and from many, on this disk and on slower ones, and beside
//! them what one thread needs for the same images in longer transactions: no number of threads can be
//! faster than that, because one thread writes for all. Prints a table in Markdown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use image_store::{Access, ImageStore, NewImage};
use image_store_benches::sample;
use redb::StorageBackend;
use redb::backends::FileBackend;

/// Measures durable creates of one thread and of many.
#[derive(Parser)]
struct Args {
    /// How many images the store has.
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// How many images are created for a figure.
    #[arg(long, default_value_t = 480)]
    images: u64,
    /// How many threads.
    #[arg(long, default_value_t = 8)]
    threads: u64,
    /// How many rounds; medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many microseconds longer a sync shall take than on this disk.
    #[arg(long, value_delimiter = ',', default_value = "0,250,1000,5000")]
    slower: Vec<u64>,
    /// The folder to work in.
    #[arg(long, default_value = "target/scaling")]
    work: PathBuf,
}

/// A file whose syncs take longer.
#[derive(Debug)]
struct Slower {
    inner: FileBackend,
    by: Duration,
}

impl StorageBackend for Slower {
    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()?;
        if !self.by.is_zero() {
            thread::sleep(self.by);
        }
        Ok(())
    }
    image_store::passes_on!(inner: len, read, set_len, write, close, locks);
}

/// Who creates the images, and how.
#[derive(Clone, Copy)]
enum Way {
    Threads(u64),
    Transactions(u64),
}

fn main() -> Result<()> {
    let args = Args::parse();
    let base = sample::base(&args.work, args.count)?;
    let folder = tempfile::tempdir_in(&args.work)?;
    let ways = [
        Way::Threads(1),
        Way::Threads(args.threads),
        Way::Transactions(8),
        Way::Transactions(64),
    ];
    println!(
        "| access | slower syncs | 1 thread | {0} threads | {0} threads / 1 | 8 in a transaction | 64 in a transaction |",
        args.threads
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for access in [Access::Exclusive, Access::Shared] {
        for slower in args.slower.iter().copied().map(Duration::from_micros) {
            let mut figures = [const { Vec::new() }; 4];
            for _ in 0..args.rounds {
                for (way, figures) in ways.into_iter().zip(&mut figures) {
                    let path = folder.path().join("writers.redb");
                    fs::copy(&base, &path)?;
                    figures.push(round(&path, access, slower, way, args.images)?);
                }
            }
            let [one, many, eight, most] = figures.map(median);
            println!(
                "| {access:?} | {slower:?} | {one:.0} µs | {many:.0} µs | {:.1} | {eight:.0} µs | {most:.0} µs |",
                one / many
            );
        }
    }
    Ok(())
}

/// Creates images on a store of its own, and tells how many microseconds each took.
fn round(path: &Path, access: Access, by: Duration, way: Way, images: u64) -> Result<f64> {
    let slower = move |inner| Box::new(Slower { inner, by }) as Box<dyn StorageBackend>;
    let store = ImageStore::options()
        .access(access)
        .storage(slower)
        .redo_storage(slower)
        .open(path)?;
    // In exclusive access the first ones go to the file, before a redo log is begun.
    for n in 0..3 {
        store.set_metadata(&sample::id(n), "first")?;
    }
    let threads = match way {
        Way::Threads(threads) => threads,
        Way::Transactions(_) => 1,
    };
    let create = |images: Vec<NewImage>| -> Result<()> {
        match way {
            Way::Threads(_) => {
                for image in images {
                    store.create(image)?;
                }
            }
            Way::Transactions(of) => {
                let mut images = images.into_iter().peekable();
                while images.peek().is_some() {
                    let mut transaction = store.write()?;
                    for image in images.by_ref().take(usize::try_from(of)?) {
                        transaction.create(image)?;
                    }
                    transaction.commit()?;
                }
            }
        }
        Ok(())
    };
    let numbers = (1 << 33)..(1 << 33) + images;
    let samples: Vec<NewImage> = numbers.map(sample::image).collect();
    let work = samples.chunks(samples.len().div_ceil(usize::try_from(threads)?));
    let work: Vec<Vec<NewImage>> = work.map(<[NewImage]>::to_vec).collect();
    let barrier = Barrier::new(work.len() + 1);
    let taken = thread::scope(|scope| -> Result<Duration> {
        let running = work.into_iter().map(|images| {
            scope.spawn(|| {
                barrier.wait();
                create(images)
            })
        });
        let running: Vec<_> = running.collect();
        barrier.wait();
        let begun = Instant::now();
        for thread in running {
            let ended = thread.join();
            ended.map_err(|_| anyhow::anyhow!("a thread died"))??;
        }
        Ok(begun.elapsed())
    })?;
    Ok(taken.as_secs_f64() * 1e6 / images as f64)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
