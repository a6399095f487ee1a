//! Rows of SQLx as the library's.

use chrono::NaiveDate;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use crate::chart;
use crate::postgres::{CatalogRow, Gap, PortCoverage, Violation};
use crate::row::{Columnar, Columns};

impl Columns for PgRow {
    type Error = sqlx::Error;

    fn date(&self, column: &'static str) -> Result<NaiveDate, sqlx::Error> {
        self.try_get(column)
    }

    fn date_or_null(&self, column: &'static str) -> Result<Option<NaiveDate>, sqlx::Error> {
        self.try_get(column)
    }

    fn uuid(&self, column: &'static str) -> Result<Uuid, sqlx::Error> {
        self.try_get(column)
    }

    fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: &'static str) -> Result<String, sqlx::Error> {
        self.try_get(column)
    }

    fn text_or_null(&self, column: &'static str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn count(&self, column: &'static str) -> Result<i64, sqlx::Error> {
        self.try_get(column)
    }

    fn count_or_null(&self, column: &'static str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn counts(&self, column: &'static str) -> Result<Vec<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn share(&self, column: &'static str) -> Result<f64, sqlx::Error> {
        self.try_get(column)
    }

    fn share_or_null(&self, column: &'static str) -> Result<Option<f64>, sqlx::Error> {
        self.try_get(column)
    }

    fn flag(&self, column: &'static str) -> Result<bool, sqlx::Error> {
        self.try_get(column)
    }
}

macro_rules! row {
    ($($name:ty),* $(,)?) => {$(
        impl FromRow<'_, PgRow> for $name {
            fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
                Columnar::decode(row)
            }
        }
    )*};
}

row!(
    CatalogRow,
    Gap,
    PortCoverage,
    Violation,
    chart::MostOftenCombined,
    chart::MostPopularAsset,
    chart::MostUsedPort,
    chart::OverviewRow,
    chart::QueriesOverTimePoint,
    chart::QueriesOverTimeSeries,
    chart::QueryDistributionSlice,
    chart::SummaryTotals,
    chart::UnusedMember,
);

impl<R: Columnar> FromRow<'_, PgRow> for chart::WithPrevious<R> {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Columnar::decode(row)
    }
}
