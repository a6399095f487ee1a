//! The query string of a list of names, and what a request for one is answered with.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::failure::Failure;
use crate::host::Host;
use crate::parents::{Parent, Parents};

/// The most names of a list.
const MAX_LIMIT: u32 = 1_000;

/// Which names to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Names {
    /// A text that the names hold, in upper or lower case.
    q: Option<String>,
    /// The most of them, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

impl FromRequestParts<Host> for Names {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Failure> {
        let Query(names) = Query::<Self>::from_request_parts(parts, host).await?;
        if !(1..=MAX_LIMIT).contains(&names.limit()) {
            return Err(Failure::asked(format!("limit: 1 to {MAX_LIMIT}, not {}", names.limit())));
        }
        Ok(names)
    }
}

impl Names {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(100)
    }

    /// The names of one of the portal's tables.
    pub(crate) async fn of(self, host: &Host, parent: fn(&Parents) -> &Parent) -> Result<Response, Failure> {
        let mut transaction = host.begin().await?;
        let names = parent(&host.parents).list(&mut transaction, self.q.as_deref(), self.limit()).await?;
        transaction.commit().await?;
        crate::answer::json(&names)
    }
}
