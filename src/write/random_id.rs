//! IDs for images that are created without one.

use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::with_hex;
use crate::random::random;

/// Makes 64 random hexadecimal digits of which the first twelve are not all decimal.
///
/// Mirrors `stringid.GenerateRandomID` of the legacy store: twelve digits are what people use of an
/// ID, and a short ID that reads as a number is taken for one by other tools.
///
/// # Errors
///
/// [`Error::Io`] where the system has none to give.
pub(super) fn random_id() -> Outcome<String> {
    loop {
        let bytes = random().map_err(|source| {
            Failure::Error(Error::Io {
                action: "get random bytes for an ID, as from",
                path: "/dev/urandom".into(),
                source,
            })
        })?;
        let id = with_hex("", &bytes);
        if id.bytes().take(12).any(|digit| !digit.is_ascii_digit()) {
            return Ok(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::random_id;

    #[test]
    fn is_64_digits_and_no_number_in_the_first_twelve() {
        // About one in 280 IDs would be refused; of 10,000, some are.
        for _ in 0..10_000 {
            let id = random_id().unwrap();
            assert_eq!(id.len(), 64);
            assert!(id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            assert!(id.get(..12).unwrap().parse::<u64>().is_err(), "{id}");
        }
    }
}
