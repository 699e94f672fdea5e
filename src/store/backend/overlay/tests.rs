//! An overlay is as a file that is written to, and the one below is not.

use std::io::{Read as _, Seek as _, Write as _};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use redb::StorageBackend as _;
use redb::backends::{FileBackend, InMemoryBackend};

use super::{Overlay, PAGE};

#[test]
fn reads_see_writes_and_the_file_below_does_not() {
    let mut random = StdRng::seed_from_u64(1);
    for seed in 0..60_u64 {
        let mut original = vec![0; random.random_range(1..6 * PAGE)];
        random.fill(&mut original[..]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&original).unwrap();
        let below = FileBackend::new(file.try_clone().unwrap()).unwrap();
        let overlay = Overlay::on(below).unwrap();
        let right = InMemoryBackend::new();
        right.set_len(original.len() as u64).unwrap();
        right.write(0, &original).unwrap();

        for step in 0..200 {
            let length = right.len().unwrap();
            let offset = random.random_range(0..length + 100);
            let count = random.random_range(0..2 * PAGE + 100);
            if random.random_bool(0.1) {
                let length = random.random_range(0..8 * PAGE as u64);
                overlay.set_len(length).unwrap();
                right.set_len(length).unwrap();
            } else if random.random_bool(0.4) {
                let mut data = vec![0; count];
                random.fill(&mut data[..]);
                let written = overlay.write(offset, &data).is_ok();
                assert_eq!(written, right.write(offset, &data).is_ok());
            } else {
                let (mut read, mut expected) = (vec![1; count], vec![1; count]);
                let is_there = overlay.read(offset, &mut read).is_ok();
                assert_eq!(is_there, right.read(offset, &mut expected).is_ok());
                if is_there {
                    assert!(read == expected, "seed {seed}, step {step}");
                }
            }
            assert_eq!(overlay.len().unwrap(), right.len().unwrap());
        }

        let mut after = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut after).unwrap();
        assert!(after == original, "seed {seed}");
        assert!(!overlay.moved_on().unwrap());
    }
}

#[test]
fn a_change_of_the_header_below_is_noticed() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[7; 2 * PAGE]).unwrap();
    let overlay = Overlay::on(FileBackend::new(file.try_clone().unwrap()).unwrap()).unwrap();
    overlay.write(0, &[1; 64]).unwrap();
    assert!(!overlay.moved_on().unwrap());
    file.rewind().unwrap();
    file.write_all(&[8]).unwrap();
    assert!(overlay.moved_on().unwrap());
}
