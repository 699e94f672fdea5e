//! Sealed values, written and read here as `migrations/README.md` says, not with the library's own
//! code.

/// What a value belongs to, as the checksum covers it.
pub(crate) fn record_owner(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// As [`record_owner`], of a content row.
pub(crate) fn content_owner(hash: &[u8; 32]) -> Vec<u8> {
    hash.to_vec()
}

/// As [`record_owner`], of a part.
pub(crate) fn part_owner(number: u64, part: u32) -> Vec<u8> {
    [&number.to_le_bytes()[..], &part.to_le_bytes()[..]].concat()
}

/// The payload of a sealed value, which must be whole.
pub(crate) fn unseal(owner: &[u8], sealed: &[u8]) -> Vec<u8> {
    assert_eq!(sealed[0], 1, "the format byte");
    let payload = &sealed[5..];
    assert_eq!(sealed, seal(owner, payload), "the checksum");
    payload.to_vec()
}

/// Seals a payload.
pub(crate) fn seal(owner: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(owner);
    hasher.update(payload);
    let mut sealed = vec![1];
    sealed.extend_from_slice(&hasher.finalize().to_le_bytes());
    sealed.extend_from_slice(payload);
    sealed
}
