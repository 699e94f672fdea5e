//! Promise: the same rules hold when many threads and processes use a store at once. There is an
//! order of the transactions, that of the generations, in which each of them did what the model
//! does; every snapshot shows the state of its generation, and goes on doing so however long it is
//! kept and whatever is committed meanwhile.
//!
//! `IMAGE_STORE_CROWD_ROUNDS` sets how many rounds are played (6), `IMAGE_STORE_CROWD_SEED` where
//! the random choices begin (1).

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use image_store::{Access, ContentHash, Image, ImageStore, Lookup, Snapshot, Timestamp};
use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::model::legacy::Legacy;
use crate::model::operation::{Op, op};
use crate::model::run::in_transaction;
use crate::support::child::{Child, say};
use crate::support::{Place, all_images, invariants};

/// How many transactions a member of the crowd does in a round.
const TRANSACTIONS: usize = 30;

/// The transactions that the member with this seed wants to do.
fn plan(seed: u64) -> Vec<Vec<Op>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(super::config(), random);
    let mut transaction = || vec(op(), 1..5).new_tree(&mut runner).unwrap().current();
    (0..TRANSACTIONS).map(|_| transaction()).collect()
}

/// What came of one transaction of the plan.
#[derive(Debug)]
struct Done {
    /// The generation that it was built on.
    base: u64,
    committed: bool,
    outcomes: Vec<Outcome>,
}

#[derive(Debug)]
enum Outcome {
    Ok,
    Made(Box<Image>),
    Failed(String),
}

/// What a snapshot showed.
#[derive(Debug)]
struct Seen {
    generation: u64,
    images: ContentHash,
}

#[derive(Debug, Default)]
struct Log {
    done: Vec<Done>,
    seen: Vec<Seen>,
}

/// All of the images in short.
fn digest_of(images: &[Image]) -> ContentHash {
    ContentHash::of(format!("{images:?}").as_bytes())
}

/// One of the crowd.
fn take_part(seed: u64, store: Handle<'_>) -> Log {
    let mut random = StdRng::seed_from_u64(seed);
    let mut log = Log::default();
    let mut own = None;
    let mut kept: Vec<(Snapshot, Seen)> = Vec::new();
    for ops in plan(seed) {
        if let Handle::Own(path) = store
            && (own.is_none() || random.random_bool(0.1))
        {
            // Its snapshots outlive a handle.
            own = Some(ImageStore::open(path).unwrap());
        }
        let store = match store {
            Handle::Common(store) => store,
            Handle::Own(_) => own.as_ref().unwrap(),
        };
        log.done
            .push(transact(store, &ops, random.random_bool(0.85)));
        if random.random_bool(0.4) {
            let snapshot = store.read().unwrap();
            let seen = see(&snapshot);
            kept.push((snapshot, seen));
        }
        if kept.len() > 3 {
            let oldest = kept.remove(random.random_range(0..3));
            log.seen.push(still(oldest));
        }
    }
    log.seen.extend(kept.into_iter().map(still));
    log
}

#[derive(Clone, Copy)]
enum Handle<'a> {
    /// Shared with other threads.
    Common(&'a ImageStore),
    /// To be opened, and now and then opened again.
    Own(&'a Path),
}

fn transact(store: &ImageStore, ops: &[Op], committed: bool) -> Done {
    let mut transaction = store.write().unwrap();
    let base = transaction.generation().unwrap();
    let outcomes = ops
        .iter()
        .map(|op| match in_transaction(&mut transaction, op) {
            Ok(None) => Outcome::Ok,
            Ok(Some(made)) => Outcome::Made(Box::new(made)),
            Err(error) => Outcome::Failed(error.kind().as_str().to_owned()),
        })
        .collect();
    if committed {
        transaction.commit().unwrap();
    }
    Done {
        base,
        committed,
        outcomes,
    }
}

fn see(snapshot: &Snapshot) -> Seen {
    Seen {
        generation: snapshot.generation().unwrap(),
        images: digest_of(&all_images(snapshot)),
    }
}

/// The snapshot shows what it showed at first.
fn still((snapshot, seen): (Snapshot, Seen)) -> Seen {
    let again = see(&snapshot);
    assert_eq!(again.images, seen.images, "a snapshot changed");
    assert_eq!(again.generation, seen.generation);
    seen
}

/// The states of all generations in which the images changed.
struct History(BTreeMap<u64, Legacy>);

impl History {
    fn at(&self, generation: u64) -> &Legacy {
        let (_, state) = self.0.range(..=generation).next_back().unwrap();
        state
    }

    /// Does with the model what the crowd did, in the order of the generations.
    fn replay(&mut self, logs: Vec<(u64, Log)>) {
        let mut transactions: Vec<(Done, Vec<Op>)> = Vec::new();
        let mut seen = Vec::new();
        for (seed, log) in logs {
            assert_eq!(log.done.len(), TRANSACTIONS);
            transactions.extend(log.done.into_iter().zip(plan(seed)));
            seen.extend(log.seen);
        }
        transactions.sort_by_key(|(done, _)| done.base);
        for (done, ops) in &transactions {
            let mut state = self.at(done.base).clone();
            for (op, outcome) in ops.iter().zip(&done.outcomes) {
                let (made, expected) = match outcome {
                    Outcome::Ok => (None, Ok(())),
                    Outcome::Made(image) => (Some(&**image), Ok(())),
                    Outcome::Failed(kind) => (None, Err(kind.as_str())),
                };
                let before = state.clone();
                let applied = state.apply(op, made).map_err(|kind| {
                    state = before;
                    kind.as_str()
                });
                assert_eq!(applied, expected, "at {}: {op:?}", done.base);
            }
            if done.committed && state != *self.at(done.base) {
                // Two transactions on one state would each have lost the other's changes.
                let other = self.0.insert(done.base + 1, state);
                assert_eq!(other, None, "two transactions came after {}", done.base);
            }
        }
        for seen in &seen {
            let expected = digest_of(&self.at(seen.generation).images);
            assert_eq!(seen.images, expected, "a snapshot of {}", seen.generation);
        }
        assert!(seen.len() > transactions.len() / 4, "{}", seen.len());
    }
}

#[test]
fn a_crowd_of_threads_and_processes_does_what_the_rules_say() {
    let number = |variable: &str, usual| -> u64 {
        std::env::var(variable).map_or(usual, |text| text.parse().expect(variable))
    };
    let first = number("IMAGE_STORE_CROWD_SEED", 1);
    let rounds = number("IMAGE_STORE_CROWD_ROUNDS", 6);
    let place = Place::in_memory();
    let path = place.path();
    let begin = place.open().generation().unwrap();
    let mut history = History(BTreeMap::from([(begin, Legacy::default())]));
    for round in first..first + rounds {
        let seeds: Vec<u64> = (0..4).map(|member| round * 1_000 + member).collect();
        let logs = match round % 3 {
            // Threads with one handle and with handles of their own.
            0 => {
                let store = place.open();
                threads(&seeds, |seed| {
                    if seed % 2 == 0 {
                        Handle::Common(&store)
                    } else {
                        Handle::Own(&path)
                    }
                })
            }
            1 => {
                let exclusive = ImageStore::options().access(Access::Exclusive);
                let store = exclusive.open(&path).unwrap();
                threads(&seeds, |_| Handle::Common(&store))
            }
            _ => processes(&seeds, &path),
        };
        history.replay(logs);
        let (_, last) = history.0.last_key_value().unwrap();
        assert_eq!(invariants::check(&path), last.images, "round {round}");
    }
    println!(
        "rounds {first}..{}: {} states",
        first + rounds,
        history.0.len()
    );
    assert!(history.0.len() > rounds as usize * 20, "little was changed");
}

fn threads<'a>(seeds: &[u64], handle: impl Fn(u64) -> Handle<'a> + Sync) -> Vec<(u64, Log)> {
    let handle = &handle;
    thread::scope(|scope| {
        let members: Vec<_> = seeds
            .iter()
            .map(|seed| (*seed, scope.spawn(move || take_part(*seed, handle(*seed)))))
            .collect();
        let log = |(seed, member): (u64, thread::ScopedJoinHandle<'_, Log>)| {
            (seed, member.join().unwrap())
        };
        members.into_iter().map(log).collect()
    })
}

/// Each in a process of its own.
fn processes(seeds: &[u64], path: &Path) -> Vec<(u64, Log)> {
    let start = |seed: &u64| (*seed, Child::start(&format!("{TASK}{seed}"), path));
    let children: Vec<_> = seeds.iter().map(start).collect();
    let log = |(seed, child): (u64, Child)| {
        let log = Log::from_json(&serde_json::from_str(&child.hear()).unwrap());
        child.end();
        (seed, log)
    };
    children.into_iter().map(log).collect()
}

/// How the task of a child process begins; a seed follows.
pub(crate) const TASK: &str = "crowd-";

/// In a child: takes part, and says the log.
pub(crate) fn in_child(seed: &str, path: &Path) {
    say(&take_part(seed.parse().unwrap(), Handle::Own(path))
        .to_json()
        .to_string());
}

impl Log {
    fn to_json(&self) -> Value {
        let outcome = |outcome: &Outcome| match outcome {
            Outcome::Ok => Value::Null,
            // All else of the image follows from the plan.
            Outcome::Made(image) => json!([image.id, image.created.map(|time| time.to_string())]),
            Outcome::Failed(kind) => json!(kind),
        };
        let done = |done: &Done| {
            let outcomes: Vec<Value> = done.outcomes.iter().map(outcome).collect();
            json!([done.base, done.committed, outcomes])
        };
        let seen = |seen: &Seen| json!([seen.generation, seen.images.as_bytes()]);
        let done: Vec<Value> = self.done.iter().map(done).collect();
        let seen: Vec<Value> = self.seen.iter().map(seen).collect();
        json!({"done": done, "seen": seen})
    }

    fn from_json(value: &Value) -> Self {
        let outcome = |value: &Value| match value {
            Value::Null => Outcome::Ok,
            Value::String(kind) => Outcome::Failed(kind.clone()),
            made => {
                let mut image = Image::default();
                image.id = made[0].as_str().unwrap().to_owned();
                let created = made[1].as_str();
                image.created = created.map(|time| time.parse::<Timestamp>().unwrap());
                Outcome::Made(Box::new(image))
            }
        };
        let done = |value: &Value| Done {
            base: value[0].as_u64().unwrap(),
            committed: value[1].as_bool().unwrap(),
            outcomes: value[2].as_array().unwrap().iter().map(outcome).collect(),
        };
        let seen = |value: &Value| {
            let bytes: Vec<u8> = serde_json::from_value(value[1].clone()).unwrap();
            Seen {
                generation: value[0].as_u64().unwrap(),
                images: ContentHash::from_bytes(bytes.try_into().unwrap()),
            }
        };
        let list = |key: &str| value[key].as_array().unwrap();
        Self {
            done: list("done").iter().map(done).collect(),
            seen: list("seen").iter().map(seen).collect(),
        }
    }
}
