//! Promise: whatever is done, in whatever order, in one transaction or many, with failures in
//! between, a store answers as the legacy rules say, and every index row and reference count
//! follows from the records.

mod compare;
pub(crate) mod crowd;
mod legacy;
mod operation;
mod pools;
mod run;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use operation::{Step, step};

/// `PROPTEST_CASES` where it is set. A failure prints its seed and its shortest form.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 64;
    }
    config.failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")));
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_store_does_what_the_legacy_rules_say(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run::run(&steps);
    }
}

/// The same rules on the sequences that people think of first, so that they are tried in each run.
#[test]
fn the_model_and_the_store_agree_on_every_operation_once() {
    use operation::{Manifest, Names, Op, Supply};
    let create = |id: &str, names: &[&str]| {
        Step::Do(Op::Create {
            id: id.to_owned(),
            names: names.iter().map(ToString::to_string).collect(),
            history: vec!["past".to_owned(), "past".to_owned()],
            layer: Some("layer".to_owned()),
            metadata: "{}".to_owned(),
            digest: None,
            flags: vec![("flag".to_owned(), 1)],
            items: vec![("manifest".to_owned(), 3, None)],
        })
    };
    let names = |kind, reference: &str, names: &[&str]| {
        let names = names.iter().map(ToString::to_string).collect();
        Step::Do(Op::Names(kind, reference.to_owned(), names))
    };
    let item = |reference: &str, key: &str, data, manifest, supply| {
        let (reference, key) = (reference.to_owned(), key.to_owned());
        Step::Do(Op::SetItem {
            reference,
            key,
            data,
            manifest,
            supply,
        })
    };
    run::run(&[
        create("ab", &["n1", "n2"]),
        create("ab", &["n3"]),
        create("abc", &["n1"]),
        Step::Begin,
        create("abd", &["n3", "n3", ""]),
        create("abe", &["n2"]),
        names(Names::Add, "abd", &["n2", "n4"]),
        names(Names::Set, "nothing", &["n1"]),
        names(Names::Remove, "n4", &["n3", "n9"]),
        item("abd", "config", 5, Manifest::Missing, Supply::Whole),
        item("abd", "manifest", 5, Manifest::Missing, Supply::Whole),
        item("abd", "manifest-x", 5, Manifest::Fails, Supply::Stream),
        item("abd", "manifest-x", 5, Manifest::Invalid, Supply::Stream),
        item("abd", "manifest-x", 7, Manifest::Function, Supply::Stream),
        item("ab", "index", 6, Manifest::Sha256, Supply::FailingStream),
        item("ab", "manifest", 6, Manifest::Given(1), Supply::Whole),
        Step::Do(Op::RemoveItem("abd".to_owned(), "config".to_owned())),
        Step::Do(Op::RemoveItem("abd".to_owned(), "config".to_owned())),
        Step::Do(Op::RemoveItem("ab".to_owned(), "manifest".to_owned())),
        Step::Snapshot,
        Step::Commit,
        Step::Snapshot,
        Step::Do(Op::AddLayer("ab".to_owned(), "layer".to_owned())),
        Step::Do(Op::RemoveLayer("ab".to_owned(), "layer".to_owned())),
        Step::Do(Op::SetMetadata("n1".to_owned(), "text".to_owned())),
        Step::Do(Op::SetFlag("n1".to_owned(), "flag".to_owned(), 2)),
        Step::Do(Op::ClearFlag("n1".to_owned(), "flag".to_owned())),
        Step::Do(Op::ClearFlag("n1".to_owned(), "flag".to_owned())),
        Step::Begin,
        Step::Do(Op::Wipe),
        Step::Abort,
        Step::Reopen { exclusive: true },
        Step::Do(Op::Delete("ab".to_owned())),
        Step::Do(Op::Delete("abd".to_owned())),
        Step::Reopen { exclusive: false },
        create("", &["n1"]),
        // Its history has a name twice, and keeps it so while no name is added to it.
        names(Names::Remove, "n1", &["n1"]),
        Step::Do(Op::CollectGarbage),
        Step::Do(Op::Wipe),
    ]);
}
