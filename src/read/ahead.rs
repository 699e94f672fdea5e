//! The next page of a long listing, fetched by another thread while the caller reads this one.
//!
//! To fetch the pages of the file and take the rows out of them is a quarter of the work of
//! listing images; the rest is making images of the rows.

use std::mem;
use std::panic::resume_unwind;
use std::process;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use crate::error::Result;
use crate::read::pages::Page;

/// Fetches rows as [`Listing::fetch`](crate::read::pages::Listing::fetch) does, in any thread.
pub(super) type Fetch<K> = Box<dyn FnMut(&mut Page<K>) -> Result<()> + Send>;

/// A thread that fetches one page ahead.
pub(super) struct Ahead<K> {
    /// `None` once it is let go.
    running: Option<Running<K>>,
    process: u32,
}

struct Running<K> {
    empty: Sender<Page<K>>,
    fetched: Receiver<(Page<K>, Result<()>)>,
    thread: JoinHandle<()>,
}

impl<K: Send + 'static> Ahead<K> {
    /// Starts the thread, which begins with the first page; `None` where there is none to be had.
    pub(super) fn start(mut fetch: Fetch<K>, first: Page<K>) -> Option<Self> {
        let (empty, to_fill) = mpsc::channel::<Page<K>>();
        let (done, fetched) = mpsc::channel();
        let work = move || {
            for mut page in to_fill {
                let outcome = fetch(&mut page);
                if done.send((page, outcome)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("image-store-ahead".to_owned());
        let thread = thread.spawn(work).ok()?;
        empty.send(first).ok()?;
        Some(Self {
            running: Some(Running {
                empty,
                fetched,
                thread,
            }),
            process: process::id(),
        })
    }
}

impl<K> Ahead<K> {
    /// Puts the page that was fetched in the place of one that was read, which is filled next;
    /// `None` in a forked child, which has none of its parent's threads.
    pub(super) fn turn(&mut self, page: &mut Page<K>) -> Option<Result<()>> {
        if !self.is_here() {
            return None;
        }
        let running = self.running.as_ref()?;
        let Ok((fetched, outcome)) = running.fetched.recv() else {
            let died = self.running.take()?.thread.join();
            // Without the thread it would have been a panic of the caller's, too.
            return died.err().map(|panic| resume_unwind(panic));
        };
        let mut read = mem::replace(page, fetched);
        if outcome.is_ok() && page.is_full() {
            read.clear();
            // A thread that is gone is noticed when it is waited for.
            let _ = running.empty.send(read);
        }
        Some(outcome)
    }

    fn is_here(&self) -> bool {
        process::id() == self.process
    }
}

impl<K> Drop for Ahead<K> {
    /// Waits for the thread, so that nothing of it outlives the iterator.
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if !self.is_here() {
            // The thread may have held what guards the channels when the process was forked.
            mem::forget(running);
            return;
        }
        drop((running.empty, running.fetched));
        let _ = running.thread.join();
    }
}
