use super::Texts;

/// Grouped in the database and joined to names; the rest is the application's.
pub(super) const TEXTS: Texts = Texts {
    over_time: "SELECT date_trunc($4::text, s.date)::date AS bucket, SUM(s.query_count)::bigint
FROM design.output_port_query_stats_daily s
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1 ORDER BY 1",
    of_ports: "SELECT s.output_port_id, p.name, date_trunc($4::text, s.date)::date AS bucket, SUM(s.query_count)::bigint
FROM design.output_port_query_stats_daily s JOIN portal.datasets p ON p.id = s.output_port_id
WHERE s.output_port_id = ANY($1) AND s.date >= $2 AND s.date < $3
GROUP BY 1, 2, 3 ORDER BY 1, 3",
    split: "SELECT date_trunc($4::text, s.date)::date AS bucket, s.consumer_id, c.name, SUM(s.query_count)::bigint
FROM design.output_port_query_stats_daily s JOIN portal.data_products c ON c.id = s.consumer_id
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1, 2, 3",
    distribution: "SELECT s.consumer_id, c.name, SUM(s.query_count)::bigint
FROM design.output_port_query_stats_daily s JOIN portal.data_products c ON c.id = s.consumer_id
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1, 2",
    by_group: "SELECT d.id, d.name, SUM(s.query_count)::bigint
FROM design.output_port_query_stats_daily s JOIN portal.data_products c ON c.id = s.consumer_id
LEFT JOIN portal.domains d ON d.id = c.domain_id
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1, 2",
    assets: "SELECT s.tech_asset_id, a.name, SUM(s.query_count)::bigint, COUNT(DISTINCT s.consumer_id), MAX(s.date)
FROM design.tech_asset_stats_daily s JOIN portal.technical_assets a ON a.id = s.tech_asset_id
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1, 2",
    assets_before: "SELECT s.tech_asset_id, SUM(s.query_count)::bigint
FROM design.tech_asset_stats_daily s
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3
GROUP BY 1",
    combined: None,
    summary: "SELECT COALESCE(SUM(s.query_count), 0)::bigint, COUNT(DISTINCT s.consumer_id), COUNT(DISTINCT s.date), MAX(s.date)
FROM design.output_port_query_stats_daily s
WHERE s.output_port_id = $1 AND s.date >= $2 AND s.date < $3",
};
