//! Roles that may less than they need.

use super::*;

/// The differences that a role sees for itself.
async fn seen_by(portal: &Portal, role: &str, check: &Check) -> Vec<String> {
    let mut connection = portal.pool.acquire().await.unwrap();
    let take_on = AssertSqlSafe(format!("SET ROLE {role}"));
    sqlx::raw_sql(take_on).execute(&mut *connection).await.unwrap();
    let rows = check.query().into_sqlx().fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("RESET ROLE").execute(&mut *connection).await.unwrap();
    shown(&check.differences(rows).unwrap()).into_iter().map(|of| of.replace(role, "somebody")).collect()
}

/// A role of the test's own: a server knows a role in all of its databases.
async fn role(portal: &Portal, name: &str) -> String {
    let role = portal.database.url().rsplit('/').next().unwrap().to_owned() + name;
    run(portal, &format!("CREATE ROLE {role}")).await;
    role
}

#[tokio::test]
async fn a_role_learns_what_it_lacks_for_what_it_is_for() {
    let portal = Portal::with(builder().build().unwrap()).await;
    let somebody = role(&portal, "_somebody").await;
    let check = portal.model.check(today());
    run(&portal, &format!("GRANT USAGE ON SCHEMA usage TO {somebody}")).await;
    run(&portal, &format!("GRANT SELECT ON usage.tech_asset_stats_daily TO {somebody}")).await;
    assert_eq!(
        seen_by(&portal, &somebody, &check.clone().of_role(Role::Reader)).await,
        [
            r#"errors to come: role "somebody" may not use schema "portal""#,
            r#"errors to come: role "somebody" may not read "usage"."output_port_query_stats_daily""#,
            r#"errors to come: role "somebody" may not read column "id" of "portal"."datasets""#,
            r#"errors to come: role "somebody" may not read column "name" of "portal"."datasets""#,
            r#"errors to come: role "somebody" may not read column "id" of "portal"."data_products""#,
            r#"errors to come: role "somebody" may not read column "name" of "portal"."data_products""#,
            r#"errors to come: role "somebody" may not read column "domain_id" of "portal"."data_products""#,
            r#"errors to come: role "somebody" may not read column "id" of "portal"."technical_assets""#,
            r#"errors to come: role "somebody" may not read column "name" of "portal"."technical_assets""#,
            r#"errors to come: role "somebody" may not read column "id" of "portal"."domains""#,
            r#"errors to come: role "somebody" may not read column "name" of "portal"."domains""#,
        ]
    );
    run(
        &portal,
        &format!(
            "GRANT USAGE ON SCHEMA portal TO {somebody};
             GRANT SELECT ON ALL TABLES IN SCHEMA portal, usage TO {somebody};
             GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA usage TO {somebody};
             GRANT DELETE ON usage.output_port_query_stats_daily TO {somebody}"
        ),
    )
    .await;
    let none = Vec::<String>::new();
    assert_eq!(seen_by(&portal, &somebody, &check.clone().of_role(Role::Reader)).await, none);
    assert_eq!(
        seen_by(&portal, &somebody, &check).await,
        [r#"errors to come: role "somebody" may not delete from "usage"."tech_asset_stats_daily""#]
    );
    run(&portal, &format!("GRANT DELETE ON usage.tech_asset_stats_daily TO {somebody}")).await;
    assert_eq!(seen_by(&portal, &somebody, &check).await, none);
    let owner = &portal.texts("SELECT current_user::text").await[0];
    assert_eq!(
        seen_by(&portal, &somebody, &check.of_role(Role::Owner)).await,
        [
            format!(r#"errors to come: "usage"."output_port_query_stats_daily" belongs to "{owner}""#),
            format!(r#"errors to come: "usage"."tech_asset_stats_daily" belongs to "{owner}""#),
        ]
    );
}

#[tokio::test]
async fn policies_that_apply_to_the_role_are_named() {
    let portal = Portal::with(builder().build().unwrap()).await;
    let somebody = role(&portal, "_guarded").await;
    run(
        &portal,
        &format!(
            "GRANT USAGE ON SCHEMA portal, usage TO {somebody};
             GRANT SELECT ON ALL TABLES IN SCHEMA portal, usage TO {somebody};
             ALTER TABLE usage.tech_asset_stats_daily ENABLE ROW LEVEL SECURITY;
             ALTER TABLE portal.datasets ENABLE ROW LEVEL SECURITY"
        ),
    )
    .await;
    let check = portal.model.check(today()).of_role(Role::Reader);
    assert_eq!(
        seen_by(&portal, &somebody, &check).await,
        [
            r#"wrong numbers: row level security of "usage"."tech_asset_stats_daily" applies to role "somebody": charts leave out the rows that it hides, and writes are refused"#,
            r#"wrong numbers: row level security of "portal"."datasets" applies to role "somebody": charts leave out the names and the rows that it hides"#,
        ]
    );
    // the owner sees past policies
    assert_eq!(shown(&differences(&portal).await), Vec::<String>::new());
}

#[tokio::test]
async fn tables_of_several_owners_are_named() {
    let portal = Portal::with(builder().build().unwrap()).await;
    let other = role(&portal, "_other").await;
    run(&portal, &format!("ALTER TABLE usage.tech_asset_stats_daily OWNER TO {other}")).await;
    let owner = &portal.texts("SELECT current_user::text").await[0];
    assert_eq!(
        shown(&differences_for(&portal.pool, &portal.model.check(today())).await),
        [format!("cosmetic: the tables have several owners: {owner}, {other}")]
    );
}
