//! What is done to a store, and how it is chosen at random.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::pools::{
    DATA, DIGESTS, FLAG_VALUES, FLAGS, IDS, INVALID_DIGEST, KEYS, LAYERS, METADATA, NAMES,
};

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// In the open transaction, or else as a transaction of its own.
    Do(Op),
    Begin,
    Commit,
    Abort,
    /// Takes a snapshot, and checks later that it stays as it was.
    Snapshot,
    /// Drops the open transaction and the store, and opens it again.
    Reopen {
        exclusive: bool,
    },
}

/// A mutation. Data, digests, and flag values are indices into their pools.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create {
        id: String,
        names: Vec<String>,
        history: Vec<String>,
        layer: Option<String>,
        metadata: String,
        digest: Option<String>,
        flags: Vec<(String, usize)>,
        /// Key, data, digest.
        items: Vec<(String, usize, Option<String>)>,
    },
    Names(Names, String, Vec<String>),
    Delete(String),
    AddLayer(String, String),
    RemoveLayer(String, String),
    SetMetadata(String, String),
    SetItem {
        reference: String,
        key: String,
        data: usize,
        manifest: Manifest,
        supply: Supply,
    },
    RemoveItem(String, String),
    SetFlag(String, String, usize),
    ClearFlag(String, String),
    CollectGarbage,
    Wipe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Set,
    Add,
    Remove,
}

/// Where the digest of a manifest comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manifest {
    Sha256,
    /// A digest of the pool.
    Given(usize),
    Invalid,
    /// A function that returns the digest of [`function_digest`].
    Function,
    /// A function that fails.
    Fails,
    Missing,
}

/// How item bytes are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    Whole,
    Stream,
    /// A stream that fails after all of the bytes.
    FailingStream,
}

/// What the digest function of the tests returns: it depends on the bytes, and is no SHA-256.
pub(crate) fn function_digest(bytes: &[u8]) -> String {
    format!("sha384:{:096x}", bytes.len())
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => op().prop_map(Step::Do),
        4 => Just(Step::Begin),
        3 => Just(Step::Commit),
        1 => Just(Step::Abort),
        2 => Just(Step::Snapshot),
        1 => prop::bool::weighted(0.3).prop_map(|exclusive| Step::Reopen { exclusive }),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let names = prop_oneof![Just(Names::Set), Just(Names::Add), Just(Names::Remove)];
    let layer = || select(LAYERS).prop_map(str::to_owned);
    let flag = || select(FLAGS).prop_map(str::to_owned);
    prop_oneof![
        8 => create(),
        6 => (names, reference(), vec(name(), 0..4)).prop_map(|(a, b, c)| Op::Names(a, b, c)),
        2 => reference().prop_map(Op::Delete),
        1 => (reference(), layer()).prop_map(|(a, b)| Op::AddLayer(a, b)),
        1 => (reference(), layer()).prop_map(|(a, b)| Op::RemoveLayer(a, b)),
        1 => (reference(), select(METADATA.as_slice())).prop_map(|(a, b)| Op::SetMetadata(a, b)),
        6 => set_item(),
        2 => (reference(), select(KEYS.as_slice())).prop_map(|(a, b)| Op::RemoveItem(a, b)),
        1 => (reference(), flag(), 0..FLAG_VALUES).prop_map(|(a, b, c)| Op::SetFlag(a, b, c)),
        1 => (reference(), flag()).prop_map(|(a, b)| Op::ClearFlag(a, b)),
        1 => Just(Op::CollectGarbage),
        1 => prop::bool::weighted(0.2).prop_map(|wipe| {
            if wipe { Op::Wipe } else { Op::CollectGarbage }
        }),
    ]
}

fn create() -> impl Strategy<Value = Op> {
    let id = prop_oneof![9 => select(IDS.as_slice()), 1 => Just(String::new())];
    let flag = (select(FLAGS).prop_map(str::to_owned), 0..FLAG_VALUES);
    let item = (select(KEYS.as_slice()), data(), digest());
    (
        id,
        vec(name(), 0..3),
        vec(name(), 0..3),
        option::of(select(LAYERS).prop_map(str::to_owned)),
        select(METADATA.as_slice()),
        digest(),
        vec(flag, 0..2),
        vec(item, 0..4),
    )
        .prop_map(
            |(id, names, history, layer, metadata, digest, flags, items)| Op::Create {
                id,
                names,
                history,
                layer,
                metadata,
                digest,
                flags,
                items,
            },
        )
}

fn set_item() -> impl Strategy<Value = Op> {
    let manifest = prop_oneof![
        3 => Just(Manifest::Sha256),
        2 => (0..DIGESTS.len()).prop_map(Manifest::Given),
        1 => Just(Manifest::Invalid),
        1 => Just(Manifest::Function),
        1 => Just(Manifest::Fails),
        1 => Just(Manifest::Missing),
    ];
    let supply = prop_oneof![
        3 => Just(Supply::Whole),
        3 => Just(Supply::Stream),
        1 => Just(Supply::FailingStream),
    ];
    (
        reference(),
        select(KEYS.as_slice()),
        data(),
        manifest,
        supply,
    )
        .prop_map(|(reference, key, data, manifest, supply)| Op::SetItem {
            reference,
            key,
            data,
            manifest,
            supply,
        })
}

/// Mostly an ID, else a name, the beginning of IDs, or nothing that is known.
fn reference() -> impl Strategy<Value = String> {
    const BEGINNINGS: &[&str] = &["a", "0", "0123456789", "s", "unknown", "", "ab "];
    prop_oneof![
        6 => select(IDS.as_slice()),
        3 => name(),
        1 => select(BEGINNINGS).prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = String> {
    select(NAMES).prop_map(str::to_owned)
}

/// The long ones are rare: they take most of the time.
fn data() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..DATA.len() - 2, 1 => 0..DATA.len()]
}

fn digest() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        10 => Just(None),
        4 => select(DIGESTS.as_slice()).prop_map(Some),
        1 => Just(Some(String::new())),
        1 => Just(Some(INVALID_DIGEST.to_owned())),
    ]
}
