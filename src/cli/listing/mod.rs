//! What `list` is made of: which images, in which order, shown how.

mod filter;
mod order;
mod show;
mod template;

pub(crate) use filter::{Filter, Filters};
pub(crate) use order::{Order, SortKey};
pub(crate) use show::{Form, Shown};
