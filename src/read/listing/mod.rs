//! What the listings read: each says where its next page begins and what becomes of a row.

mod images;
mod keys;

pub(super) use images::{Pairs, images, images_under};
pub(super) use keys::{digests, ids, names};
