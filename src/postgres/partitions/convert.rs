//! From a plain table to a partitioned one, in one block.
//!
//! The rows are copied beside the table, which charts go on to read; the swap is the last step. Keys of the copy are made
//! after its rows are in, which is faster and denser. Names of constraints other than the key are a table's own, so the
//! copy has them from the start; those of indexes are the schema's, so they are changed after the swap.

use super::Year;
use crate::ident::Ident;
use crate::model::{Column, Table, UsageModel};
use crate::postgres::ddl::foreign_key::{ForeignKey, Tables};
use crate::postgres::ddl::{block, key};
use crate::statement::{SqlWriter, Statement};

pub(super) fn statement(model: &UsageModel, table: &Table, years: &[Year]) -> Statement {
    let mut copy = table.clone();
    copy.name = Ident::derived(&table.name, "by_year");
    let mut sql = SqlWriter::for_each("convert to years the table of", table.stats.rows());
    sql.text("DECLARE\n    of record;\nBEGIN");
    return_if_partitioned(&mut sql, table);
    // a snapshot that is older than the lock lacks what was committed while it waited
    sql.text("\n    IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN");
    sql.text("\n        RAISE EXCEPTION 'a conversion has to be READ COMMITTED' USING ERRCODE = 'active_sql_transaction';");
    sql.text("\n    END IF;");
    sql.text("\n    -- writes wait, charts go on\n    LOCK TABLE ").qualified(&table.schema, &table.name);
    sql.text(" IN SHARE ROW EXCLUSIVE MODE;");
    return_if_partitioned(&mut sql, table);
    refuse_own(&mut sql, model, table);
    fill(&mut sql, table, &copy, years);
    define(&mut sql, model, table, &copy);
    same_comment(&mut sql, table, &copy);
    same_rights(&mut sql, table, &copy);
    sql.text("\n    -- charts wait\n    DROP TABLE ")
        .qualified(&table.schema, &table.name)
        .text(";\n    ALTER TABLE ");
    sql.qualified(&table.schema, &copy.name).text(" RENAME TO ").ident(&table.name).text(";");
    let keys = [(key::name(&copy), key::name(table))].into_iter();
    let indexes = model.indexes(&copy).zip(model.indexes(table));
    let indexes = indexes.map(|(copy, index)| (copy.name().clone(), index.name().clone()));
    for (copy, name) in keys.chain(indexes) {
        sql.text("\n    ALTER INDEX ")
            .qualified(&table.schema, &copy)
            .text(" RENAME TO ")
            .ident(&name)
            .text(";");
    }
    sql.text("\nEND");
    sql.into_block()
}

/// Done already, perhaps by another session while this one waited.
fn return_if_partitioned(sql: &mut SqlWriter, table: &Table) {
    sql.text("\n    IF EXISTS (\n        SELECT FROM pg_catalog.pg_class AS t\n        WHERE ");
    block::is(sql, "t", &table.schema, &table.name);
    sql.text(" AND t.relkind = 'p'\n    ) THEN\n        RETURN;\n    END IF;");
}

/// The copy with its partitions and rows. Columns, defaults and checks are the table's, also those of the host.
fn fill(sql: &mut SqlWriter, table: &Table, copy: &Table, years: &[Year]) {
    sql.text("\n    CREATE TABLE ").qualified(&copy.schema, &copy.name).text(" (LIKE ");
    sql.qualified(&table.schema, &table.name)
        .text(" INCLUDING ALL EXCLUDING INDEXES)\n        PARTITION BY RANGE (");
    sql.ident(table.column(Column::Date)).text(");");
    for year in years {
        sql.text("\n    ");
        year.create(sql, table, &copy.name);
        sql.text(";");
    }
    sql.text("\n    INSERT INTO ").qualified(&copy.schema, &copy.name).text(" SELECT * FROM ");
    sql.qualified(&table.schema, &table.name).text(";");
}

/// The key, the indexes and the foreign keys of the copy, over its rows.
fn define(sql: &mut SqlWriter, model: &UsageModel, table: &Table, copy: &Table) {
    sql.text("\n    ALTER TABLE ").qualified(&copy.schema, &copy.name).text(" ADD ");
    key::write(sql, copy);
    sql.text(";");
    for index in model.indexes(copy) {
        sql.text("\n    CREATE INDEX ");
        index.write(sql);
        sql.text(";");
    }
    for foreign_key in ForeignKey::of(model, table) {
        sql.text("\n    ALTER TABLE ").qualified(&copy.schema, &copy.name).text(" ADD ");
        foreign_key.write(sql);
        sql.text(";");
    }
}

/// What belongs to the table `t` and has no place in the copy, whatever the model.
const OWN: &str = "
            UNION ALL SELECT 'the publication', b.pubname FROM pg_catalog.pg_publication_tables AS b
            WHERE b.schemaname = (SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.oid = t.relnamespace)
                AND b.tablename = t.relname
            UNION ALL SELECT 'the rule', r.rulename FROM pg_catalog.pg_rewrite AS r
            WHERE r.ev_class = t.oid AND r.ev_type <> '1'
            UNION ALL SELECT 'the view', v.relname FROM pg_catalog.pg_depend AS d
            JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
            JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class AND v.oid <> t.oid
            WHERE d.refclassid = 'pg_catalog.pg_class'::regclass::oid AND d.refobjid = t.oid
            UNION ALL SELECT 'the inheritance of', c.relname FROM pg_catalog.pg_inherits AS h
            JOIN pg_catalog.pg_class AS c ON c.oid IN (h.inhparent, h.inhrelid) AND c.oid <> t.oid
            WHERE t.oid IN (h.inhparent, h.inhrelid)
            UNION ALL SELECT 'the identity of the column', a.attname FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = t.oid AND a.attidentity <> '' AND NOT a.attisdropped
            UNION ALL SELECT 'the replica identity of', t.relname WHERE t.relreplident <> 'd'
            UNION ALL SELECT 'the tablespace of', t.relname WHERE t.reltablespace <> 0::oid
            UNION ALL SELECT 'that it is not logged,', t.relname WHERE t.relpersistence <> 'p'
            UNION ALL SELECT 'the statistics', e.stxname FROM pg_catalog.pg_statistic_ext AS e WHERE e.stxrelid = t.oid
            UNION ALL SELECT 'the foreign key to it,', k.conname FROM pg_catalog.pg_constraint AS k
            WHERE k.confrelid = t.oid AND k.contype = 'f'
            UNION ALL SELECT 'the deferral of', k.conname FROM pg_catalog.pg_constraint AS k
            WHERE k.conrelid = t.oid AND k.contype = 'f' AND k.condeferrable";

/// What the copy would not have is refused, with its name.
fn refuse_own(sql: &mut SqlWriter, model: &UsageModel, table: &Table) {
    sql.text("\n    FOR of IN\n        SELECT u.what, u.name\n        FROM pg_catalog.pg_class AS t");
    sql.text("\n        CROSS JOIN LATERAL (");
    sql.text("\n            SELECT 'the trigger', g.tgname FROM pg_catalog.pg_trigger AS g");
    sql.text("\n            WHERE g.tgrelid = t.oid AND NOT g.tgisinternal");
    sql.text("\n            UNION ALL SELECT 'the policy', p.polname FROM pg_catalog.pg_policy AS p WHERE p.polrelid = t.oid");
    sql.text("\n            UNION ALL SELECT 'row level security of', t.relname WHERE t.relrowsecurity");
    sql.text(
        "\n            UNION ALL SELECT 'rights on the column', a.attname FROM pg_catalog.pg_attribute AS a",
    );
    sql.text("\n            WHERE a.attrelid = t.oid AND a.attacl IS NOT NULL");
    sql.text(OWN);
    sql.text(
        "\n            UNION ALL SELECT 'the foreign key', k.conname FROM pg_catalog.pg_constraint AS k",
    );
    sql.text("\n            WHERE k.conrelid = t.oid AND k.contype = 'f'");
    for foreign_key in ForeignKey::of(model, table) {
        sql.text(" AND k.oid NOT IN (\n        SELECT k.oid");
        foreign_key.find(sql, Tables::Itself);
        sql.text(")");
    }
    sql.text("\n            UNION ALL SELECT 'the index', x.relname FROM pg_catalog.pg_index AS i");
    sql.text("\n            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid");
    sql.text("\n            WHERE i.indrelid = t.oid AND NOT (i.indisunique AND i.indpred IS NULL AND ");
    is_key(sql, table);
    sql.text(")");
    for index in model.indexes(table) {
        sql.text(" AND i.indexrelid NOT IN (\n        SELECT i.indexrelid");
        index.find(sql);
        sql.text(")");
    }
    sql.text("\n        ) AS u(what, name)\n        WHERE ");
    block::is(sql, "t", &table.schema, &table.name);
    sql.text(
        "\n        ORDER BY 1, 2\n    LOOP\n        RAISE EXCEPTION '% % would be lost', of.what, of.name",
    );
    sql.text("\n            USING ERRCODE = 'feature_not_supported';\n    END LOOP;");
}

/// Whether the unique index `i` is over the columns of the key, in any order.
fn is_key(sql: &mut SqlWriter, table: &Table) {
    let mut names: Vec<&Ident> = table.stats.key().iter().map(|&column| table.column(column)).collect();
    names.sort_unstable();
    sql.text("ARRAY(\n                SELECT a.attname FROM pg_catalog.pg_attribute AS a");
    sql.text("\n                WHERE a.attrelid = t.oid AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])");
    sql.text("\n                ORDER BY a.attname\n            ) OPERATOR(pg_catalog.=) ARRAY[");
    sql.list(", ", names, |sql, name| {
        sql.name_literal(name);
    });
    sql.text("]::name[]");
}

fn same_comment(sql: &mut SqlWriter, table: &Table, copy: &Table) {
    let comments = |sql: &mut SqlWriter| {
        sql.text(" d.comment\n        FROM pg_catalog.pg_class AS t");
        sql.text("\n        CROSS JOIN LATERAL (SELECT pg_catalog.obj_description(t.oid, 'pg_class')) AS d(comment)\n        WHERE ");
        block::is(sql, "t", &table.schema, &table.name);
        sql.text(" AND d.comment IS NOT NULL");
    };
    block::write_loop(sql, comments, |sql| {
        sql.text("'COMMENT ON TABLE %I.%I IS %L', ").name_literal(&copy.schema).text(", ");
        sql.name_literal(&copy.name).text(", of.comment");
    });
}

/// The owner of `table` for another, and for its partitions.
pub(super) fn same_owner(sql: &mut SqlWriter, table: &Table, of: &Table) {
    let owners = |sql: &mut SqlWriter| {
        sql.text(" s.nspname, c.relname, pg_catalog.pg_get_userbyid(o.relowner) AS owner");
        sql.text("\n        FROM pg_catalog.pg_class AS t").text(block::WITH_PARTITIONS);
        sql.text("\n        JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace");
        sql.text("\n        JOIN pg_catalog.pg_class AS o ON o.relowner <> c.relowner AND ");
        block::is(sql, "o", &table.schema, &table.name);
        sql.text("\n        WHERE ");
        block::is(sql, "t", &of.schema, &of.name);
        sql.text("\n        ORDER BY c.oid <> t.oid, 2");
    };
    block::write_loop(sql, owners, |sql| {
        sql.text("'ALTER TABLE %I.%I OWNER TO %I', of.nspname, of.relname, of.owner");
    });
}

/// The owner of the table for the copy and its partitions, and the rights of roles on it, and no others.
fn same_rights(sql: &mut SqlWriter, table: &Table, copy: &Table) {
    same_owner(sql, table, copy);
    let by_default = |sql: &mut SqlWriter| {
        sql.text(" DISTINCT s.nspname, c.relname, CASE a.grantee WHEN 0::oid THEN 'PUBLIC'");
        sql.text(" ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee");
        sql.text("\n        FROM pg_catalog.pg_class AS t").text(block::WITH_PARTITIONS);
        sql.text("\n        JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace");
        sql.text("\n        CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a\n        WHERE ");
        block::is(sql, "t", &copy.schema, &copy.name);
        sql.text(" AND a.grantee <> c.relowner\n        ORDER BY 2, 3");
    };
    block::write_loop(sql, by_default, |sql| {
        sql.text("'REVOKE ALL ON TABLE %I.%I FROM %s', of.nspname, of.relname, of.grantee");
    });
    let rights = |sql: &mut SqlWriter| {
        sql.text(" a.privilege_type, CASE a.grantee WHEN 0::oid THEN 'PUBLIC'");
        sql.text(" ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee,");
        sql.text("\n            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS how");
        sql.text("\n        FROM pg_catalog.pg_class AS t");
        sql.text("\n        CROSS JOIN LATERAL pg_catalog.aclexplode(t.relacl) AS a\n        WHERE ");
        block::is(sql, "t", &table.schema, &table.name);
        sql.text(" AND a.grantee <> t.relowner\n        ORDER BY 2, 1");
    };
    block::write_loop(sql, rights, |sql| {
        sql.text("'GRANT %s ON TABLE %I.%I TO %s%s', of.privilege_type, ").name_literal(&copy.schema);
        sql.text(", ").name_literal(&copy.name).text(", of.grantee, of.how");
    });
}
