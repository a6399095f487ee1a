//! Statements in lines, for reviewers and snapshots.

use sqlformat::{Dialect, FormatOptions, Indent, QueryParams};

use crate::statement::{Query, Statement};

impl Statement {
    /// The SQL text in lines, placeholders kept: what a reviewer reads and a snapshot holds.
    ///
    /// Formatting only moves white space, and formatting twice changes nothing more.
    pub fn pretty(&self) -> String {
        pretty(self.sql())
    }
}

impl<T> Query<T> {
    /// The SQL text in lines, placeholders kept: what a reviewer reads and a snapshot holds.
    ///
    /// Formatting only moves white space, and formatting twice changes nothing more.
    pub fn pretty(&self) -> String {
        pretty(self.sql())
    }
}

fn pretty(sql: &str) -> String {
    let options = FormatOptions {
        indent: Indent::Spaces(4),
        max_inline_block: 90,
        max_inline_arguments: Some(90),
        max_inline_top_level: Some(90),
        joins_as_top_level: true,
        dialect: Dialect::PostgreSql,
        ..FormatOptions::default()
    };
    // the formatter takes a backslash in a quoted name for an escape: it gets to see names without one
    let blank = with_names(sql, |name| name.replace('\\', "_"));
    let formatted = sqlformat::format(&blank, &QueryParams::None, &options);
    let mut names = quoted_names(sql);
    with_names(&formatted, |blank| names.next().unwrap_or(blank).to_owned())
}

/// The text with every quoted name changed.
fn with_names(sql: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut changed = String::with_capacity(sql.len());
    for (index, part) in sql.split('"').enumerate() {
        match index % 2 {
            0 => changed.push_str(part),
            _ => changed.push_str(&["\"", &change(part), "\""].concat()),
        }
    }
    changed
}

/// Every second part between quotes: names hold none.
fn quoted_names(sql: &str) -> impl Iterator<Item = &str> {
    sql.split('"').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_twice_changes_nothing_more() {
        let sql = "WITH \"a\" AS MATERIALIZED (SELECT 1 AS \"b  c\" FROM t WHERE x >= $1 AND y < $2) \
                   SELECT CAST(\"b  c\" AS bigint) FROM \"a\" ORDER BY \"b  c\" ASC NULLS LAST";
        let once = pretty(sql);
        assert!(once.contains("\"b  c\"") && once.lines().count() > 3, "{once}");
        assert_eq!(pretty(&once), once);
    }
}
