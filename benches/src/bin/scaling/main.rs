//! Measures every operation at growing numbers of images, beside the peers, and writes a table in
//! Markdown and JSON and a chart in SVG.

mod chart;
mod figures;
mod measure;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Parser;
use image_store::{Access, bench};
use image_store_benches::peers::{BareRedb, LegacyJson, Library, Peer, Sqlite};
use image_store_benches::sample;

use figures::Figures;

/// Measures image_store beside bare redb, SQLite and one JSON file.
#[derive(Parser)]
struct Args {
    /// How many images the stores have, one run after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    counts: Vec<u64>,
    /// The largest store that is also measured as one JSON file, whose every change takes half a
    /// minute at a million images.
    #[arg(long, default_value_t = 100_000)]
    json_limit: u64,
    /// How often each figure is measured; the median is reported.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// The cache of the library's engine, in MiB; as much as the library takes by itself where nothing
    /// is said. The peers have as much memory in all.
    #[arg(long)]
    cache: Option<usize>,
    /// Only operations whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// The folder to measure in: it must be on a disk, not in memory.
    #[arg(long, default_value = "target/scaling")]
    work: PathBuf,
    /// Where `scaling.md`, `scaling.json` and `scaling.svg` are written.
    #[arg(long, default_value = "target/scaling")]
    out: PathBuf,
}

impl Args {
    /// The cache of the library's engine for the store at `base`, in bytes.
    fn cache_bytes(&self, base: &Path) -> Result<usize> {
        Ok(match self.cache {
            Some(cache) => cache.saturating_mul(1 << 20),
            None => bench::cache_for(fs::metadata(base)?.len()),
        })
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    fs::create_dir_all(&args.work)?;
    fs::create_dir_all(&args.out)?;
    let mut figures = Figures::default();
    for count in &args.counts {
        let folder = tempfile::tempdir_in(&args.work)?;
        eprintln!("{count} images: filling");
        let base = sample::base(&args.work, *count)?;
        let peers = peers(folder.path(), &base, *count, &args)?;
        measure::all(&peers, *count, &args, folder.path(), &mut figures)?;
    }
    fs::write(args.out.join("scaling.md"), figures.to_markdown())?;
    let json = serde_json::to_string_pretty(&figures)?;
    fs::write(args.out.join("scaling.json"), json + "\n")?;
    chart::draw(&figures, &args.out.join("scaling.svg"))?;
    print!("{}", figures.to_markdown());
    Ok(())
}

fn peers(folder: &Path, base: &Path, count: u64, args: &Args) -> Result<Vec<Box<dyn Peer>>> {
    let copy = |name: &str| -> Result<PathBuf> {
        let path = folder.join(name);
        fs::copy(base, &path).with_context(|| format!("copying to {}", path.display()))?;
        Ok(path)
    };
    let cache = args.cache_bytes(base)?;
    let memory = bench::memory_with(cache);
    eprintln!("{count} images: {} MiB of cache", cache >> 20);
    let sqlite = Sqlite::open(&folder.join("peer.sqlite"), memory)?;
    sqlite.fill_from(base)?;
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(Library::open(
            &copy("exclusive.redb")?,
            Access::Exclusive,
            cache,
        )?),
        Box::new(Library::open(&copy("shared.redb")?, Access::Shared, cache)?),
        Box::new(BareRedb::open(&copy("bare-exclusive.redb")?, true, memory)?),
        Box::new(BareRedb::open(&copy("bare-shared.redb")?, false, memory)?),
        Box::new(sqlite),
    ];
    if count <= args.json_limit {
        peers.push(Box::new(LegacyJson::fill(&folder.join("json"), count)?));
    }
    Ok(peers)
}
