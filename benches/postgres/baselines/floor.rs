use chrono::NaiveDate;
use output_port_usage::{Granularity, Values};

use super::Sql;
use crate::request::{Kind, Request};

/// An index-only sum of the tuples that the chart has to read.
pub(crate) fn floor(request: &Request) -> Sql {
    over_the_same_tuples(
        request,
        [
            "SELECT SUM(query_count)::bigint FROM usage.output_port_query_stats_daily
WHERE output_port_id = $1 AND date >= $2 AND date < $3",
            "SELECT SUM(query_count)::bigint FROM usage.output_port_query_stats_daily
WHERE output_port_id = ANY($1) AND date >= $2 AND date < $3",
            "SELECT SUM(query_count)::bigint FROM usage.tech_asset_stats_daily
WHERE output_port_id = $1 AND date >= $2 AND date < $3",
            "SELECT (SELECT SUM(query_count)::bigint FROM usage.output_port_combined_with_daily
        WHERE output_port_id_1 = $1 AND date >= $2 AND date < $3)
    + (SELECT SUM(query_count)::bigint FROM usage.output_port_combined_with_daily
        WHERE output_port_id_2 = $1 AND date >= $2 AND date < $3)
    + (SELECT SUM(query_count)::bigint FROM usage.output_port_query_stats_daily
        WHERE output_port_id = $1 AND date >= $2 AND date < $3)",
        ],
    )
}

/// How many tuples that are.
pub(crate) fn count(request: &Request) -> Sql {
    over_the_same_tuples(
        request,
        [
            "SELECT COUNT(*) FROM usage.output_port_query_stats_daily
WHERE output_port_id = $1 AND date >= $2 AND date < $3",
            "SELECT COUNT(*) FROM usage.output_port_query_stats_daily
WHERE output_port_id = ANY($1) AND date >= $2 AND date < $3",
            "SELECT COUNT(*) FROM usage.tech_asset_stats_daily
WHERE output_port_id = $1 AND date >= $2 AND date < $3",
            "SELECT (SELECT COUNT(*) FROM usage.output_port_combined_with_daily
        WHERE (output_port_id_1 = $1 OR output_port_id_2 = $1) AND date >= $2 AND date < $3)
    + (SELECT COUNT(*) FROM usage.output_port_query_stats_daily
        WHERE output_port_id = $1 AND date >= $2 AND date < $3)",
        ],
    )
}

/// One output port, many, its tech assets, its combinations.
fn over_the_same_tuples(
    request: &Request,
    [queries, of_ports, touches, combinations]: [&'static str; 4],
) -> Sql {
    match request.kind {
        Kind::OfPorts => request.sql(of_ports),
        Kind::CombinedWith => request.sql(combinations),
        Kind::Assets => {
            let both: [NaiveDate; 2] = [request.previous().start, request.days.end];
            let values = vec![request.port(), both[0].into(), both[1].into()];
            Sql { text: touches, values: Values(values) }
        }
        _ => request.sql(queries),
    }
}

/// What a split by consumer has to group, as a bare GROUP BY that ships its rows.
pub(crate) fn bare_groups(request: &Request) -> Option<Sql> {
    let text = match (request.kind, request.granularity) {
        (Kind::Split | Kind::Overview, Granularity::Day) => {
            "SELECT date, consumer_id, SUM(query_count)::bigint
    FROM usage.output_port_query_stats_daily
    WHERE output_port_id = $1 AND date >= $2 AND date < $3
    GROUP BY 1, 2"
        }
        (Kind::Split | Kind::Overview, Granularity::Week) => {
            "SELECT date_trunc('week', date)::date, consumer_id, SUM(query_count)::bigint
    FROM usage.output_port_query_stats_daily
    WHERE output_port_id = $1 AND date >= $2 AND date < $3
    GROUP BY 1, 2"
        }
        _ => return None,
    };
    Some(request.sql(text))
}
