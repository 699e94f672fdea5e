//! Hexadecimal digits of hashes.

/// `prefix` and the lower-case hexadecimal digits of `bytes`, in one allocation.
pub(crate) fn with_hex(prefix: &str, bytes: &[u8; 32]) -> String {
    let mut digits = [0; 64];
    put_hex(&mut digits, bytes);
    let mut text = String::with_capacity(prefix.len() + 64);
    text.push_str(prefix);
    text.push_str(str::from_utf8(&digits).unwrap_or_default());
    text
}

/// Puts the lower-case hexadecimal digits of `bytes` where there are twice as many.
pub(crate) fn put_hex(digits: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// The digit of a value below 16. A record has a dozen of these texts and they are most of the work
/// of decoding it; without branches and tables the compiler does many digits at once.
const fn digit(value: u8) -> u8 {
    b'0' + value + (value > 9) as u8 * (b'a' - b'0' - 10)
}
