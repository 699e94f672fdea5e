//! Lookups: the same in a snapshot, in a transaction, and directly on a store.

mod ahead;
mod entry;
mod items;
mod listing;
mod lookup;
mod pages;
mod prefix;
mod reference;
mod source;

pub use entry::{DigestEntry, NameEntry};
pub use lookup::Lookup;
pub use prefix::Prefix;
use reference::{contradiction, record_at, resolve_checked};
pub(crate) use reference::{image_at, image_with_id, image_with_name, resolve_image};
pub(crate) use source::Source;
