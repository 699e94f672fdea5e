//! Promise: a store can be used to the very end of a thread, while its thread-local values are dropped.

use std::cell::RefCell;
use std::sync::mpsc::{self, Sender};
use std::thread;

use image_store::{Access, Image, ImageStore, NewImage};

use crate::support::{Place, invariants};

/// Creates images when it is dropped.
struct Late(ImageStore, Sender<image_store::Result<Image>>);

impl Drop for Late {
    fn drop(&mut self) {
        for _ in 0..4 {
            self.1.send(self.0.create(NewImage::new())).unwrap();
        }
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

/// The generator of the thread was gone by then, and the store was called damaged.
#[test]
fn images_are_created_while_the_values_of_a_thread_are_dropped() {
    for access in [Access::Shared, Access::Exclusive] {
        let place = Place::in_memory();
        let store = ImageStore::options().access(access).open(place.path());
        let store = store.unwrap();
        let (sender, created) = mpsc::channel();
        let late = Late(store.clone(), sender);
        let thread = thread::spawn(move || {
            // What is used first is dropped last.
            LATE.set(Some(late));
            store.create(NewImage::new()).unwrap();
        });
        thread.join().unwrap();
        let created: Vec<_> = created.iter().map(Result::unwrap).collect();
        assert_eq!(created.len(), 4);
        assert_eq!(invariants::check(&place.path()).len(), 5);
    }
}
