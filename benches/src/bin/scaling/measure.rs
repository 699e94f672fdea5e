//! The rounds: every peer in turn, so that what else the machine does meets all of them.

use std::hint::black_box;
use std::iter;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use image_store::{Access, bench};
use image_store_benches::peers::{Library, Peer, Reads, Sqlite};
use image_store_benches::rows::{Fresh, prepare};
use image_store_benches::sample;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Args;
use crate::figures::Figures;

/// Lookups a round.
const LOOKUPS: usize = 2_000;
/// Durable writes a round; each is timed by itself.
const WRITES: u64 = 20;
/// Images of a bulk transaction.
const BULK: u64 = 10_000;
/// Creating threads.
const THREADS: usize = 8;

/// The first number of samples that no store has.
const FRESH: u64 = 1 << 32;

type Look = fn(&dyn Reads, u64) -> Result<usize>;

const LOOKS: [(&str, Look); 4] = [
    ("get by ID", |reads, n| reads.by_id(&sample::id(n))),
    ("get by name", |reads, n| reads.by_name(&sample::name(n))),
    ("get by prefix of 16 digits", |reads, n| {
        reads.by_prefix(&sample::id(n)[..16])
    }),
    ("get by digest", |reads, n| {
        reads.by_digest(&sample::digest(n))
    }),
];

type List = fn(&dyn Reads) -> Result<usize>;

const LISTS: [(&str, List); 2] = [
    ("list all", |reads| reads.list()),
    ("list IDs", |reads| reads.list_ids()),
];

/// Measures everything at one size.
pub fn all(
    peers: &[Box<dyn Peer>],
    count: u64,
    args: &Args,
    folder: &Path,
    figures: &mut Figures,
) -> Result<()> {
    let wanted = |operation: &str| operation.contains(&args.only);
    for (operation, look) in LOOKS {
        for held in [false, true] {
            let kind = if held { "held" } else { "own transaction" };
            let operation = format!("{operation}, {kind}");
            if wanted(&operation) {
                lookups(peers, count, args, &operation, look, held, figures)?;
            }
        }
    }
    for (operation, list) in LISTS {
        if wanted(operation) {
            let mut seconds = vec![Vec::new(); peers.len()];
            for _ in 0..args
                .rounds
                .min(if count > 500_000 { 3 } else { args.rounds })
            {
                for (peer, seconds) in peers.iter().zip(&mut seconds) {
                    let held = peer.held()?;
                    let begun = Instant::now();
                    let listed = list(&*held)?;
                    seconds.push(begun.elapsed().as_secs_f64());
                    anyhow::ensure!(listed as u64 >= count, "{listed} images listed");
                }
            }
            for (peer, seconds) in peers.iter().zip(seconds) {
                figures.add(operation, count, peer.label(), seconds);
            }
        }
    }
    let mut fresh = FreshImages::new(folder);
    if wanted("change one record, durable") {
        let mut step = 0;
        writes(
            peers,
            args,
            "change one record, durable",
            count,
            figures,
            |peer| {
                step += 1;
                let id = sample::id(step * 7_919 % count);
                let begun = Instant::now();
                peer.set_metadata(&id, &format!("{{\"step\":{step}}}"))?;
                Ok(begun.elapsed().as_secs_f64())
            },
        )?;
    }
    if wanted("create with two items, durable") {
        writes(
            peers,
            args,
            "create with two items, durable",
            count,
            figures,
            |peer| {
                let fresh = fresh.next()?;
                let begun = Instant::now();
                peer.create(fresh)?;
                Ok(begun.elapsed().as_secs_f64())
            },
        )?;
    }
    if wanted("read an item") {
        items(peers, count, args.rounds, &mut fresh, figures)?;
    }
    if wanted("create, one of 10,000 in a transaction") {
        for peer in peers {
            let images = fresh.take(BULK)?;
            let begun = Instant::now();
            peer.bulk(images)?;
            let each = begun.elapsed().as_secs_f64() / BULK as f64;
            let operation = "create, one of 10,000 in a transaction";
            figures.add(operation, count, peer.label(), vec![each]);
        }
    }
    if wanted("create by 8 threads") {
        threads(count, args, folder, &mut fresh, figures)?;
    }
    Ok(())
}

fn lookups(
    peers: &[Box<dyn Peer>],
    count: u64,
    args: &Args,
    operation: &str,
    look: Look,
    held: bool,
    figures: &mut Figures,
) -> Result<()> {
    let mut seconds = vec![Vec::new(); peers.len()];
    let mut holding = Vec::new();
    for peer in peers {
        holding.push(if held { Some(peer.held()?) } else { None });
    }
    let looking = || peers.iter().zip(&holding);
    let looking = || looking().map(|(peer, holding)| holding.as_deref().unwrap_or(peer.own()));
    // Of others than the operation before: what that asked for is remembered.
    let seed = operation.bytes().fold(0, |seed: u64, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let seed = |round: u64| seed.wrapping_add(round);
    // As many as there are images first, so that memory is full.
    for reads in looking() {
        for number in at_random(seed(u64::MAX), count).take(usize::try_from(count)?) {
            black_box(look(reads, number)?);
        }
    }
    for round in 0..args.rounds as u64 {
        for (reads, seconds) in looking().zip(&mut seconds) {
            // What making the references costs is measured, and taken off.
            let numbers = || at_random(seed(round), count).take(LOOKUPS);
            let begun = Instant::now();
            for number in numbers() {
                black_box(sample::id(number));
            }
            let references = begun.elapsed();
            let begun = Instant::now();
            for number in numbers() {
                black_box(look(reads, number)?);
            }
            let each = begun.elapsed().saturating_sub(references).as_secs_f64() / LOOKUPS as f64;
            seconds.push(each);
        }
    }
    for (peer, seconds) in peers.iter().zip(seconds) {
        figures.add(operation, count, peer.label(), seconds);
    }
    Ok(())
}

/// Numbers of images, any of which may come at any time, also again.
fn at_random(seed: u64, count: u64) -> impl Iterator<Item = u64> {
    let mut random = StdRng::seed_from_u64(seed);
    iter::repeat_with(move || random.random_range(0..count))
}

fn writes(
    peers: &[Box<dyn Peer>],
    args: &Args,
    operation: &str,
    count: u64,
    figures: &mut Figures,
    mut write: impl FnMut(&dyn Peer) -> Result<f64>,
) -> Result<()> {
    let mut seconds = vec![Vec::new(); peers.len()];
    for round in 0..args.rounds {
        for (peer, seconds) in peers.iter().zip(&mut seconds) {
            let slow = peer.label() == "one JSON file" && count > 10_000;
            for _ in 0..if slow { u64::from(round < 3) } else { WRITES } {
                seconds.push(write(&**peer)?);
            }
        }
    }
    for (peer, seconds) in peers.iter().zip(seconds) {
        figures.add(operation, count, peer.label(), seconds);
    }
    Ok(())
}

/// Reads the config of images that are created for it.
fn items(
    peers: &[Box<dyn Peer>],
    count: u64,
    rounds: usize,
    fresh: &mut FreshImages<'_>,
    figures: &mut Figures,
) -> Result<()> {
    const ITEMS: u64 = 500;
    let images = fresh.take(ITEMS)?;
    let peers: Vec<_> = peers
        .iter()
        .filter(|p| !p.label().starts_with("bare"))
        .collect();
    let peers: Vec<_> = peers
        .into_iter()
        .filter(|peer| peer.label() != "one JSON file" || count <= 10_000)
        .collect();
    for peer in &peers {
        peer.bulk(images.clone())?;
    }
    let mut seconds = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for (peer, seconds) in peers.iter().zip(&mut seconds) {
            let held = peer.held()?;
            let begun = Instant::now();
            for image in &images {
                let number = image.number;
                let key = sample::config_key(number);
                black_box(held.item(&sample::id(number), &key)?);
            }
            seconds.push(begun.elapsed().as_secs_f64() / ITEMS as f64);
        }
    }
    for (peer, seconds) in peers.iter().zip(seconds) {
        figures.add("read an item of 4 KiB, held", count, peer.label(), seconds);
    }
    Ok(())
}

/// Creates from one thread and from eight, in stores of their own.
fn threads(
    count: u64,
    args: &Args,
    folder: &Path,
    fresh: &mut FreshImages<'_>,
    figures: &mut Figures,
) -> Result<()> {
    const EACH: u64 = 60;
    let base = sample::base(&args.work, count)?;
    let cache = args.cache_bytes(&base)?;
    let memory = bench::memory_with(cache);
    let mut each = |peer: &str, threads: usize, create: &(dyn Fn(Fresh) -> Result<()> + Sync)| {
        let mut seconds = Vec::new();
        for _ in 0..args.rounds.min(5) {
            let work = (0..threads)
                .map(|_| fresh.take(EACH))
                .collect::<Result<Vec<_>>>()?;
            let barrier = Barrier::new(threads + 1);
            let taken = thread::scope(|scope| -> Result<f64> {
                let running: Vec<_> = work
                    .into_iter()
                    .map(|images| {
                        scope.spawn(|| {
                            barrier.wait();
                            images.into_iter().try_for_each(create)
                        })
                    })
                    .collect();
                barrier.wait();
                let begun = Instant::now();
                for thread in running {
                    thread
                        .join()
                        .map_err(|_| anyhow::anyhow!("a thread died"))??;
                }
                Ok(begun.elapsed().as_secs_f64())
            })?;
            seconds.push(taken / (threads as f64 * EACH as f64));
        }
        let operation = match threads {
            1 => "create by 1 thread, time an image".to_owned(),
            more => format!("create by {more} threads, time an image"),
        };
        figures.add(&operation, count, peer, seconds);
        anyhow::Ok(())
    };
    for threads in [1, THREADS] {
        for access in [Access::Exclusive, Access::Shared] {
            let path = folder.join("threads.redb");
            std::fs::copy(&base, &path)?;
            let library = Library::open(&path, access, cache)?;
            let store = library.store();
            each(library.label(), threads, &|fresh| {
                store.create(fresh.image)?;
                Ok(())
            })?;
        }
        let sqlite = Sqlite::open(&folder.join("threads.sqlite"), memory)?;
        if threads == 1 {
            sqlite.fill_from(&base)?;
        }
        let path = folder.join("threads.sqlite");
        let connections = thread_local_connections(path, memory);
        each(sqlite.label(), threads, &connections)?;
    }
    Ok(())
}

/// A connection a thread, as SQLite wants it.
fn thread_local_connections(
    path: std::path::PathBuf,
    cache: usize,
) -> impl Fn(Fresh) -> Result<()> + Sync {
    use std::cell::RefCell;
    use std::path::PathBuf;
    thread_local! {
        static CONNECTION: RefCell<Option<(PathBuf, Sqlite)>> = const { RefCell::new(None) };
    }
    move |fresh| {
        CONNECTION.with_borrow_mut(|connection| {
            if !matches!(connection, Some((open, _)) if *open == path) {
                *connection = Some((path.clone(), Sqlite::open(&path, cache)?));
            }
            match connection {
                Some((_, sqlite)) => sqlite.create(fresh),
                None => Ok(()),
            }
        })
    }
}

/// Images that no store has, prepared as they are needed.
struct FreshImages<'a> {
    folder: &'a Path,
    next: u64,
    ready: Vec<Fresh>,
}

impl<'a> FreshImages<'a> {
    const fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            next: FRESH,
            ready: Vec::new(),
        }
    }

    fn next(&mut self) -> Result<Fresh> {
        if self.ready.is_empty() {
            self.ready = self.take(500)?;
        }
        self.ready
            .pop()
            .ok_or_else(|| anyhow::anyhow!("nothing was prepared"))
    }

    fn take(&mut self, count: u64) -> Result<Vec<Fresh>> {
        let first = self.next;
        self.next += count;
        prepare(first..first + count, self.folder)
    }
}
