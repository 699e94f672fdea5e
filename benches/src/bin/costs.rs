//! Counts what a transaction costs: syncs, writes, and bytes written, which no load of the machine
//! changes. Prints a table in Markdown.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use image_store::{Access, ImageStore, Lookup as _, NewImage};
use image_store_benches::counted::Counts;
use image_store_benches::{rows, sample};
use redb::backends::FileBackend;
use redb::{Builder, Database};

/// Counts what transactions cost.
#[derive(Parser)]
struct Args {
    /// How many images the store has.
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// How many transactions of each kind are counted.
    #[arg(long, default_value_t = 50)]
    transactions: u64,
    /// The folder to work in.
    #[arg(long, default_value = "target/scaling")]
    work: PathBuf,
}

/// A kind of transaction, and how it is made on a store.
type Step = (&'static str, fn(&ImageStore, u64) -> Result<()>);

const STEPS: [Step; 6] = [
    ("create, no items", |store, n| {
        store.create(NewImage::new().name(format!("localhost/none:{n}")))?;
        Ok(())
    }),
    ("create with two items", |store, n| {
        store.create(sample::image((1 << 33) + n))?;
        Ok(())
    }),
    ("change the metadata", |store, n| {
        Ok(store.set_metadata(&sample::id(n * 1_009), &format!("{n}"))?)
    }),
    ("add a name", |store, n| {
        Ok(store.add_names(&sample::id(n * 1_009), &[format!("localhost/new:{n}")])?)
    }),
    ("delete an image with two items", |store, n| {
        Ok(store.delete(&sample::id((1 << 33) + n))?)
    }),
    (
        "100 creates with two items in one transaction",
        |store, n| {
            let mut transaction = store.write()?;
            for more in 0..100 {
                transaction.create(sample::image((1 << 34) + n * 100 + more))?;
            }
            Ok(transaction.commit()?)
        },
    ),
];

fn main() -> Result<()> {
    let args = Args::parse();
    let base = sample::base(&args.work, args.count)?;
    let folder = tempfile::tempdir_in(&args.work)?;
    println!("| transaction | access | syncs | writes | KiB written |");
    println!("|---|---|---:|---:|---:|");
    for access in [Access::Exclusive, Access::Shared] {
        let path = folder.path().join("library.redb");
        fs::copy(&base, &path)?;
        let counts = Counts::default();
        let (of_store, of_redo) = (counts.clone(), counts.clone());
        let store = ImageStore::options()
            .access(access)
            .storage(move |inner| Box::new(of_store.on(inner)))
            .redo_storage(move |inner| Box::new(of_redo.on(inner)))
            .open(&path)?;
        // In exclusive access the first ones go to the file, before a redo log is begun.
        for n in 0..3 {
            store.set_metadata(&sample::id(n), "first")?;
        }
        for (name, step) in STEPS {
            counts.take();
            for n in 0..args.transactions {
                step(&store, n)?;
            }
            row(name, &format!("{access:?}"), &counts, args.transactions);
        }
        anyhow::ensure!(store.len()? > args.count);
    }
    for (quick, two_phase) in [(true, true), (false, true), (false, false)] {
        bare(&args, &base, folder.path(), quick, two_phase)?;
    }
    Ok(())
}

fn row(name: &str, how: &str, counts: &Counts, transactions: u64) {
    let (syncs, writes, bytes) = counts.take();
    let each = |count: u64| count as f64 / transactions as f64;
    println!(
        "| {name} | {how} | {:.1} | {:.1} | {:.0} |",
        each(syncs),
        each(writes),
        each(bytes) / 1024.0
    );
}

/// The same rows by the engine alone, with and without what makes opening after a crash quick, and
/// how long that opening takes.
fn bare(args: &Args, base: &Path, folder: &Path, quick: bool, two_phase: bool) -> Result<()> {
    let path = folder.join("bare.redb");
    fs::copy(base, &path)?;
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    let counts = Counts::default();
    let database = Builder::new()
        .set_cache_size(32 << 20)
        .create_with_backend(counts.on(FileBackend::new(file)?))?;
    let fresh = rows::prepare((1 << 35)..(1 << 35) + args.transactions, folder)?;
    counts.take();
    let begun = Instant::now();
    for fresh in &fresh {
        create(&database, fresh, quick, two_phase)?;
    }
    let each = begun.elapsed().as_secs_f64() * 1e3 / args.transactions as f64;
    let how = match (quick, two_phase) {
        (true, _) => "bare redb, quick repair",
        (false, true) => "bare redb, two-phase",
        (false, false) => "bare redb, one-phase",
    };
    row("create with two items", how, &counts, args.transactions);
    // As a crash leaves it: copied while it is open.
    let crashed = folder.join("crashed.redb");
    fs::copy(&path, &crashed)?;
    let begun = Instant::now();
    let recovered = Builder::new().set_cache_size(32 << 20).open(&crashed)?;
    let opened = begun.elapsed().as_secs_f64() * 1e3;
    eprintln!("{how}: {each:.2} ms a create, {opened:.1} ms to open after a crash");
    drop(recovered);
    Ok(())
}

fn create(database: &Database, fresh: &rows::Fresh, quick: bool, two_phase: bool) -> Result<()> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(quick);
    transaction.set_two_phase_commit(two_phase);
    rows::insert(&transaction, std::slice::from_ref(fresh))?;
    Ok(transaction.commit()?)
}
