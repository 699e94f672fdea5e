//! What must hold for every input: one module a target. The tests of the library include the same
//! modules and hold them against the corpus.

pub mod images_json;
pub mod item_names;
