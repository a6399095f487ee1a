//! What the handlers share.

use access_log::Zone;
use chrono::{NaiveDate, Utc};
use output_port_usage::UsageModel;
use serde::Serialize;
use sqlx::{PgPool, PgTransaction};
use utoipa::ToSchema;

use crate::parents::Parents;

/// The pool, the model, the portal's own tables, and which day is today.
#[derive(Debug, Clone)]
pub struct Host {
    /// Connections to the portal's database.
    pub pool: PgPool,
    /// The model of its usage.
    pub model: UsageModel,
    /// Where the portal keeps names.
    pub parents: Parents,
    /// The day that pages end with.
    pub today: Today,
}

/// Which day is today.
#[derive(Debug, Clone)]
pub enum Today {
    /// A day, whatever the clock says: the last of a log that goes no further.
    Fixed(NaiveDate),
    /// The date in the time zone of the attribution that made the counts.
    In(Zone),
}

impl Today {
    /// The day that it is now.
    pub fn date(&self) -> NaiveDate {
        match self {
            Self::Fixed(day) => *day,
            Self::In(zone) => zone.local(Utc::now()).date(),
        }
    }
}

/// What the pages have to know of their host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    /// The last day of pages that ask for a number of days.
    today: NaiveDate,
    /// Whether consumers have groups, so that charts can be by group.
    groups: bool,
    /// Whether it is counted which output ports the same queries read.
    combinations: bool,
    /// Whether rows say which days were measured.
    coverage: bool,
}

impl Host {
    pub(crate) fn about(&self) -> About {
        About {
            today: self.today.date(),
            groups: self.parents.has_groups(),
            combinations: self.parents.has_combinations(),
            coverage: self.parents.has_coverage(),
        }
    }

    /// A transaction that can write nothing, and in which no statement takes longer than ten seconds.
    ///
    /// All of it is one message, and a chart in a transaction is right behind a pooler, too.
    ///
    /// # Errors
    ///
    /// If there is no connection.
    pub async fn begin(&self) -> Result<PgTransaction<'static>, sqlx::Error> {
        self.pool.begin_with("BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'").await
    }
}
