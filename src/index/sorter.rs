//! Rows of an index, sorted in bounded memory.
//!
//! An index whose rows come in the order of their keys is written several times faster than one
//! whose rows come as the images do, and its pages are full.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use crate::engine::{Failure, Outcome};
use crate::model::limits::MAX_RECORD;

/// So many bytes of rows are kept in memory, of each index; the rest waits in a file without a
/// name.
const IN_MEMORY: usize = 24 << 20;

/// Rows of a text and an image number, which come out in their order.
pub(super) struct Sorter {
    folder: Arc<Path>,
    text: String,
    rows: Vec<Row>,
    in_memory: usize,
    runs: Vec<File>,
}

struct Row {
    /// The beginning of the text, which decides most comparisons.
    beginning: [u64; 2],
    text: (usize, usize),
    number: u64,
}

impl Row {
    fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.text.0..self.text.1).unwrap_or_default()
    }

    fn compare(&self, other: &Self, text: &str) -> Ordering {
        self.beginning
            .cmp(&other.beginning)
            .then_with(|| self.text(text).cmp(other.text(text)))
            .then(self.number.cmp(&other.number))
    }
}

impl Sorter {
    /// What does not fit into memory waits in files in this folder, without names.
    pub(super) fn new(folder: &Arc<Path>) -> Self {
        Self {
            folder: Arc::clone(folder),
            text: String::new(),
            rows: Vec::new(),
            in_memory: IN_MEMORY,
            runs: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, text: &str, number: u64) -> Outcome<()> {
        let begin = self.text.len();
        self.text.push_str(text);
        self.rows.push(Row {
            beginning: beginning(text.as_bytes()),
            text: (begin, self.text.len()),
            number,
        });
        if self.text.len() + self.rows.len() * size_of::<Row>() >= self.in_memory {
            let run = self.spill().map_err(|error| self.refused(error))?;
            self.runs.push(run);
        }
        Ok(())
    }

    /// Whether there are so many rows that writing them takes longer than starting a thread.
    pub(super) const fn is_large(&self) -> bool {
        self.rows.len() > 1_000 || !self.runs.is_empty()
    }

    /// Gives every row to `take`, in their order, and is empty then.
    pub(super) fn drain(&mut self, mut take: impl FnMut(&str, u64) -> Outcome<()>) -> Outcome<()> {
        if self.runs.is_empty() {
            self.sort();
            for row in &self.rows {
                take(row.text(&self.text), row.number)?;
            }
            self.clear();
            return Ok(());
        }
        if !self.rows.is_empty() {
            let run = self.spill().map_err(|error| self.refused(error))?;
            self.runs.push(run);
        }
        // What memory held is not needed while the runs are merged.
        (self.text, self.rows) = (String::new(), Vec::new());
        let mut runs: Vec<_> = self.runs.drain(..).map(Run::new).collect();
        let mut heads = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            let mut text = String::new();
            let number = run.next(&mut text);
            let number = number.map_err(|error| refused(&self.folder, error))?;
            heads.extend(number.map(|number| Reverse((text, number, index))));
        }
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((text, number, index)) = &mut *head;
            take(text, *number)?;
            // The next row of the run takes the place of this one, and its memory.
            let next = runs.get_mut(*index).map(|run| run.next(text)).transpose();
            match next
                .map_err(|error| refused(&self.folder, error))?
                .flatten()
            {
                Some(next) => *number = next,
                None => drop(PeekMut::pop(head)),
            }
        }
        Ok(())
    }

    fn sort(&mut self) {
        let text = &self.text;
        self.rows
            .sort_unstable_by(|one, other| one.compare(other, text));
    }

    fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
    }

    /// Writes the rows in memory to a file without a name: whatever ends the process, it is gone.
    fn spill(&mut self) -> io::Result<File> {
        self.sort();
        let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.folder)?);
        for row in &self.rows {
            let text = row.text(&self.text);
            file.write_all(&(text.len() as u64).to_le_bytes())?;
            file.write_all(&row.number.to_le_bytes())?;
            file.write_all(text.as_bytes())?;
        }
        self.clear();
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }

    fn refused(&self, source: io::Error) -> Failure {
        refused(&self.folder, source)
    }
}

/// Rows may be lost then, so nothing of the transaction may be kept.
fn refused(folder: &Path, source: io::Error) -> Failure {
    let why = format!(
        "index rows that wait in a temporary file in {}: {source}",
        folder.display()
    );
    Failure::Engine(redb::Error::Io(io::Error::new(source.kind(), why)))
}

/// A sorted file of rows.
struct Run(BufReader<File>);

impl Run {
    fn new(file: File) -> Self {
        Self(BufReader::with_capacity(256 << 10, file))
    }

    /// Reads a row: its text, in the place of what `text` was, and its number.
    fn next(&mut self, text: &mut String) -> io::Result<Option<u64>> {
        if io::BufRead::fill_buf(&mut self.0)?.is_empty() {
            return Ok(None);
        }
        let (mut length, mut number) = ([0; 8], [0; 8]);
        self.0.read_exact(&mut length)?;
        self.0.read_exact(&mut number)?;
        let length = usize::try_from(u64::from_le_bytes(length)).ok();
        // What was read back is not trusted with the memory of the machine.
        let length = length.filter(|length| *length <= MAX_RECORD);
        let length = length.ok_or(io::ErrorKind::InvalidData)?;
        let mut bytes = std::mem::take(text).into_bytes();
        bytes.resize(length, 0);
        self.0.read_exact(&mut bytes)?;
        *text = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Some(u64::from_le_bytes(number)))
    }
}

/// The first sixteen bytes as numbers that compare as they do.
fn beginning(text: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    let number = u128::from_be_bytes(bytes);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of the number, one each"
    )]
    [(number >> 64) as u64, number as u64]
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::Sorter;

    /// Texts that share beginnings, one of which is a NUL away from another.
    fn rows() -> Vec<(String, u64)> {
        let mut rows = vec![(String::new(), 3), ("a".into(), 2), ("a\0".into(), 1)];
        for number in 0..2_000_u64 {
            let digits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            rows.push((format!("sha256:{digits:016x}"), number % 7));
            rows.push((format!("sha256:{:064}", number % 100), number));
        }
        rows
    }

    #[test]
    fn rows_come_out_in_order_whether_they_fit_into_memory_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let spills: Arc<Path> = folder.path().into();
        let mut sorted = rows();
        sorted.sort();
        for in_memory in [usize::MAX, 10_000, 0] {
            let mut sorter = Sorter::new(&spills);
            sorter.in_memory = in_memory;
            // It can be used again once it is empty.
            for _ in 0..2 {
                for (text, number) in rows() {
                    sorter.push(&text, number).unwrap();
                }
                let mut drained = Vec::new();
                sorter
                    .drain(|text, number| {
                        drained.push((text.to_owned(), number));
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(drained, sorted);
                assert_eq!(folder.path().read_dir().unwrap().count(), 0);
            }
        }
    }

    /// Rows that were pushed before are in memory and in no table: they must not be committed.
    #[test]
    fn where_rows_cannot_wait_nothing_is_kept() {
        let gone: Arc<Path> = Path::new("/nowhere/to/be/found").into();
        let mut sorter = Sorter::new(&gone);
        sorter.in_memory = 0;
        let failure = sorter.push("a", 1).unwrap_err();
        assert!(failure.breaks_transaction());
        assert!(
            failure.to_string().contains("/nowhere/to/be/found"),
            "{failure}"
        );
    }
}
