use super::Texts;

/// Distinct queries of the log itself.
pub(super) const TEXTS: Texts = Texts {
    over_time: "SELECT date_trunc($4::text, l.at)::date AS bucket, COUNT(DISTINCT l.query_id)
FROM log.touch l
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1 ORDER BY 1",
    of_ports: "SELECT l.output_port_id, p.name, date_trunc($4::text, l.at)::date AS bucket, COUNT(DISTINCT l.query_id)
FROM log.touch l JOIN portal.datasets p ON p.id = l.output_port_id
WHERE l.output_port_id = ANY($1) AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2, 3 ORDER BY 1, 3",
    split: "SELECT date_trunc($4::text, l.at)::date AS bucket, l.consumer_id, c.name, COUNT(DISTINCT l.query_id)
FROM log.touch l JOIN portal.data_products c ON c.id = l.consumer_id
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2, 3",
    distribution: "SELECT l.consumer_id, c.name, COUNT(DISTINCT l.query_id)
FROM log.touch l JOIN portal.data_products c ON c.id = l.consumer_id
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2",
    by_group: "SELECT d.id, d.name, COUNT(DISTINCT l.query_id)
FROM log.touch l JOIN portal.data_products c ON c.id = l.consumer_id
LEFT JOIN portal.domains d ON d.id = c.domain_id
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2",
    assets: "SELECT l.tech_asset_id, a.name, COUNT(DISTINCT l.query_id), COUNT(DISTINCT l.consumer_id), MAX(l.at)::date
FROM log.touch l JOIN portal.technical_assets a ON a.id = l.tech_asset_id
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2",
    assets_before: "SELECT l.tech_asset_id, COUNT(DISTINCT l.query_id)
FROM log.touch l
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1",
    combined: Some([
        "SELECT o.output_port_id, p.name, COUNT(DISTINCT l.query_id)
FROM log.touch l
JOIN log.touch o ON o.query_id = l.query_id AND o.output_port_id <> l.output_port_id
    AND o.tech_asset_id <> l.tech_asset_id
JOIN portal.datasets p ON p.id = o.output_port_id
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date
GROUP BY 1, 2",
        "SELECT COUNT(DISTINCT l.query_id)
FROM log.touch l
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date",
    ]),
    summary: "SELECT COUNT(DISTINCT l.query_id), COUNT(DISTINCT l.consumer_id), COUNT(DISTINCT l.at::date), MAX(l.at)::date
FROM log.touch l
WHERE l.output_port_id = $1 AND l.at >= $2::date AND l.at < $3::date",
};
