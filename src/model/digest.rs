//! Which strings are digests.

use crate::error::{Error, Result};

/// Checks that `digest` is `algorithm:encoded` with the algorithm `sha256`, `sha384` or `sha512`
/// and as many lower-case hexadecimal digits as that algorithm has.
///
/// Mirrors `Digest.Validate` of the library that the legacy store uses.
///
/// # Errors
///
/// [`Error::InvalidDigest`] names the digest.
///
/// # Examples
///
/// ```
/// use image_store::validate_digest;
///
/// validate_digest(&format!("sha256:{}", "0".repeat(64)))?;
/// assert!(validate_digest("sha256:short").is_err());
/// assert!(validate_digest("md5:7694f4a66316e53c8cdd9d9954bd611d").is_err());
/// # Ok::<(), image_store::Error>(())
/// ```
pub fn validate_digest(digest: &str) -> Result<()> {
    if is_valid_digest(digest) {
        Ok(())
    } else {
        Err(Error::InvalidDigest {
            digest: digest.to_owned(),
        })
    }
}

/// [`validate_digest`] where an invalid digest is passed over rather than refused: in records that
/// were imported with the damage they had.
pub(crate) fn is_valid_digest(digest: &str) -> bool {
    let algorithms = [("sha256:", 64), ("sha384:", 96), ("sha512:", 128)];
    let known = algorithms
        .iter()
        .find_map(|(algorithm, digits)| Some((digest.strip_prefix(algorithm)?, *digits)));
    let Some((encoded, digits)) = known else {
        return false;
    };
    encoded.len() == digits
        // Without a way out in the middle the compiler checks many digits at once.
        && encoded
            .bytes()
            .fold(true, |all, b| all & matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::is_valid_digest;

    #[test]
    fn accepts_each_algorithm_with_its_own_length_only() {
        for (algorithm, digits) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
            for length in [digits - 1, digits, digits + 1] {
                let digest = format!("{algorithm}:{}", "a".repeat(length));
                assert_eq!(is_valid_digest(&digest), length == digits, "{digest}");
            }
        }
    }

    #[test]
    fn refuses_what_only_looks_like_a_digest() {
        let upper = format!("sha256:{}", "A".repeat(64));
        let twice = format!("sha256:{}:", "a".repeat(63));
        for text in [
            "", ":", ":abc", "sha256", "sha256:", "md5:00", &upper, &twice,
        ] {
            assert!(!is_valid_digest(text), "{text}");
        }
    }
}
