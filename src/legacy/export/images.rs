//! Records and items as they go into files.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::layout::{ItemFiles, item_files, remarks};
use super::place::FILE_MODE;
use super::report::Report;
use crate::content::BigDataReader;
use crate::error::{Error, Result};
use crate::legacy::directory::Directory;
use crate::legacy::json::ImagesJsonWriter;
use crate::model::Image;
use crate::read::Lookup as _;
use crate::store::{Snapshot, io_error};

const BUFFER: usize = 64 << 10;

/// Writes the records of all images that the layout can hold to `records`, and calls `items` with
/// the files of each image. `path` is that of `images.json`.
pub(super) fn write(
    snapshot: &Snapshot,
    report: &mut Report<'_>,
    records: File,
    path: &Path,
    mut items: impl FnMut(&Image, &ItemFiles<'_>, &mut Report<'_>) -> Result<()>,
) -> Result<()> {
    let refused = |source| io_error("write", path, source);
    let buffer = BufWriter::with_capacity(BUFFER, records);
    let mut writer = ImagesJsonWriter::new(buffer).map_err(refused)?;
    for image in snapshot.images()? {
        let image = image?;
        let Ok(files) = item_files(&image) else {
            report.passed_over();
            continue;
        };
        for remark in remarks(&image) {
            report.found(remark);
        }
        items(&image, &files, report)?;
        writer.write(&image).map_err(refused)?;
        report.image(&image);
    }
    let written = writer.finish().map_err(refused)?;
    let records = written
        .into_inner()
        .map_err(|error| refused(error.into_error()))?;
    records.sync_all().map_err(refused)?;
    report.summary.record_bytes = records.metadata().map_err(refused)?.len();
    Ok(())
}

/// Writes the item `key` of the image `id` to the new file `name` in `folder`, which is at `path`,
/// and says how many bytes it has.
pub(super) fn write_item(
    snapshot: &Snapshot,
    (id, key): (&str, &str),
    folder: &Directory,
    name: &str,
    path: &Path,
) -> Result<u64> {
    let refused = |source| io_error("write", &path.join(name), source);
    let mut item = snapshot.big_data_reader(id, key)?;
    let mut buffer = buffer(&item);
    let mut file = folder.new_file(name, FILE_MODE).map_err(refused)?;
    let mut size = 0;
    while let Some(bytes) = next(&mut item, key, &mut buffer)? {
        file.write_all(bytes).map_err(refused)?;
        size += bytes.len() as u64;
    }
    file.sync_all().map_err(refused)?;
    Ok(size)
}

/// Whether `file` holds just the bytes of an item. `path` is that of the file.
pub(super) fn is_same(
    snapshot: &Snapshot,
    (id, key): (&str, &str),
    mut file: File,
    path: &Path,
) -> Result<bool> {
    let refused = |source| io_error("read", path, source);
    let mut item = snapshot.big_data_reader(id, key)?;
    if file.metadata().map_err(refused)?.len() != item.size() {
        return Ok(false);
    }
    let mut buffer = buffer(&item);
    let mut there = vec![0; buffer.len()];
    while let Some(bytes) = next(&mut item, key, &mut buffer)? {
        let there = there.get_mut(..bytes.len()).unwrap_or_default();
        match file.read_exact(there) {
            Ok(()) if there == bytes => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(true)
}

fn buffer(item: &BigDataReader<'_>) -> Vec<u8> {
    // One byte more than there are shows the end.
    let size = usize::try_from(item.size()).unwrap_or(BUFFER);
    vec![0; size.saturating_add(1).min(BUFFER)]
}

/// The next bytes of an item, or `None` after the last.
fn next<'b>(
    item: &mut BigDataReader<'_>,
    key: &str,
    buffer: &'b mut [u8],
) -> Result<Option<&'b [u8]>> {
    let read = item.read(buffer).map_err(|error| {
        error.downcast::<Error>().unwrap_or_else(|source| {
            let key = key.to_owned();
            Error::Input { key, source }
        })
    })?;
    Ok(buffer.get(..read).filter(|bytes| !bytes.is_empty()))
}
