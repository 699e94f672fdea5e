//! What the benchmarks measure: the same images in this library and in what a user would pick
//! instead, with the same durability.

pub mod counted;
pub mod peers;
pub mod rows;
pub mod sample;
