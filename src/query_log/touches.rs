//! The deduplicated set of touches that every count comes from.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU64;

use uuid::Uuid;

/// One unit reading one tech asset behind one output port, for one consumer, on one day.
///
/// Everything but the unit is a number, so a touch is 40 bytes whatever the log's texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Touch {
    pub(super) unit: Unit,
    /// Days since the first day of the aggregation.
    pub(super) day: u32,
    pub(super) consumer: u32,
    /// A pair of output port and tech asset.
    pub(super) link: u32,
    pub(super) through: Through,
}

impl Touch {
    /// What makes a touch one: everything but the object that it was made through.
    fn key(&self) -> (Unit, u32, u32, u32) {
        (self.unit, self.day, self.consumer, self.link)
    }
}

/// The objects that a touch was made through, as far as combinations ask: two touches through one and
/// the same object, which is in two assets, combine nothing.
///
/// An object is known by 64 bits of a keyed hash of its name; only those that one unit reads are ever
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Through {
    /// This object alone, which is in more than one asset.
    Shared(NonZeroU64),
    /// Several objects, or one that is in no other asset.
    Others,
}

impl Through {
    /// What two reads of one asset come to.
    pub(super) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Others }
    }
}

/// A query id in 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
/// It is split by the units' hashes into 256 parts, each a vector: when one is full it is sorted, repeats
/// are dropped, and it grows by a quarter of what is left. So all parts hold at most 1.25 · 40 = 50 bytes
/// a touch, and only the part that grows or sorts has a second buffer.
#[derive(Debug)]
pub(super) struct Touches {
    parts: Vec<Vec<Touch>>,
    hasher: RandomState,
}

impl Default for Touches {
    fn default() -> Self {
        Self { parts: vec![Vec::new(); Self::PARTS], hasher: RandomState::new() }
    }
}

impl Touches {
    const PARTS: usize = 256;
    /// Room for this many touches is always there once a part has one.
    const LEAST: usize = 32;

    /// A touch through one object that is in more than one asset.
    pub(super) fn through(&self, object_name: &str) -> Through {
        Through::Shared(NonZeroU64::new(self.hasher.hash_one(object_name)).unwrap_or(NonZeroU64::MIN))
    }

    pub(super) fn insert(&mut self, touch: Touch) {
        let part = self.hasher.hash_one(touch.unit) as usize % Self::PARTS;
        let part = &mut self.parts[part];
        if part.len() == part.capacity() {
            drop_repeats(part);
            part.reserve_exact((part.len() / 4).max(Self::LEAST));
        }
        part.push(touch);
    }

    /// The touches, each once; those of a unit are in one part, in their order.
    pub(super) fn into_sorted_parts(self) -> impl Iterator<Item = Vec<Touch>> {
        self.parts.into_iter().map(|mut part| {
            drop_repeats(&mut part);
            part
        })
    }
}

fn drop_repeats(touches: &mut Vec<Touch>) {
    touches.sort(); // stable, which is fast on the part that is in order
    touches.dedup_by(|next, kept| {
        let is_repeat = next.key() == kept.key();
        if is_repeat {
            kept.through = kept.through.and(next.through);
        }
        is_repeat
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(unit: u32, link: u32) -> Touch {
        let unit = Unit::new(&format!("query {unit}"));
        Touch { unit, day: 0, consumer: 0, link, through: Through::Others }
    }

    fn bytes(touches: &Touches) -> usize {
        touches.parts.iter().map(Vec::capacity).sum::<usize>() * size_of::<Touch>()
    }

    #[test]
    fn a_touch_takes_40_bytes() {
        assert_eq!(size_of::<Touch>(), 40);
    }

    #[test]
    fn distinct_touches_take_at_most_64_bytes_each_at_every_moment() {
        let mut touches = Touches::default();
        for unit in 0..200_000 {
            touches.insert(touch(unit, 0));
            if unit % 1000 == 999 {
                let largest = touches.parts.iter().map(Vec::capacity).max().unwrap() * size_of::<Touch>();
                let least = Touches::PARTS * Touches::LEAST * size_of::<Touch>();
                let allowed = 64 * (unit as usize + 1) + least;
                assert!(bytes(&touches) + largest <= allowed, "{unit}");
            }
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
        let least = Touches::PARTS * Touches::LEAST * size_of::<Touch>();
        assert!(bytes(&touches) <= 4000 * 50 + least);
        assert_eq!(touches.into_sorted_parts().map(|part| part.len()).sum::<usize>(), 4000);
    }

    #[test]
    fn repeats_through_other_objects_are_one_touch_through_several() {
        let mut touches = Touches::default();
        let (one, other) = (touches.through("DB.S.A"), touches.through("DB.S.B"));
        for (link, through) in
            [(0, one), (0, one), (1, one), (1, other), (2, one), (2, Through::Others), (1, one)]
        {
            touches.insert(Touch { through, ..touch(7, link) });
        }
        let touches: Vec<_> = touches.into_sorted_parts().flatten().collect();
        let found: Vec<_> = touches.iter().map(|touch| (touch.link, touch.through)).collect();
        assert_eq!(found, [(0, one), (1, Through::Others), (2, Through::Others)]);
        assert_ne!(one, other);
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
