//! Statements in lines, for reviewers and snapshots.

use sqlformat::{Dialect, FormatOptions, Indent, QueryParams};

use crate::statement::{Query, Statement};

impl Statement {
    /// The SQL text laid out in lines, with its placeholders, for reviews and snapshots.
    ///
    /// Only white space differs from [`sql`](Self::sql).
    pub fn pretty(&self) -> String {
        pretty(self.sql())
    }

    /// The SQL text laid out in lines, with every value as a literal.
    ///
    /// To read, or to paste into `psql`.
    pub fn pretty_with_literals(&self) -> String {
        pretty(&self.to_string())
    }
}

impl<T> Query<T> {
    /// The SQL text laid out in lines, with its placeholders; see [`Statement::pretty`].
    pub fn pretty(&self) -> String {
        self.statement().pretty()
    }

    /// The SQL text laid out in lines, with every value as a literal; see [`Statement::pretty_with_literals`].
    pub fn pretty_with_literals(&self) -> String {
        self.statement().pretty_with_literals()
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
    // the formatter takes a backslash between quotes for an escape: it gets to see names and texts without one
    let blank = with_quoted(sql, |quoted| quoted.replace('\\', "_"));
    let formatted = sqlformat::format(&blank, &QueryParams::None, &options);
    let mut quoted = Vec::new();
    with_quoted(sql, |original| {
        quoted.push(original.to_owned());
        String::new()
    });
    let mut quoted = quoted.into_iter();
    with_quoted(&formatted, |blank| quoted.next().unwrap_or_else(|| blank.to_owned()))
}

/// The text with everything between quotes changed, in names and in texts.
///
/// A doubled quote in a text ends one and begins another: between them there is nothing.
fn with_quoted(sql: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut changed = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, found) = rest.split_at(at);
        let (mark, after) = found.split_at(1);
        let Some((quoted, behind)) = after.split_once(mark) else { break };
        changed.extend([before, mark, &change(quoted), mark]);
        rest = behind;
    }
    changed + rest
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

    #[test]
    fn what_stands_between_quotes_stays_as_it_is() {
        for quoted in [r#""back\""#, r"'back\'", r"'it''s  \ '", r#"'"a\"."it''s"'"#, "'interval  1'"] {
            let sql = format!("SELECT f({quoted}, interval '1  year', {quoted}) AS \"x  y\"");
            let once = pretty(&sql);
            assert_eq!(once.matches(quoted).count(), 2, "{once}");
            assert!(once.contains("interval '1  year'") && once.contains("\"x  y\""), "{once}");
            assert_eq!(pretty(&once), once);
        }
    }
}
