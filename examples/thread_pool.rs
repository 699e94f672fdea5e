//! One store in a pool of threads: readers and writers share a handle.
//!
//! `cargo run --example thread_pool`
//!
//! The handle is opened once and cloned into each thread, which costs nothing. Readers never wait.
//! Writers take turns, in the order they came; a transaction stays on the thread that began it.

#![allow(clippy::print_stdout, reason = "it prints what it did")]

use std::error::Error;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use image_store::{ImageStore, Lookup as _, NewImage};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the threads of the pool are asked to do.
enum Task {
    Add(String),
    Look(String),
}

const THREADS: usize = 4;
const IMAGES: usize = 40;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let store = ImageStore::open(folder.path().join("images.redb"))?;
    // What the readers look for from the start.
    store.create(NewImage::new().name("localhost/base"))?;

    let (tasks, queue) = channel();
    let queue = Arc::new(Mutex::new(queue));
    let workers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, queue) = (store.clone(), Arc::clone(&queue));
            thread::spawn(move || work(&store, &queue))
        })
        .collect();
    for number in 0..IMAGES {
        tasks.send(Task::Add(format!("localhost/app:{number}")))?;
        tasks.send(Task::Look("localhost/base".to_owned()))?;
    }
    // The workers end when the queue is closed and empty.
    drop(tasks);

    let mut done = 0;
    for worker in workers {
        done += worker.join().map_err(|_| "a worker panicked")??;
    }
    assert_eq!(done, 2 * IMAGES);
    assert_eq!(store.len()?, IMAGES as u64 + 1);
    println!(
        "{THREADS} threads did {done} tasks; there are {} images",
        store.len()?
    );
    Ok(())
}

/// Does tasks until there are none; returns how many it did.
fn work(store: &ImageStore, queue: &Mutex<Receiver<Task>>) -> Outcome<usize> {
    let next = || {
        let queue = queue.lock().map_err(|_| "another worker panicked")?;
        Ok::<_, Box<dyn Error + Send + Sync>>(queue.recv().ok())
    };
    let mut done = 0;
    while let Some(task) = next()? {
        match task {
            Task::Add(name) => drop(store.create(NewImage::new().name(name))?),
            Task::Look(reference) => drop(store.get(&reference)?),
        }
        done += 1;
    }
    Ok(done)
}
