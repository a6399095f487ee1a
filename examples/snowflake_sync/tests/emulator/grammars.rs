//! The statements' texts before two more readers of Snowflake's SQL, sqlglot's parser and sqlfluff's rules, and the files for a
//! deployment before theirs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use output_port_usage::snowflake::{Aggregation, Mappings};
use output_port_usage::{AccessedObjects, Attribution, CountedUnit, IcebergEvents, OverlappingSets};

use crate::account::{file, python};
use crate::case::Form;
use crate::hand_made::{asset, consumer, mapping, port};

/// Attributions that have each rule which changes a text, and have it not.
fn attributions() -> [(&'static str, Attribution); 5] {
    let one = || Attribution::builder().object("db.s.a", asset(1)).tech_asset(asset(1), [port(1)]);
    let with_sets = || one().schema("db.out", asset(1)).database("\"d.b\"", asset(1));
    [
        ("users", one().user("ana", consumer(1))),
        ("users_and_events", one().user("ana", consumer(1)).iceberg_events(IcebergEvents::TableLoads)),
        ("users_and_roles", mapping()),
        ("roles", with_sets().role("reader", consumer(1)).overlapping_sets(OverlappingSets::MostSpecific)),
        (
            "every_rule",
            with_sets()
                .object("db.out.\"it's\\\"", asset(2))
                .tech_asset(asset(2), [port(1), port(2)])
                .user("ana", consumer(1))
                .role("reader", consumer(2))
                .exclude_user("scanner")
                .producer(port(1), consumer(1))
                .time_zone("Europe/Brussels")
                .accessed_objects(AccessedObjects::Base)
                .counted_unit(CountedUnit::RootQuery)
                .iceberg_events(IcebergEvents::TableLoads),
        ),
    ]
    .map(|(name, builder)| (name, builder.build().unwrap()))
}

/// Every statement, each by a name for its file.
fn statements(attribution: &Attribution, mappings: Mappings) -> BTreeMap<&'static str, Box<dyn Form>> {
    let day = "2026-03-10".parse().unwrap().."2026-03-11".parse().unwrap();
    let aggregation = Aggregation::new(attribution, day).mappings(mappings);
    let statements: [(&str, Box<dyn Form>); 5] = [
        ("usage", Box::new(aggregation.usage().unwrap())),
        ("output_port_queries", Box::new(aggregation.output_port_queries().unwrap())),
        ("tech_asset_touches", Box::new(aggregation.tech_asset_touches().unwrap())),
        ("combinations", Box::new(aggregation.combinations().unwrap())),
        ("coverage", Box::new(aggregation.coverage().unwrap())),
    ];
    statements.into()
}

/// An empty directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    std::fs::create_dir(&directory).unwrap();
    directory
}

fn write(directory: &Path, name: &str, sql: &str) {
    std::fs::write(directory.join(name).with_extension("sql"), format!("{sql}\n")).unwrap();
}

/// What a program of the environment prints, which must end well.
fn printed(arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(python()).args(arguments).arg(directory).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{arguments:?}:\n{out}{err}");
    out
}

#[test]
fn sqlglot_reads_every_form_of_every_statement() {
    let texts = directory("sqlglot");
    let mut count = 0;
    for (name, attribution) in attributions() {
        for mappings in [Mappings::Json, Mappings::Values] {
            for (title, statement) in statements(&attribution, mappings) {
                let forms = [statement.sql(), statement.numbered_sql(), statement.script()];
                for (sql, form) in forms.iter().zip(["positional", "numbered", "script"]) {
                    write(&texts, &format!("{name}-{title}-{mappings:?}-{form}"), sql);
                    count += 1;
                }
            }
        }
    }
    let parser = file("parse.py");
    assert_eq!(printed(&[parser.to_str().unwrap()], &texts).trim(), count.to_string());
}

/// One form is enough, as they differ in their values alone; sqlfluff does not know `?`.
#[test]
fn sqlfluff_finds_nothing_in_the_statements() {
    let texts = directory("sqlfluff");
    for (name, attribution) in attributions() {
        for (title, statement) in statements(&attribution, Mappings::Json) {
            if name == "every_rule" || matches!(title, "usage" | "coverage") {
                write(&texts, &format!("{name}-{title}"), &statement.numbered_sql());
            }
        }
        if name == "every_rule" {
            let statement = &statements(&attribution, Mappings::Values)["usage"];
            write(&texts, "values", &statement.numbered_sql());
        }
    }
    let rules = file("sqlfluff.cfg");
    let config = ["--config", rules.to_str().unwrap(), "--ignore-local-config", "--nocolor"];
    let lint = ["-m", "sqlfluff", "lint", "--disable-progress-bar"];
    printed(&[&lint[..], &config].concat(), &texts);
}

#[test]
fn the_files_for_a_deployment_pass_their_own_tools() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let check = |tool: &str, arguments: &[&str]| {
        let mut program = Command::new(python().with_file_name(tool));
        let output = program.args(arguments).current_dir(&deploy).output().unwrap();
        assert!(output.status.success(), "{tool}: {output:?}");
    };
    check("hadolint", &["Containerfile"]);
    check("kubernetes-validate", &["--strict", "cronjob.yaml"]);
}
