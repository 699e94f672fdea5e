//! For this project's benchmarks: the codec of records, so that engines that are compared read and
//! write the same bytes and do the same work on them. Not a promise.

use std::path::Path;

use crate::codec;
use crate::error::Result;
use crate::model::Image;

/// Decodes the record of an image number.
pub fn decode_record(number: u64, record: &[u8]) -> Result<Image> {
    codec::decode_image(number, record).map_err(|failure| failure.at(Path::new("a record")))
}

/// Encodes the record of an image number.
pub fn encode_record(number: u64, image: &Image) -> Result<Vec<u8>> {
    codec::encode_image(number, image).map_err(|failure| failure.at(Path::new("a record")))
}
