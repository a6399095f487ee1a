//! The deduplicated set of touches that every count comes from.

use uuid::Uuid;

/// One unit reading one tech asset behind one output port, for one consumer, on one day.
///
/// Everything but the unit is an index, so a touch is 28 bytes whatever the log's texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Touch {
    pub(super) unit: Unit,
    /// Days since the first day of the aggregation.
    pub(super) day: u32,
    pub(super) consumer: u32,
    /// A pair of output port and tech asset.
    pub(super) link: u32,
}

/// A query id in 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit([u8; 16]);

impl Unit {
    /// A canonical UUID, as Snowflake's query ids are, stands for itself; any other text for the
    /// version 5 UUID of its bytes (122 bits of SHA-1). Snowflake's ids are of no such version, so the
    /// two cannot meet in practice; two of a billion other texts meet with a probability near 1e-19.
    pub(super) fn new(id: &str) -> Self {
        let canonical = Uuid::try_parse(id)
            .ok()
            .filter(|uuid| *uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *id);
        Self(canonical.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes())).into_bytes())
    }
}

/// A set of touches in at most 64 bytes for each, while it grows included.
///
/// A sorted vector: when it is full it is sorted, repeats are dropped, and it grows by a quarter of
/// what is left. Growing holds the old and the new buffer, (1 + 1.25) · 28 = 63 bytes a touch; a
/// stable sort, which is fast on the sorted part, borrows half a buffer: (1.25 + 0.625) · 28 = 53.
#[derive(Debug, Default)]
pub(super) struct Touches(Vec<Touch>);

impl Touches {
    /// Room for this many touches is always there.
    const LEAST: usize = 1024;

    pub(super) fn insert(&mut self, touch: Touch) {
        if self.0.len() == self.0.capacity() {
            self.make_room();
        }
        self.0.push(touch);
    }

    fn make_room(&mut self) {
        self.drop_repeats();
        let distinct = self.0.len();
        self.0.reserve_exact((distinct / 4).max(Self::LEAST));
    }

    fn drop_repeats(&mut self) {
        self.0.sort();
        self.0.dedup();
    }

    /// The touches in order, each once.
    pub(super) fn into_sorted(mut self) -> Vec<Touch> {
        self.drop_repeats();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(unit: u32, link: u32) -> Touch {
        Touch { unit: Unit::new(&format!("query {unit}")), day: 0, consumer: 0, link }
    }

    #[test]
    fn a_touch_takes_28_bytes() {
        assert_eq!(size_of::<Touch>(), 28);
    }

    #[test]
    fn distinct_touches_take_at_most_64_bytes_each_at_every_moment() {
        let mut touches = Touches::default();
        let mut before = 0;
        for unit in 0..100_000 {
            touches.insert(touch(unit, 0));
            let now = touches.0.capacity();
            let buffers = if now == before { now + now / 2 } else { before + now };
            let least = 2 * Touches::LEAST * size_of::<Touch>();
            let allowed = 64 * (unit as usize + 1) + least;
            assert!(buffers * size_of::<Touch>() <= allowed, "{unit}");
            before = now;
        }
    }

    #[test]
    fn repeated_touches_take_no_room() {
        let mut touches = Touches::default();
        for round in 0..1000 {
            for unit in 0..2000 {
                touches.insert(touch(unit, round % 2));
            }
        }
        assert!(touches.0.capacity() <= 4000 * 5 / 4 + Touches::LEAST);
        assert_eq!(touches.into_sorted().len(), 4000);
    }

    #[test]
    fn ids_that_differ_in_text_are_different_units() {
        let ids = [
            "01b2c3d4-0000-1111-2222-333344445555",
            "01B2C3D4-0000-1111-2222-333344445555",
            "01b2c3d4000011112222333344445555",
            "{01b2c3d4-0000-1111-2222-333344445555}",
            "q1",
            "",
        ];
        for (i, one) in ids.iter().enumerate() {
            for (j, two) in ids.iter().enumerate() {
                assert_eq!(Unit::new(one) == Unit::new(two), i == j, "{one} {two}");
            }
        }
    }
}
