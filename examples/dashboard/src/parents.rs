//! The ids and names of output ports, tech assets and consumers, from the portal's own tables.
//!
//! A host has this already, and skips the file. Here the tables are known only from the model's file.

use output_port_usage::UsageModelBuilder;
use sea_query::extension::postgres::PgExpr;
use sea_query::{Alias, Expr, ExprTrait, Func, IntoIden, NullOrdering, Order, PostgresQueryBuilder};
use sea_query::{Query, SelectStatement};
use sea_query_binder::SqlxBinder;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection};
use utoipa::ToSchema;
use uuid::Uuid;

/// The portal's tables that usage refers to.
#[derive(Debug, Clone, Deserialize)]
pub struct Parents {
    pub(crate) output_ports: Parent,
    pub(crate) tech_assets: Parent,
    pub(crate) consumers: Parent,
    #[serde(default)]
    combinations: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    coverage: Option<serde::de::IgnoredAny>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Parent {
    #[serde(default)]
    schema: Option<String>,
    table: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    group: Option<serde::de::IgnoredAny>,
}

/// An output port, a tech asset or a consumer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Named {
    id: Uuid,
    /// Its name, null where the model has no column for it.
    #[schema(required = true)]
    label: Option<String>,
}

impl Parents {
    /// The tables of a model.
    ///
    /// # Errors
    ///
    /// For none: a builder that becomes a model names its parents.
    pub fn of(model: &UsageModelBuilder) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(model)?)
    }

    /// Whether consumers have groups, so that charts can be by group.
    pub(crate) fn has_groups(&self) -> bool {
        self.consumers.group.is_some()
    }

    pub(crate) fn has_combinations(&self) -> bool {
        self.combinations.is_some()
    }

    pub(crate) fn has_coverage(&self) -> bool {
        self.coverage.is_some()
    }
}

impl Parent {
    /// What an id stands for, if anything.
    pub(crate) async fn find(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> Result<Option<Named>, sqlx::Error> {
        let mut one = self.select();
        one.and_where(Expr::col(self.key()).eq(id));
        Ok(fetch(connection, &one).await?.pop())
    }

    /// The first by name, of those whose name holds a text.
    pub(crate) async fn list(
        &self,
        connection: &mut PgConnection,
        text: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Named>, sqlx::Error> {
        let mut list = self.select();
        if let Some(text) = text {
            // a backslash escapes unless a statement says otherwise
            let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
            list.and_where(self.label().ilike(format!("%{escaped}%")));
        }
        list.order_by_with_nulls(Alias::new("label"), Order::Asc, NullOrdering::Last)
            .order_by(Alias::new("id"), Order::Asc)
            .limit(limit.into());
        fetch(connection, &list).await
    }

    /// An id that the table holds more than once has its first name, as in charts.
    fn select(&self) -> SelectStatement {
        let schema = Alias::new(self.schema.as_deref().unwrap_or("public"));
        Query::select()
            .expr_as(Expr::col(self.key()), Alias::new("id"))
            .expr_as(Func::min(self.label()), Alias::new("label"))
            .from((schema, Alias::new(&self.table)))
            // a table without a foreign key to it may have rows that are nobody
            .and_where(Expr::col(self.key()).is_not_null())
            .group_by_col(self.key())
            .take()
    }

    fn key(&self) -> impl IntoIden {
        Alias::new(self.key.as_deref().unwrap_or("id"))
    }

    fn label(&self) -> Expr {
        let label =
            self.label.as_deref().map_or(Expr::val(None::<String>), |label| Expr::col(Alias::new(label)));
        label.cast_as(Alias::new("text"))
    }
}

async fn fetch(connection: &mut PgConnection, select: &SelectStatement) -> Result<Vec<Named>, sqlx::Error> {
    let (sql, values) = select.build_sqlx(PostgresQueryBuilder);
    // sea-query quotes the names, and binds everything else
    let query = sqlx::query_as_with(AssertSqlSafe(sql), values).persistent(false);
    let rows: Vec<(Uuid, Option<String>)> = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(id, label)| Named { id, label }).collect())
}
