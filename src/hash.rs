//! Hashes that never change: of names that are too long, of the lock that writers share, of the rules of counting.

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

/// FNV-1a, 128 bits, fed in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fnv1a128(u128);

impl Fnv1a128 {
    pub(crate) const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    pub(crate) const fn finish(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of the hash's authors (draft-eastlake-fnv).
    #[test]
    fn the_hashes_are_those_of_the_published_vectors() {
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        let mut hash = Fnv1a128::new();
        hash.write(b"foo");
        hash.write(b"bar");
        assert_eq!(hash.finish(), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
