//! What a chart of any subject counts for any consumers, as a list of facts that are alike.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::Subject;
use output_port_usage::*;

/// Whose queries are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Anyone,
    Consumer(ConsumerId),
    Group(GroupId),
    NoGroup,
}

impl Who {
    pub(crate) fn holds(self, id: ConsumerId, group_of: impl Fn(ConsumerId) -> Option<GroupId>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Consumer(one) => one == id,
            Self::Group(one) => group_of(id) == Some(one),
            Self::NoGroup => group_of(id).is_none(),
        }
    }
}

/// A count of one consumer on one day, of an output port or of a tech asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted<Id> {
    pub(crate) date: NaiveDate,
    pub(crate) of: Id,
    pub(crate) by: ConsumerId,
    pub(crate) count: i64,
}

/// The queries of a subject on some days, by output port; of a tech asset its touches, as if of one output port.
pub(crate) fn queries(
    facts: (&[OutputPortQueries], &[TechAssetTouches]),
    subject: Subject,
    range: &Range<NaiveDate>,
) -> Vec<Counted<OutputPortId>> {
    let of_ports = |keep: &dyn Fn(OutputPortId) -> bool| {
        let kept = facts.0.iter().filter(|fact| keep(fact.output_port_id) && range.contains(&fact.date));
        let counted = kept.map(|fact| Counted {
            date: fact.date,
            of: fact.output_port_id,
            by: fact.consumer_id,
            count: fact.query_count as i64,
        });
        counted.collect()
    };
    let of_asset = |of: TechAssetId, rows: Vec<Counted<TechAssetId>>| {
        let nowhere = OutputPortId(uuid::Uuid::nil());
        let kept = rows.into_iter().filter(|row| row.of == of);
        kept.map(|row| Counted { date: row.date, of: nowhere, by: row.by, count: row.count }).collect()
    };
    match subject {
        Subject::OutputPort { id } => of_ports(&|port| port == id),
        Subject::Portal => of_ports(&|_| true),
        Subject::TechAsset { id } => of_asset(id, touches(facts.1, None, range)),
        Subject::TechAssetOfPort { id, output_port_id } => {
            of_asset(id, touches(facts.1, Some(output_port_id), range))
        }
        other => panic!("{other:?}"),
    }
}

/// The touches of one output port, or of all: then the largest count that any of them has of a day, asset and consumer.
pub(crate) fn touches(
    facts: &[TechAssetTouches],
    port: Option<OutputPortId>,
    range: &Range<NaiveDate>,
) -> Vec<Counted<TechAssetId>> {
    let mut largest: BTreeMap<(NaiveDate, TechAssetId, ConsumerId), i64> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| range.contains(&fact.date)) {
        if port.is_none_or(|port| port == fact.output_port_id) {
            let count = largest.entry((fact.date, fact.tech_asset_id, fact.consumer_id)).or_default();
            *count = (*count).max(fact.query_count as i64);
        }
    }
    largest.into_iter().map(|((date, of, by), count)| Counted { date, of, by, count }).collect()
}

/// The sums of what the facts are told apart by.
pub(crate) fn sums<Id, K: Ord>(
    facts: &[Counted<Id>],
    key: impl Fn(&Counted<Id>) -> K,
) -> BTreeMap<K, (i64, NaiveDate)> {
    let mut sums = BTreeMap::new();
    for fact in facts {
        let sum = sums.entry(key(fact)).or_insert((0, fact.date));
        *sum = (sum.0 + fact.count, sum.1.max(fact.date));
    }
    sums
}
