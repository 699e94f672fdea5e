//! Single operations of the library beside bare redb and SQLite doing the same reads and writes.
//!
//! Every peer holds the same images and has the same cache. Every write is on disk when it returns.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use image_store::{Access, bench};
use image_store_benches::peers::{BareRedb, Library, Peer, Sqlite};
use image_store_benches::{rows, sample};

const COUNTS: [u64; 2] = [1_000, 100_000];

/// How many images are prepared for `create`: more than any run of it makes.
const FRESH: u64 = 3_000;

fn peers(folder: &Path, count: u64) -> Vec<Box<dyn Peer>> {
    let base = folder.join("base.redb");
    sample::fill(&base, count).unwrap();
    let copy = |name: &str| {
        let path = folder.join(name);
        std::fs::copy(&base, &path).unwrap();
        path
    };
    let cache = bench::cache_for(std::fs::metadata(&base).unwrap().len());
    let memory = bench::memory_with(cache);
    let sqlite = Sqlite::open(&folder.join("peer.sqlite"), memory).unwrap();
    sqlite.fill_from(&base).unwrap();
    vec![
        Box::new(Library::open(&copy("exclusive.redb"), Access::Exclusive, cache).unwrap()),
        Box::new(BareRedb::open(&copy("bare-exclusive.redb"), true, memory).unwrap()),
        Box::new(Library::open(&copy("shared.redb"), Access::Shared, cache).unwrap()),
        Box::new(BareRedb::open(&copy("bare-shared.redb"), false, memory).unwrap()),
        Box::new(sqlite),
    ]
}

fn operations(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let fresh = rows::prepare(10_000_000..10_000_000 + FRESH, folder.path()).unwrap();
    for count in COUNTS {
        let folder = folder.path().join(count.to_string());
        std::fs::create_dir(&folder).unwrap();
        let peers = peers(&folder, count);
        // A stride without a common factor visits the images in an order of its own.
        let numbers = || (0..).map(move |step: u64| step * 7_919 % count);

        let reads = |criterion: &mut Criterion, operation: &str, reference: fn(u64) -> String| {
            let references: Vec<String> = numbers().take(1_000).map(reference).collect();
            let mut group = criterion.benchmark_group(format!("{operation}/{count}"));
            group.warm_up_time(Duration::from_millis(500));
            group.measurement_time(Duration::from_secs(2));
            for peer in &peers {
                let mut references = references.iter().cycle();
                group.bench_function(format!("own transaction/{}", peer.label()), |bencher| {
                    bencher.iter(|| {
                        let reference = references.next().unwrap();
                        black_box(read(peer.own(), operation, reference))
                    });
                });
                let held = peer.held().unwrap();
                group.bench_function(format!("held transaction/{}", peer.label()), |bencher| {
                    bencher.iter(|| {
                        let reference = references.next().unwrap();
                        black_box(read(&*held, operation, reference))
                    });
                });
            }
        };
        reads(criterion, "get by ID", sample::id);
        reads(criterion, "get by name", sample::name);
        reads(criterion, "get by prefix", |number| {
            sample::id(number)[..16].to_owned()
        });

        let mut group = criterion.benchmark_group(format!("set metadata/{count}"));
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(2));
        for peer in &peers {
            let mut step = numbers();
            group.bench_function(peer.label(), |bencher| {
                bencher.iter(|| {
                    let step = step.next().unwrap();
                    peer.set_metadata(&sample::id(step), &format!("{{\"step\":{step}}}"))
                        .unwrap();
                });
            });
        }
        group.finish();

        let mut group = criterion.benchmark_group(format!("create with two items/{count}"));
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(1));
        group.warm_up_time(Duration::from_millis(300));
        for peer in &peers {
            let mut fresh = fresh.iter();
            group.bench_function(peer.label(), |bencher| {
                bencher.iter_batched(
                    || {
                        fresh
                            .next()
                            .expect("more images than were prepared")
                            .clone()
                    },
                    |fresh| peer.create(fresh).unwrap(),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

fn read(reads: &dyn image_store_benches::peers::Reads, operation: &str, reference: &str) -> usize {
    match operation {
        "get by ID" => reads.by_id(reference),
        "get by name" => reads.by_name(reference),
        _ => reads.by_prefix(reference),
    }
    .unwrap()
}

criterion_group!(benches, operations);
criterion_main!(benches);
