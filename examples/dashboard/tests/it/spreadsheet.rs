//! Files that a spreadsheet opens.

use crate::world::World;

#[tokio::test]
async fn a_name_is_no_formula_and_a_number_stays_one() {
    let world = World::new().await;
    for (name, written) in [
        ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\tx", "'\tx"),
        ("\r=1", " =1"),
        ("Orders;=HYPERLINK(\"http://x\")", "Orders =HYPERLINK(\"http://x\")"),
        ("=1;\"@x", "'=1 \"@x"),
        ("Orders; all", "Orders; all"),
        ("-5", "-5"),
        ("Orders, \"all\"\nof them", "Orders, \"all\"\nof them"),
    ] {
        let update = "UPDATE portal.datasets SET name = $1 WHERE id = '00000000-0000-0000-0000-000000000010'";
        sqlx::query(update).bind(name).execute(&world.pool).await.unwrap();
        let path = "/api/portal/output-ports?days=30&compare=previous_period&format=csv";
        let got = world.get(path).await;
        let mut file = csv::Reader::from_reader(got.text().as_bytes());
        let header = file.headers().unwrap().clone();
        let column = |name| header.iter().position(|column| column == name).unwrap();
        let orders = file.records().next().unwrap().unwrap();
        assert_eq!(&orders[column("label")], written);
        assert_eq!((&orders[column("query_count")], &orders[column("change")]), ("8", "-0.2"));
    }
}
