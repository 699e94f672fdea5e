//! Damage that a fuzzer chooses: a list of edits as bytes, each of which changes a sound file.

const PAGE: usize = 4_096;

/// The bytes of a file after edits. Any bytes are edits; they end where one is cut short.
///
/// Three bytes are a place in the file, in the order of the least first; the next says what happens
/// there: up to 32 bytes that follow are put there, a page is filled with zeroes, a page changes
/// places with one that two more bytes tell, or the file ends there.
pub fn edit(original: &[u8], mut edits: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    while let [a, b, c, kind, rest @ ..] = edits {
        edits = rest;
        let place = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
        let place = place % bytes.len().max(1);
        let page = place / PAGE;
        match kind {
            0..0xf0 => {
                let count = (usize::from(*kind) % 32 + 1).min(edits.len());
                let (new, rest) = edits.split_at(count);
                edits = rest;
                for (old, new) in bytes.iter_mut().skip(place).zip(new) {
                    *old = *new;
                }
            }
            0xf0..0xf8 => {
                let page = bytes.iter_mut().skip(page * PAGE).take(PAGE);
                page.for_each(|byte| *byte = 0);
            }
            0xf8..0xff => {
                let [a, b, rest @ ..] = edits else { break };
                edits = rest;
                let pages = bytes.len() / PAGE;
                let other = (usize::from(*a) | usize::from(*b) << 8) % pages.max(1);
                if page < pages && pages > 0 {
                    for at in 0..PAGE {
                        bytes.swap(page * PAGE + at, other * PAGE + at);
                    }
                }
            }
            0xff => bytes.truncate(place),
        }
    }
    bytes
}
