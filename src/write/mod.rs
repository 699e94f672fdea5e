//! Mutations, each one step of a write transaction.
//!
//! A step first reads and checks, then writes: one that is refused has written nothing, so the
//! transaction goes on without it. The engine has no nested transactions to roll a step back with.

mod create;
mod fields;
mod items;
mod legacy_record;
mod limited;
mod load;
mod names;
mod pending;
mod put;
mod random_id;
mod remove;
mod work;

pub(crate) use create::PreparedImage;
pub(crate) use fields::{
    add_mapped_top_layer, clear_flag, remove_mapped_top_layer, set_flag, set_metadata,
};
pub use items::{DigestFunction, ManifestDigest};
pub(crate) use items::{ItemBytes, remove_big_data, set_big_data};
pub(crate) use legacy_record::{Displaced, insert_legacy, put_content, put_encoded};
pub(crate) use load::{Load, Loadable};
pub(crate) use names::{NameChange, change_names};
pub(crate) use put::TakenName;
pub(crate) use remove::{delete, wipe};
pub(crate) use work::Work;
