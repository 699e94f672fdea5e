//! What becomes of the file of a store whose images are replaced again and again: half of them are
//! deleted and as many created anew, ten times over, and the length and the blocks are told, at last of the closed file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;
use image_store::legacy::{self, ImportOptions};
use image_store::{Access, ImageStore, Lookup};
use image_store_benches::sample;

/// Replaces half of the images of a store again and again.
#[derive(Parser)]
struct Args {
    /// An images directory that is imported first; without one, the store begins with samples.
    source: Option<PathBuf>,
    /// How many samples the store begins with.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// How often half of the images are replaced.
    #[arg(long, default_value_t = 10)]
    times: u64,
    /// How many steps share a transaction.
    #[arg(long, default_values_t = [1, 100, 5_000])]
    steps: Vec<usize>,
    /// The folder to work in: it must be on a disk, not in memory.
    #[arg(long, default_value = "target")]
    work: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    fs::create_dir_all(&args.work)?;
    println!(
        "| access | steps a transaction | | before, MB | after each time and once closed, ratio |"
    );
    println!("|---|---|---|---|---|");
    for access in [Access::Shared, Access::Exclusive] {
        for steps in &args.steps {
            churn(&args, access, (*steps).max(1))?;
        }
    }
    Ok(())
}

fn churn(args: &Args, access: Access, steps: usize) -> Result<()> {
    let folder = tempfile::tempdir_in(&args.work)?;
    let path = folder.path().join("images.redb");
    let options = ImageStore::options().access(access);
    if let Some(source) = &args.source {
        legacy::import(source, &path, ImportOptions::default())?;
    } else {
        let store = options.clone().open(&path)?;
        let numbers: Vec<_> = (0..args.count).collect();
        in_transactions(&store, &numbers, 1_000, |transaction, number| {
            transaction.create(sample::image(*number))?;
            Ok(())
        })?;
        store.close();
        options.clone().compact(&path)?;
    }
    let before = size(&path)?;
    let store = options.open(&path)?;
    let mut next = args.count;
    let mut after = Vec::new();
    for time in 0..args.times {
        let ids: Vec<_> = store
            .ids(image_store::Prefix::all())?
            .collect::<Result<_, _>>()?;
        let ids = ids.into_iter().skip(usize::try_from(time % 2)?).step_by(2);
        let ids: Vec<_> = ids.collect();
        in_transactions(&store, &ids, steps, |transaction, id| {
            Ok(transaction.delete(id)?)
        })?;
        let numbers: Vec<_> = (next..).take(ids.len()).collect();
        next += numbers.len() as u64;
        in_transactions(&store, &numbers, steps, |transaction, number| {
            transaction.create(sample::image(*number))?;
            Ok(())
        })?;
        after.push(size(&path)?);
    }
    store.close();
    after.push(size(&path)?);
    for (what, of) in [("length", 0), ("blocks", 1)] {
        let before = [before.0, before.1][of];
        let ratios = after
            .iter()
            .map(|after| [after.0, after.1][of] as f64 / before as f64);
        let ratios: Vec<_> = ratios.map(|ratio| format!("{ratio:.2}")).collect();
        println!(
            "| {access:?} | {steps} | {what} | {:.1} | {} |",
            before as f64 / 1e6,
            ratios.join(" ")
        );
    }
    Ok(())
}

fn in_transactions<T>(
    store: &ImageStore,
    all: &[T],
    steps: usize,
    step: impl Fn(&mut image_store::Transaction, &T) -> Result<()>,
) -> Result<()> {
    for some in all.chunks(steps) {
        let mut transaction = store.write()?;
        for one in some {
            step(&mut transaction, one)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Length and blocks, in bytes.
fn size(path: &Path) -> Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.blocks() * 512))
}
