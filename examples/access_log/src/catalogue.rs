//! The names of a believable portal.

pub(crate) struct PortEntry {
    pub(crate) name: &'static str,
    pub(crate) database: &'static str,
    pub(crate) assets: &'static [AssetEntry],
    /// The consumer that makes it, by its place in [`CONSUMERS`].
    pub(crate) producer: Option<usize>,
}

pub(crate) struct AssetEntry {
    pub(crate) name: &'static str,
    /// The last part of the object's name, quoted where SQL needs the quotes.
    pub(crate) object: &'static str,
    pub(crate) domain: &'static str,
    /// A second output port that it is part of, by its place in [`OUTPUT_PORTS`].
    pub(crate) also_in: Option<usize>,
}

const fn table(name: &'static str, object: &'static str) -> AssetEntry {
    AssetEntry { name, object, domain: "Table", also_in: None }
}

const fn view(name: &'static str, object: &'static str) -> AssetEntry {
    AssetEntry { name, object, domain: "View", also_in: None }
}

const fn port(name: &'static str, database: &'static str, assets: &'static [AssetEntry]) -> PortEntry {
    PortEntry { name, database, assets, producer: None }
}

/// The most assets that one entry of [`OUTPUT_PORTS`] names.
pub(crate) const MOST_ASSETS: usize = 3;

/// The last is the port that hardly anybody reads.
pub(crate) const OUTPUT_PORTS: [PortEntry; 8] = [
    port(
        "Marketing campaigns",
        "MKT_DB",
        &[
            table("Campaigns", "CAMPAIGN"),
            view("Campaign results by day", "\"Campaign.Daily\""),
            AssetEntry { also_in: Some(5), ..table("Campaign spend", "CAMPAIGN_SPEND") },
        ],
    ),
    port(
        "Customer 360",
        "CRM_DB",
        &[
            table("Customers", "CUSTOMER"),
            view("Customer segments", "CUSTOMER_SEGMENT"),
            table("Contact consents", "CONTACT_CONSENT"),
        ],
    ),
    port(
        "Web sessions",
        "WEB_DB",
        &[
            table("Sessions", "SESSION"),
            table("Page views", "PAGE_VIEW"),
            view("Session funnel", "\"Session.Funnel\""),
        ],
    ),
    port(
        "Orders",
        "SALES_DB",
        &[
            table("Orders", "ORDER_HEADER"),
            table("Order lines", "ORDER_LINE"),
            table("Returns", "ORDER_RETURN"),
        ],
    ),
    port(
        "Inventory",
        "SUPPLY_DB",
        &[
            // Snowflake writes the domain in more than one case.
            AssetEntry { domain: "TABLE", ..table("Stock levels", "STOCK_LEVEL") },
            table("Warehouses", "WAREHOUSE"),
        ],
    ),
    port(
        "Finance ledger",
        "FIN_DB",
        &[
            table("Ledger entries", "LEDGER_ENTRY"),
            view("Invoices", "INVOICE"),
            table("Cost centres", "COST_CENTRE"),
        ],
    ),
    PortEntry {
        producer: Some(5),
        ..port(
            "Product catalogue",
            "PIM_DB",
            &[AssetEntry { also_in: Some(4), ..table("Products", "PRODUCT") }, table("Prices", "PRICE")],
        )
    },
    port("Supplier contracts", "BUY_DB", &[table("Contracts", "CONTRACT")]),
];

pub(crate) const DOMAINS: [&str; 4] = ["Marketing", "Sales", "Supply chain", "Finance"];

/// One of each domain, in turn.
pub(crate) const CONSUMERS: [&str; 12] = [
    "Campaign performance",
    "Sales cockpit",
    "Replenishment planner",
    "Monthly closing",
    "Newsletter targeting",
    "Pricing engine",
    "Warehouse planning",
    "Credit risk",
    "Churn prediction",
    "Order forecasting",
    "Supplier scorecard",
    "Revenue recognition",
];

const FIRST_NAMES: [&str; 12] =
    ["ANNA", "BRAM", "CHLOE", "DRIES", "ELIF", "FARID", "GITTE", "HUGO", "INES", "JONAS", "KARIMA", "LIAM"];

const LAST_NAMES: [&str; 11] = [
    "PEETERS", "JANSSENS", "MAES", "DUBOIS", "WILLEMS", "YILMAZ", "LAMBERT", "CLAES", "MARTIN", "NOWAK",
    "ROSSI",
];

/// The user name of the person of that number; no two are alike.
pub(crate) fn person(number: usize) -> String {
    // Twelve and eleven have no common divisor, so both can step at once.
    let name = format!("{}_{}", FIRST_NAMES[number % 12], LAST_NAMES[number % 11]);
    numbered(name, "_", number / (12 * 11))
}

/// The name in the given turn of its list: from the second turn on it carries the turn's number.
pub(crate) fn numbered(name: String, separator: &str, turn: usize) -> String {
    if turn == 0 { name } else { format!("{name}{separator}{}", turn + 1) }
}
