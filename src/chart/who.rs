//! Whose queries a chart counts.

use sea_query::{Expr, ExprTrait, SelectStatement};

use super::sql;
use crate::error::{Error, Kind};
use crate::id::{ConsumerId, GroupId};
use crate::ident::Ident;
use crate::model::{Parent, UsageModel};

/// Whose queries a chart counts: anyone's, or those of some consumers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Who {
    #[default]
    Anyone,
    Consumer(ConsumerId),
    Group(GroupId),
    NoGroup,
}

/// What of a group's rows and consumers finds the other.
#[derive(Clone, Copy)]
pub(super) enum Drive {
    ByRows,
    /// By a key that starts with the consumer.
    ByConsumers,
}

impl Who {
    /// What titles add.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Anyone => "",
            Self::Consumer(_) => ", for a consumer",
            Self::Group(_) => ", for a group",
            Self::NoGroup => ", for consumers without a group",
        }
    }

    /// Refuses groups of a model that has none.
    pub(super) fn check(self, model: &UsageModel) -> Result<(), Error> {
        match self {
            Self::Group(_) | Self::NoGroup => groups_of(model).map(|_| ()),
            Self::Anyone | Self::Consumer(_) => Ok(()),
        }
    }

    /// Keeps the rows of these consumers of a table, whose column of the consumer this is; [`check`](Self::check) first.
    ///
    /// A row is looked up among the consumers of the group, which are hashed once, as it is read. Hence `IS TRUE`: of
    /// `IN` alone the planner makes a join, which takes three times as long and loses the order of the key.
    pub(super) fn filter(
        self,
        select: &mut SelectStatement,
        model: &UsageModel,
        consumer: &Ident,
        drive: Drive,
    ) {
        let id = Expr::col(consumer.clone());
        let consumers = &model.0.consumers;
        let groups = consumers.group.as_ref();
        match (self, groups) {
            (Self::Anyone, _) | (Self::Group(_) | Self::NoGroup, None) => {}
            (Self::Consumer(one), _) => {
                select.and_where(id.eq(one.0));
            }
            (Self::Group(one), Some((group, _))) => {
                let in_group = id.in_subquery(members(consumers, group, one));
                select.and_where(match drive {
                    Drive::ByRows => in_group.is(sql::yes()),
                    Drive::ByConsumers => in_group,
                });
            }
            (Self::NoGroup, Some((group, _))) => {
                let column = |name: &Ident| Expr::col(("parent", name.clone()));
                let mut grouped = SelectStatement::new();
                grouped
                    .expr(column(&consumers.key))
                    .from_as(consumers.table_ref(), "parent")
                    .and_where(column(group).is_not_null());
                select.and_where(id.in_subquery(grouped).is_not(sql::yes()));
            }
        }
    }
}

/// The consumers of a group.
fn members(consumers: &Parent, group: &Ident, one: GroupId) -> SelectStatement {
    let column = |of: &'static str, name: &Ident| Expr::col((of, name.clone()));
    let mut members = SelectStatement::new();
    members
        .expr(column("parent", &consumers.key))
        .from_as(consumers.table_ref(), "parent")
        .and_where(column("parent", group).eq(one.0));
    if consumers.may_repeat() {
        // of a consumer that the table holds more than once, the smallest group counts
        let mut smaller = SelectStatement::new();
        smaller
            .expr(Expr::cust("1"))
            .from_as(consumers.table_ref(), "other")
            .and_where(column("other", &consumers.key).eq(column("parent", &consumers.key)))
            .and_where(column("other", group).lt(column("parent", group)));
        members.and_where(Expr::not_exists(smaller));
    }
    members
}

/// The column of the consumers' group, and the groups.
pub(super) fn groups_of(model: &UsageModel) -> Result<(&Ident, &Parent), Error> {
    let (column, groups) = model.0.consumers.group.as_ref().ok_or(Kind::NoGroup)?;
    Ok((column, groups))
}

/// The setters that say whose queries a chart counts, for a request with a field `who`.
macro_rules! of_groups {
    ($request:ty, $($field:tt)+) => {
        impl $request {
            /// Counts the queries of one group of consumers alone, for instance of a domain.
            ///
            /// Replaces what was set before. A consumer that the parent table no longer has is in no group. The query is
            /// an error if the model's consumers have no [`group`](crate::Reference::group); a group that does not exist
            /// has no queries.
            pub fn of_group(mut self, group: crate::id::GroupId) -> Self {
                self.$($field)+ = super::who::Who::Group(group);
                self
            }

            /// Counts the queries of the consumers alone that belong to no group.
            ///
            /// Replaces what was set before. Consumers that the parent table no longer has are among them. The query is
            /// an error if the model's consumers have no [`group`](crate::Reference::group).
            pub fn of_no_group(mut self) -> Self {
                self.$($field)+ = super::who::Who::NoGroup;
                self
            }
        }
    };
}

/// As [`of_groups`], and for one consumer.
macro_rules! of_consumers {
    ($request:ty, $($field:tt)+) => {
        super::who::of_groups!($request, $($field)+);

        impl $request {
            /// Counts the queries of one consumer alone.
            ///
            /// Replaces what was set before. A consumer that does not exist has no queries.
            pub fn of_consumer(mut self, consumer: crate::id::ConsumerId) -> Self {
                self.$($field)+ = super::who::Who::Consumer(consumer);
                self
            }
        }
    };
}

pub(super) use {of_consumers, of_groups};
