//! A hash that never changes: of names that are too long, and of the lock that writers share.

/// FNV-1a, 64 bits: stable across releases and platforms, which `std`'s hashers do not promise.
pub(crate) const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
