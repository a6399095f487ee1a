//! Snowflake's syntax tree into one that SQLite reads.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, CteAsMaterialized, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator,
    JsonPathElem, ObjectName, ObjectNamePart, Query, Select, SetExpr, SetQuantifier, TableAlias, TableFactor,
    TableFunctionArgs, Value, VisitMut, VisitorMut,
};
use sqlparser::dialect::{SQLiteDialect, SnowflakeDialect};
use sqlparser::parser::{Parser, ParserError};

/// The SQLite text of one Snowflake statement.
///
/// | Snowflake | SQLite |
/// | --- | --- |
/// | `TABLE(FLATTEN(input => x))`, `LATERAL FLATTEN(input => x)` | `json_each(x)` |
/// | `x:"key"` | `json_extract(x, '$."key"')` |
/// | `x::VARCHAR` | `CAST(x AS VARCHAR)` |
/// | `"DB"."SCHEMA"."VIEW"` | `"DB.SCHEMA.VIEW"` |
/// | a string constant | its bytes, so that no escape is left to interpret |
/// | `:1` | `?1` |
/// | `UNION DISTINCT` | `UNION` |
/// | `INNER JOIN x ON …` | `CROSS JOIN x ON …`, the same rows: without statistics SQLite would guess an order, so tables are joined as written |
/// | `name AS (…)` | `name AS MATERIALIZED (…)`, so that it is computed once and its joins get an index |
pub fn rewrite(sql: &str) -> Result<String, ParserError> {
    let mut statements = Parser::parse_sql(&SnowflakeDialect, sql)?;
    if statements.len() != 1 {
        return Err(ParserError::ParserError(format!("{} statements, not one", statements.len())));
    }
    if let ControlFlow::Break(reason) = statements.visit(&mut Rewriter) {
        return Err(ParserError::ParserError(reason));
    }
    Ok(statements[0].to_string())
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = String;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        without_distinct(&mut query.body);
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            cte.materialized = Some(CteAsMaterialized::Materialized);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        for join in select.from.iter_mut().flat_map(|table| &mut table.joins) {
            if let JoinOperator::Inner(constraint) = &join.join_operator {
                join.join_operator = JoinOperator::CrossJoin(constraint.clone());
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<String> {
        let flattened = match factor {
            TableFactor::TableFunction { expr: Expr::Function(function), alias } => {
                let FunctionArguments::List(list) = &function.args else {
                    return ControlFlow::Break(format!("no rewriting of {factor}"));
                };
                flatten(&function.name, &list.args, alias)
            }
            TableFactor::Function { lateral: true, name, args, alias, .. } => flatten(name, args, alias),
            TableFactor::Table { args: None, .. } | TableFactor::Derived { lateral: false, .. } => {
                return ControlFlow::Continue(());
            }
            _ => None,
        };
        match flattened {
            Some(flattened) => {
                *factor = flattened;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(format!("no rewriting of {factor}")),
        }
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<String> {
        if let [_, _, _] = relation.0[..] {
            let parts: Vec<_> = relation.0.iter().filter_map(ObjectNamePart::as_ident).collect();
            let whole = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
            *relation = ObjectName::from(vec![Ident::with_quote('"', whole)]);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let text = match expr {
            Expr::Cast { kind, .. } => {
                *kind = CastKind::Cast;
                return ControlFlow::Continue(());
            }
            Expr::JsonAccess { value, path } => match &path.path[..] {
                [JsonPathElem::Dot { key, quoted: true }] => format!("json_extract({value}, '$.\"{key}\"')"),
                _ => return ControlFlow::Break(format!("no rewriting of the path {path}")),
            },
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => {
                    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
                        write!(hex, "{byte:02X}").expect("a String takes any text");
                        hex
                    });
                    format!("CAST(X'{hex}' AS TEXT)")
                }
                Value::Placeholder(name) if name.starts_with(':') => {
                    value.value = Value::Placeholder(name.replacen(':', "?", 1));
                    return ControlFlow::Continue(());
                }
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        match Parser::new(&SQLiteDialect {}).try_with_sql(&text).and_then(|mut parser| parser.parse_expr()) {
            Ok(rewritten) => *expr = rewritten,
            Err(error) => return ControlFlow::Break(format!("{text}: {error}")),
        }
        ControlFlow::Continue(())
    }
}

/// SQLite has the same operator, and no word for it.
fn without_distinct(body: &mut SetExpr) {
    if let SetExpr::SetOperation { left, set_quantifier, right, .. } = body {
        if *set_quantifier == SetQuantifier::Distinct {
            *set_quantifier = SetQuantifier::None;
        }
        without_distinct(left);
        without_distinct(right);
    }
}

fn flatten(name: &ObjectName, args: &[FunctionArg], alias: &Option<TableAlias>) -> Option<TableFactor> {
    let [FunctionArg::Named { name: argument, arg: FunctionArgExpr::Expr(input), .. }] = args else {
        return None;
    };
    if name.to_string() != "FLATTEN" || argument.value != "input" {
        return None;
    }
    let input = FunctionArg::Unnamed(FunctionArgExpr::Expr(input.clone()));
    Some(TableFactor::Table {
        name: ObjectName::from(vec![Ident::new("json_each")]),
        alias: alias.clone(),
        args: Some(TableFunctionArgs { args: vec![input], settings: None }),
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    })
}
