//! Work that many threads do, with its results in order.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

/// How many jobs wait for a worker, for each worker, and how many results wait to be taken.
const QUEUE: usize = 2;

/// More workers than this are not started, whoever asks for them.
const MOST_WORKERS: usize = 256;

/// What came of a job, and where to give it back to.
type Done<R> = (R, Sender<R>);

/// Does `work` on every job of `jobs` in `workers` threads, each with tools of its own, while this
/// thread gives the results to `take` in the order of the jobs. The jobs are made in a thread of
/// their own.
///
/// Who made a result gets it back when it was taken, to drop it: memory that one thread takes and
/// another gives back costs several times as much.
///
/// Only a few jobs and results are in memory at a time: a slow taker slows everybody down. An error
/// of `take` ends everything. Where there are fewer threads to be had, fewer work.
///
/// # Errors
///
/// Where not even two threads can be started; then what `take` says.
pub(super) fn in_order<J: Send, R: Send, T: Default, E>(
    workers: usize,
    jobs: impl Iterator<Item = J> + Send,
    work: impl Fn(&mut T, J) -> R + Sync,
    mut take: impl FnMut(&mut R) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let workers = workers.clamp(1, MOST_WORKERS);
    let (give_job, jobs_waiting) = sync_channel::<(J, SyncSender<Done<R>>)>(workers * QUEUE);
    let (announce, announced) = sync_channel::<Receiver<Done<R>>>(workers * QUEUE);
    let jobs_waiting = Mutex::new(jobs_waiting);
    thread::scope(|scope| {
        // Owned here, so that an early end drops it and with it wakes the thread that makes jobs.
        let announced = announced;
        let make_jobs = move || {
            for job in jobs {
                let (give_result, result) = sync_channel(1);
                // The taker has given up, or every worker has.
                if announce.send(result).is_err() || give_job.send((job, give_result)).is_err() {
                    break;
                }
            }
        };
        named("image-store-jobs").spawn_scoped(scope, make_jobs)?;
        for worker in 0..workers {
            let run = || {
                let mut tools = T::default();
                let (give_back, taken) = channel();
                loop {
                    let waiting = jobs_waiting.lock();
                    let Ok((job, give_result)) = waiting.map_or_else(
                        |poisoned| poisoned.into_inner().recv(),
                        |waiting| waiting.recv(),
                    ) else {
                        break;
                    };
                    taken.try_iter().for_each(drop);
                    // Nobody may want it any more.
                    let _ = give_result.send((work(&mut tools, job), give_back.clone()));
                }
            };
            match named("image-store-work").spawn_scoped(scope, run) {
                Err(error) if worker == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, workers = worker, "no more threads are to be had");
                    break;
                }
                Ok(_) => {}
            }
        }
        for result in announced.iter() {
            // Only a worker that panicked gives none, and then the scope ends with its panic.
            if let Ok((mut result, give_back)) = result.recv() {
                if let Err(error) = take(&mut result) {
                    return Ok(Err(error));
                }
                // Who made it may have ended.
                let _ = give_back.send(result);
            }
        }
        Ok(Ok(()))
    })
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use super::in_order;

    #[test]
    fn results_come_in_order_and_few_are_made_ahead() {
        let (made, ahead) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let jobs = (0..500).inspect(|_| {
            made.fetch_add(1, Ordering::SeqCst);
        });
        let mut taken = Vec::new();
        let slow = |(): &mut (), job: usize| {
            thread::sleep(Duration::from_micros((job as u64 * 7) % 50));
            job * 2
        };
        in_order(3, jobs, slow, |result| {
            let lead = made.load(Ordering::SeqCst) - taken.len();
            ahead.fetch_max(lead, Ordering::SeqCst);
            taken.push(*result);
            Ok::<(), ()>(())
        })
        .unwrap()
        .unwrap();
        assert_eq!(taken, (0..500).map(|job| job * 2).collect::<Vec<_>>());
        assert!(ahead.into_inner() < 30);
    }

    /// A result that knows who made it.
    struct Made<'a> {
        by: ThreadId,
        elsewhere: &'a AtomicUsize,
    }

    impl Drop for Made<'_> {
        fn drop(&mut self) {
            let elsewhere = self.by != thread::current().id();
            let count = usize::from(elsewhere);
            self.elsewhere.fetch_add(count, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_made_a_result_drops_it() {
        let (elsewhere, mut taken) = (AtomicUsize::new(0), 0);
        let make = |(): &mut (), _| Made {
            by: thread::current().id(),
            elsewhere: &elsewhere,
        };
        in_order(3, 0..500, make, |_| {
            taken += 1;
            Ok::<(), ()>(())
        })
        .unwrap()
        .unwrap();
        assert_eq!(taken, 500);
        // Those that are taken when the workers have ended already.
        let elsewhere = elsewhere.load(Ordering::SeqCst);
        assert!(elsewhere < 30, "{elsewhere}");
    }

    #[test]
    fn an_error_ends_endless_work() {
        let ended = in_order(
            2,
            0..,
            |(): &mut (), job: u64| job,
            |job| {
                if *job < 100 { Ok(()) } else { Err(*job) }
            },
        );
        assert_eq!(ended.unwrap(), Err(100));
    }

    #[test]
    fn no_number_of_workers_is_too_many() {
        let mut taken = 0;
        let take = |job: &mut u64| {
            taken += *job;
            Ok::<(), ()>(())
        };
        let done = in_order(usize::MAX, 0..1_000, |(): &mut (), job| job, take);
        done.unwrap().unwrap();
        assert_eq!(taken, 499_500);
    }
}
