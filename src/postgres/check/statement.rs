//! The one statement that reads the catalogs.

use crate::ident::Ident;
use crate::model::{Parent, UsageModel};
use crate::statement::{SqlWriter, Statement};

/// The part that the table of coverage plays.
pub(super) const COVERAGE: &str = "coverage";

/// The portal's tables that the model reads, each with the columns that it reads.
pub(super) fn parents(model: &UsageModel) -> impl Iterator<Item = (&Parent, Vec<&Ident>)> {
    let groups = model.0.consumers.group.as_ref().map(|(_, groups)| &**groups);
    [Some(&model.0.output_ports), Some(&model.0.consumers), Some(&model.0.tech_assets), groups]
        .into_iter()
        .flatten()
        .map(|parent| {
            let group = parent.group.as_ref().map(|(column, _)| column);
            (parent, [Some(&parent.key), parent.label.as_ref(), group].into_iter().flatten().collect())
        })
}

/// A row a fact, as JSON: nothing that a driver would have to know, and room for more in a later release.
pub(super) fn read_catalogs(model: &UsageModel) -> Statement {
    let mut sql = SqlWriter::new("check the schema");
    let daily = model.tables().map(|table| (table.stats.rows(), &table.schema, &table.name));
    let coverage = model.0.coverage.iter().map(|table| (COVERAGE, &table.schema, &table.name));
    let portal = parents(model).map(|(parent, _)| (parent.what, &parent.schema, &parent.table));
    let wanted: Vec<_> = daily
        .chain(coverage)
        .chain(portal)
        .map(|(part, schema, name)| [part, schema.as_str(), name.as_str()].map(|text| sql.bind(text)))
        .collect();
    let columns: Vec<_> = parents(model)
        .flat_map(|(parent, columns)| columns.into_iter().map(move |column| (parent, column)))
        .map(|(parent, column)| {
            ([parent.what, column.as_str()].map(|text| sql.bind(text)), *column == parent.key)
        })
        .collect();

    sql.text("WITH wanted AS MATERIALIZED (\n    SELECT w.part, n.oid AS schema_id, c.*, c.oid AS id\n    FROM (VALUES ");
    sql.list(", ", wanted, |sql, texts| {
        sql.text("(").list(", ", texts, |sql, text| {
            sql.param(text).text("::text");
        });
        sql.text(")");
    });
    sql.text(") AS w(part, schema, name)");
    sql.text("\n    INNER JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema");
    sql.text("\n    LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name");
    sql.text("\n), read AS MATERIALIZED (\n    SELECT part, name, is_key\n    FROM (VALUES ");
    sql.list(", ", columns, |sql, (texts, is_key)| {
        sql.text("(").list(", ", texts, |sql, text| {
            sql.param(text).text("::text");
        });
        sql.text(if is_key { ", TRUE)" } else { ", FALSE)" });
    });
    sql.text(") AS r(part, name, is_key)\n), tree AS MATERIALIZED (\n    SELECT w.part, coalesce(t.relid::oid, w.id) AS id");
    sql.text("\n    FROM wanted AS w\n    LEFT JOIN LATERAL pg_catalog.pg_partition_tree(w.id) AS t ON w.relkind = 'p'");
    sql.text(
        "\n    WHERE w.id IS NOT NULL AND NOT EXISTS (SELECT FROM read AS r WHERE r.part = w.part)\n)\n",
    );
    sql.text(FACTS);
    sql.into_statement()
}

/// The last column orders the rows, so that two answers can be compared.
const FACTS: &str = "SELECT fact::text AS \"fact\"
FROM (
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'server',
        'version', pg_catalog.current_setting('server_version_num')::integer,
        'role', current_user::text,
        'standby', pg_catalog.pg_is_in_recovery(),
        'read_only', pg_catalog.current_setting('default_transaction_read_only') = 'on',
        'replica', pg_catalog.current_setting('session_replication_role') = 'replica'
    ) AS fact
    UNION ALL
    SELECT DISTINCT pg_catalog.jsonb_build_object(
        'fact', 'schema',
        'name', n.nspname,
        'usage', pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    )
    FROM wanted AS w
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = w.schema_id
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'relation',
        'part', w.part,
        'kind', w.relkind,
        'owner', pg_catalog.pg_get_userbyid(w.relowner),
        'owned', pg_catalog.pg_has_role(w.relowner, 'USAGE'),
        'options', pg_catalog.to_jsonb(coalesce(w.reloptions, '{}'::text[])),
        'row_security', pg_catalog.row_security_active(w.id),
        'rules', w.relkind IN ('r', 'p') AND EXISTS (
            SELECT FROM pg_catalog.pg_rewrite AS r
            WHERE r.ev_class = w.id AND r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')
        ),
        'heirs', (
            SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(n.nspname, c.relname) ORDER BY n.nspname, c.relname)
            FROM pg_catalog.pg_inherits AS h
            INNER JOIN pg_catalog.pg_class AS c ON c.oid = h.inhrelid
            INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE h.inhparent = w.id AND w.relkind = 'r' AND n.nspname <> '_timescaledb_internal'
        ),
        'only_in_heirs', (
            SELECT pg_catalog.jsonb_agg(f.found[1])
            FROM read AS r
            INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.id AND a.attname = r.name
            INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = w.relnamespace
            CROSS JOIN LATERAL pg_catalog.regexp_matches(
                CASE
                    WHEN w.relkind = 'r' AND pg_catalog.has_column_privilege(w.id, a.attnum, 'SELECT')
                        AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhparent = w.id)
                    THEN pg_catalog.query_to_xml(
                        pg_catalog.format(
                            'SELECT %1$I FROM %2$I.%3$I EXCEPT SELECT %1$I FROM ONLY %2$I.%3$I ORDER BY 1 LIMIT 10',
                            r.name, n.nspname, w.relname
                        ),
                        FALSE, TRUE, ''
                    )::text
                END,
                '>([0-9a-f]{8}-[0-9a-f-]{27})<', 'g'
            ) AS f(found)
            WHERE r.part = w.part AND r.is_key
        ),
        'unlogged', EXISTS (
            SELECT FROM tree AS r
            INNER JOIN pg_catalog.pg_class AS c ON c.oid = r.id
            WHERE r.part = w.part AND c.relpersistence <> 'p'
        ),
        'referenced', EXISTS (
            SELECT FROM pg_catalog.pg_constraint AS o
            WHERE o.contype = 'f' AND o.confrelid = w.id
        ),
        'partitioned_by_date', (
            SELECT pg_catalog.jsonb_agg(a.attname)
            FROM pg_catalog.pg_partitioned_table AS p
            INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.id AND a.attnum = p.partattrs[0]
            WHERE p.partrelid = w.id AND p.partstrat = 'r' AND p.partnatts = 1
        ),
        'select', pg_catalog.has_table_privilege(w.id, 'SELECT'),
        'insert', pg_catalog.has_table_privilege(w.id, 'INSERT'),
        'update', pg_catalog.has_table_privilege(w.id, 'UPDATE'),
        'delete', pg_catalog.has_table_privilege(w.id, 'DELETE')
    )
    FROM wanted AS w
    WHERE w.id IS NOT NULL
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'column',
        'part', w.part,
        'name', a.attname,
        'type', CASE b.typnamespace WHEN 'pg_catalog'::regnamespace::oid THEN b.typname END,
        'shown', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'not_null', a.attnotnull OR t.typnotnull,
        'filled', a.atthasdef OR a.attidentity <> '',
        'generated', a.attgenerated <> '' OR a.attidentity = 'a',
        'select', pg_catalog.has_column_privilege(w.id, a.attnum, 'SELECT')
    )
    FROM wanted AS w
    INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.id AND a.attnum > 0 AND NOT a.attisdropped
    INNER JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    INNER JOIN pg_catalog.pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
    WHERE NOT EXISTS (SELECT FROM read AS r WHERE r.part = w.part)
        OR EXISTS (SELECT FROM read AS r WHERE r.part = w.part AND r.name = a.attname)
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'index',
        'part', w.part,
        'name', x.relname,
        'method', m.amname,
        'unique', i.indisunique,
        'primary', i.indisprimary,
        'valid', i.indisvalid AND i.indisready,
        'exclusion', i.indisexclusion,
        'immediate', i.indimmediate,
        'replica_identity', i.indisreplident,
        'whole', i.indpred IS NULL AND i.indexprs IS NULL,
        'ordered', 0 = ALL (i.indoption::smallint[])
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_opclass AS o WHERE o.oid = ANY (i.indclass::oid[]) AND NOT o.opcdefault),
        'columns', k.columns,
        'included', k.included,
        'constraint', (
            SELECT o.conname
            FROM pg_catalog.pg_constraint AS o
            WHERE o.conindid = i.indexrelid AND o.conrelid = w.id AND o.contype IN ('p', 'u', 'x')
        )
    )
    FROM wanted AS w
    INNER JOIN pg_catalog.pg_index AS i ON i.indrelid = w.id
    INNER JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    INNER JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    CROSS JOIN LATERAL (
        SELECT
            coalesce(pg_catalog.jsonb_agg(coalesce(a.attname, 'an expression'::name) ORDER BY p.place) FILTER (WHERE p.place <= i.indnkeyatts), '[]'::jsonb) AS columns,
            coalesce(pg_catalog.jsonb_agg(a.attname ORDER BY p.place) FILTER (WHERE p.place > i.indnkeyatts), '[]'::jsonb) AS included
        FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS p(number, place)
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.id AND a.attnum = p.number
    ) AS k
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'constraint',
        'part', w.part,
        'name', o.conname,
        'definition', CASE o.contype WHEN 'c' THEN pg_catalog.pg_get_constraintdef(o.oid) ELSE '' END,
        'validated', o.convalidated,
        'disabled', EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS g
            WHERE g.tgconstraint = o.oid AND g.tgenabled IN ('D', 'R')
        ),
        'columns', (
            SELECT coalesce(pg_catalog.jsonb_agg(a.attname ORDER BY p.place), '[]'::jsonb)
            FROM pg_catalog.unnest(o.conkey) WITH ORDINALITY AS p(number, place)
            INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.conrelid AND a.attnum = p.number
        ),
        'references', CASE o.contype WHEN 'f' THEN (
            SELECT pg_catalog.jsonb_build_object(
                'schema', n.nspname,
                'table', f.relname,
                'columns', (
                    SELECT coalesce(pg_catalog.jsonb_agg(a.attname ORDER BY p.place), '[]'::jsonb)
                    FROM pg_catalog.unnest(o.confkey) WITH ORDINALITY AS p(number, place)
                    INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.confrelid AND a.attnum = p.number
                ),
                'on_delete', o.confdeltype
            )
            FROM pg_catalog.pg_class AS f
            INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = f.relnamespace
            WHERE f.oid = o.confrelid
        ) END
    )
    FROM wanted AS w
    INNER JOIN pg_catalog.pg_constraint AS o ON o.conrelid = w.id AND o.contype IN ('c', 'f') AND o.conparentid = 0::oid
    WHERE NOT EXISTS (SELECT FROM read AS r WHERE r.part = w.part)
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'trigger',
        'part', w.part,
        'name', g.tgname,
        'before', (g.tgtype & 66::smallint) <> 0
    )
    FROM tree AS w
    INNER JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = w.id AND g.tgparentid = 0::oid AND NOT g.tgisinternal
        AND g.tgenabled IN ('O', 'A')
    UNION ALL
    SELECT pg_catalog.jsonb_build_object(
        'fact', 'partition',
        'part', w.part,
        'schema', n.nspname,
        'name', c.relname,
        'bound', coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), ''),
        'is_leaf', c.relkind = 'r',
        'options', pg_catalog.to_jsonb(coalesce(c.reloptions, '{}'::text[]))
    )
    FROM wanted AS w
    INNER JOIN pg_catalog.pg_inherits AS h ON h.inhparent = w.id AND w.relkind = 'p'
        AND (pg_catalog.to_jsonb(h) OPERATOR(pg_catalog.->>) 'inhdetachpending') IS DISTINCT FROM 'true'
    INNER JOIN pg_catalog.pg_class AS c ON c.oid = h.inhrelid
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
) AS facts
ORDER BY fact::text";
