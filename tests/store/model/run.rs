//! Does the steps to a store and to the model, and compares them.

use std::error::Error as StdError;

use image_store::{
    Access, Image, ImageStore, Lookup as _, ManifestDigest, NewImage, Snapshot, Transaction,
};

use crate::model::compare::{compare, compare_images};
use crate::model::legacy::Legacy;
use crate::model::operation::{Manifest, Names, Op, Step, Supply, function_digest};
use crate::model::pools::{DATA, DIGESTS, INVALID_DIGEST, flag_value};
use crate::support::bytes::Dribble;
use crate::support::{Place, invariants};

struct Run {
    place: Place,
    store: Option<ImageStore>,
    exclusive: bool,
    /// The open transaction, and what it has made of the images.
    transaction: Option<(Transaction, Legacy)>,
    committed: Legacy,
    snapshots: Vec<(Snapshot, Legacy)>,
}

pub(crate) fn run(steps: &[Step]) {
    let place = Place::in_memory();
    let mut run = Run {
        store: Some(place.open()),
        place,
        exclusive: false,
        transaction: None,
        committed: Legacy::default(),
        snapshots: Vec::new(),
    };
    for step in steps {
        run.step(step);
    }
    run.reopen(false);
}

impl Run {
    fn store(&self) -> &ImageStore {
        self.store.as_ref().unwrap()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Do(op) => self.operate(op),
            Step::Begin if self.transaction.is_none() => {
                let transaction = self.store().write().unwrap();
                self.transaction = Some((transaction, self.committed.clone()));
            }
            // Two transactions of one thread are another test's.
            Step::Begin => {}
            Step::Commit => {
                if let Some((transaction, model)) = self.transaction.take() {
                    compare(&transaction, &model);
                    transaction.commit().unwrap();
                    self.committed = model;
                    self.check();
                }
            }
            Step::Abort => {
                if self.transaction.take().is_some() {
                    self.check();
                }
            }
            Step::Snapshot => {
                if self.snapshots.len() == 2 {
                    self.snapshots.remove(0);
                }
                let snapshot = self.store().read().unwrap();
                self.snapshots.push((snapshot, self.committed.clone()));
            }
            Step::Reopen { exclusive } => self.reopen(*exclusive),
        }
    }

    fn reopen(&mut self, exclusive: bool) {
        self.transaction = None;
        self.snapshots.clear();
        self.store.take().unwrap().close();
        invariants_match(&self.place, &self.committed);
        let access = if exclusive {
            Access::Exclusive
        } else {
            Access::Shared
        };
        let opened = ImageStore::options().access(access).open(self.place.path());
        self.store = Some(opened.unwrap());
        self.exclusive = exclusive;
        self.check();
    }

    fn operate(&mut self, op: &Op) {
        match &mut self.transaction {
            Some((transaction, model)) => {
                let done = in_transaction(transaction, op);
                agree(op, done, model);
                compare_images(transaction, model);
                let seen: Vec<String> = ids(self.store.as_ref().unwrap());
                let committed = self.committed.images.iter().map(|image| image.id.clone());
                assert_eq!(
                    seen,
                    committed.collect::<Vec<_>>(),
                    "seen before the commit"
                );
            }
            None => {
                let before = self.store().generation().unwrap();
                let done = in_one_step(self.store(), op);
                let failed = done.is_err();
                agree(op, done, &mut self.committed);
                if failed {
                    assert_eq!(self.store().generation().unwrap(), before);
                }
                self.check();
            }
        }
    }

    /// After what changed the committed state.
    fn check(&self) {
        compare_images(self.store(), &self.committed);
        compare(&self.store().read().unwrap(), &self.committed);
        for (snapshot, model) in &self.snapshots {
            compare(snapshot, model);
        }
        if !self.exclusive {
            invariants_match(&self.place, &self.committed);
        }
    }
}

fn invariants_match(place: &Place, model: &Legacy) {
    assert_eq!(invariants::check(&place.path()), model.images);
}

fn ids(store: &ImageStore) -> Vec<String> {
    let images = store.images().unwrap();
    images.map(|image| image.unwrap().id).collect()
}

/// The store and the model must both do it, or both fail alike.
fn agree(op: &Op, done: image_store::Result<Option<Image>>, model: &mut Legacy) {
    let before = model.clone();
    match done {
        Ok(made) => {
            assert_eq!(model.apply(op, made.as_ref()), Ok(()));
            if let Some(made) = made {
                assert_eq!(Some(&made), model.images.last());
            }
        }
        Err(error) => {
            assert_eq!(model.apply(op, None), Err(error.kind()), "{error}");
            assert_eq!(*model, before);
        }
    }
}

/// Calls the method of the same name on a store and on a transaction.
macro_rules! perform {
    ($on:expr, $op:expr) => {
        match $op {
            Op::Create { .. } => return $on.create(new_image($op)).map(Some),
            Op::Names(Names::Set, reference, names) => $on.set_names(reference, names),
            Op::Names(Names::Add, reference, names) => $on.add_names(reference, names),
            Op::Names(Names::Remove, reference, names) => $on.remove_names(reference, names),
            Op::Delete(reference) => $on.delete(reference),
            Op::AddLayer(reference, layer) => $on.add_mapped_top_layer(reference, layer),
            Op::RemoveLayer(reference, layer) => $on.remove_mapped_top_layer(reference, layer),
            Op::SetMetadata(reference, metadata) => $on.set_metadata(reference, metadata),
            Op::SetItem {
                reference,
                key,
                data,
                manifest,
                supply,
            } => {
                let digest = manifest_digest(*manifest);
                let bytes = DATA[*data].as_slice();
                match supply {
                    Supply::Whole => $on.set_big_data(reference, key, bytes, digest),
                    Supply::Stream => {
                        $on.set_big_data_from(reference, key, &mut Dribble::new(bytes), digest)
                    }
                    Supply::FailingStream => {
                        let mut input = Dribble::failing(bytes);
                        $on.set_big_data_from(reference, key, &mut input, digest)
                    }
                }
            }
            Op::SetFlag(reference, flag, value) => {
                $on.set_flag(reference, flag, flag_value(*value))
            }
            Op::RemoveItem(reference, key) => $on.remove_big_data(reference, key),
            Op::ClearFlag(reference, flag) => $on.clear_flag(reference, flag),
            Op::CollectGarbage => $on.collect_garbage().map(|freed| assert_eq!(freed, 0)),
            Op::Wipe => {
                let count = $on.len()?;
                $on.wipe().map(|wiped| assert_eq!(wiped, count))
            }
        }
        .map(|()| None)
    };
}

pub(crate) fn in_transaction(on: &mut Transaction, op: &Op) -> image_store::Result<Option<Image>> {
    perform!(on, op)
}

fn in_one_step(on: &ImageStore, op: &Op) -> image_store::Result<Option<Image>> {
    perform!(on, op)
}

fn new_image(op: &Op) -> NewImage {
    let Op::Create {
        id,
        names,
        history,
        layer,
        metadata,
        digest,
        flags,
        items,
    } = op
    else {
        unreachable!()
    };
    let mut image = NewImage::new().id(id).metadata(metadata);
    image.names.clone_from(names);
    image.names_history.clone_from(history);
    image.top_layer.clone_from(layer);
    image.digest.clone_from(digest);
    for (flag, value) in flags {
        image = image.flag(flag, flag_value(*value));
    }
    for (key, data, digest) in items {
        let bytes = DATA[*data].as_slice();
        image = match digest {
            Some(digest) => image.big_data_with_digest(key, bytes, digest),
            None => image.big_data(key, bytes),
        };
    }
    image
}

fn manifest_digest(manifest: Manifest) -> ManifestDigest<'static> {
    type Answer = Result<String, Box<dyn StdError + Send + Sync>>;
    fn function(bytes: &[u8]) -> Answer {
        Ok(function_digest(bytes))
    }
    fn fails(_: &[u8]) -> Answer {
        Err("no digest on Sundays".into())
    }
    match manifest {
        Manifest::Sha256 => ManifestDigest::Sha256,
        Manifest::Given(digest) => ManifestDigest::Given(&DIGESTS[digest]),
        Manifest::Invalid => ManifestDigest::Given(INVALID_DIGEST),
        Manifest::Function => ManifestDigest::Function(&function),
        Manifest::Fails => ManifestDigest::Function(&fails),
        Manifest::Missing => ManifestDigest::Missing,
    }
}
