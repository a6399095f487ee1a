//! Text from outside, however hostile: an error, or the same text back, and never another statement.
//!
//! Every public function that takes text, and where it is given the corpus:
//!
//! | function | module |
//! | --- | --- |
//! | `UsageModelBuilder::schema`, `TableNames::{new, column}`, `Reference::{to, schema, key, label, group}` | [`names`] |
//! | `Statement::pretty`, `Query::pretty`, `Display` and `Migration::{up, down}` of texts with such names | [`names`] |
//! | `AttributionBuilder::{object, user, role, exclude_user, time_zone, object_domains}` | [`attribution`] |
//! | `query_log::json_lines`, `Record::new`, `AccessedObject::new`, their fields and their JSON | [`log`] |
//! | `snowflake::Aggregation::{access_history, query_history}`, `ResultRow`, `SnowflakeStatement::decode` | [`snowflake`] |
//! | `FromStr` and JSON of ids; JSON of the other vocabulary | [`ids`] |
//! | labels that the database holds, by both drivers | [`labels`] |

mod attribution;
mod ids;
mod labels;
mod log;
mod names;
mod rendered;
mod snowflake;

const TEXTS: [&str; 29] = [
    "public; drop table x",
    "\"; drop table x; --",
    "a\"\"b",
    "it's",
    "''; select 1; --",
    "back\\slash\\",
    "\\' or 1=1 --",
    "$1",
    "$$ $tag$",
    "$do$",
    "$do1$do$do2$ $",
    "-- comment",
    "/* comment",
    "*/",
    "two  spaces\tand\nlines\r\n",
    " ",
    "select",
    "nul\0",
    "\u{202e}right to left\u{202c}",
    "\u{200b}zero width",
    "emoji 🦀🔥",
    "e\u{301}",
    "E'\\x41'",
    "U&\"d\\0061t\"",
    "%s {0} :name ?",
    "\u{feff}",
    "TRUNCATED",
    "\"",
    "",
];

const MEGABYTE: usize = 1 << 20;

/// The texts above, and two of a megabyte.
fn corpus() -> impl Iterator<Item = String> {
    let megabytes = ["n".repeat(MEGABYTE), "🦀'\"\\\n;--".repeat(MEGABYTE / 11)];
    TEXTS.into_iter().map(str::to_owned).chain(megabytes)
}

/// A name in double quotes, as Snowflake and Postgres both write them.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
