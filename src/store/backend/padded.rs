//! A file that goes on with zeros behind its end.

use std::io;

use redb::StorageBackend;

/// Storage of which what lies beyond the end reads as zeros.
///
/// A damaged page may lead to one that the file does not have. An error of the system makes the
/// engine refuse all further use of its handle, and a repair would find nothing any more; zeros are
/// no page, so what leads there is damaged and the rest is not.
#[derive(Debug)]
pub(in crate::store) struct Padded<B>(pub(super) B);

impl<B: StorageBackend> StorageBackend for Padded<B> {
    crate::passes_on!(0: len, set_len, sync_data, write, close, locks);

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.0.read(offset, out) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => return read,
        }
        let there = self.0.len()?.saturating_sub(offset);
        let there = usize::try_from(there).unwrap_or(usize::MAX).min(out.len());
        let (there, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        if there.is_empty() {
            return Ok(());
        }
        self.0.read(offset, there)
    }
}

#[cfg(test)]
mod tests {
    use redb::StorageBackend as _;
    use redb::backends::FileBackend;

    use super::Padded;

    #[test]
    fn a_file_goes_on_with_zeros() {
        let file = tempfile::tempfile().unwrap();
        let padded = Padded(FileBackend::new(file).unwrap());
        padded.write(0, b"abcdef").unwrap();
        for (offset, expected) in [(0, b"abcd"), (2, b"cdef"), (4, b"ef\0\0"), (6, b"\0\0\0\0")] {
            let mut read = *b"????";
            padded.read(offset, &mut read).unwrap();
            assert_eq!(&read, expected, "{offset}");
        }
        let mut read = *b"????";
        padded.read(1 << 40, &mut read).unwrap();
        assert_eq!(&read, b"\0\0\0\0");
        assert_eq!(padded.len().unwrap(), 6, "reading makes nothing longer");
    }
}
