//! A server in Snowflake's place, or a proxy before it, that repeats the request in its answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;

use crate::{fails, job, mapping};

/// Everything in it is written in another way somewhere: in JSON, in a URL, in HTML.
const PASSWORD: &str = "gazelle\"zebra\\quagga/é&<okapi>%41 +lynx\tibex";
const ANIMALS: [&str; 6] = ["gazelle", "zebra", "quagga", "okapi", "lynx", "ibex"];
const TOKEN: &str = "ver:1-hint:1036-ETMsDgAAAZx+/3w==";

/// A request as it came: its first line and headers, and its body.
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Self { head, body: String::from_utf8(body).ok()? })
    }

    fn is_login(&self) -> bool {
        self.head.contains("/session/v1/login-request")
    }

    fn whole(&self) -> String {
        format!("{}\r\n{}", self.head, self.body)
    }
}

/// Status and body of the answer to a request.
type Answer = fn(&Request) -> (u16, String);

/// Answers every request on a port of this machine, as long as the tests run.
fn serve(answer: impl Fn(&Request) -> (u16, String) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Some(request) = Request::read(&stream) else { continue };
            let (status, body) = answer(&request);
            let head = format!(
                "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    port
}

fn message(text: &str) -> String {
    serde_json::json!({ "success": false, "code": "390100", "message": text, "data": null }).to_string()
}

fn in_html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!("<html><body>Bad request: <pre>{text}</pre></body></html>")
}

fn in_url(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A portal's database with the parents of the examples' model.
struct Portal {
    database: throwaway_postgres::Database,
    pool: sqlx::PgPool,
}

impl Portal {
    async fn new() -> Self {
        let database = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
        let pool = sqlx::PgPool::connect(database.url()).await.unwrap();
        sqlx::raw_sql(access_log::PARENTS).execute(&pool).await.unwrap();
        let file = std::fs::File::open(mapping()).unwrap();
        let mapping = access_log::Mapping::read(std::io::BufReader::new(file)).unwrap();
        let ports: Vec<_> = mapping.output_ports.iter().map(|port| port.id).collect();
        let assets: Vec<_> = mapping.tech_assets.iter().map(|asset| asset.id).collect();
        let consumers: Vec<_> = mapping.consumers.iter().map(|consumer| consumer.id).collect();
        for (insert, ids) in [
            ("INSERT INTO portal.datasets SELECT id, '' FROM unnest($1::uuid[]) AS u (id)", ports),
            ("INSERT INTO portal.technical_assets SELECT id, '' FROM unnest($1::uuid[]) AS u (id)", assets),
            ("INSERT INTO portal.data_products SELECT id, '' FROM unnest($1::uuid[]) AS u (id)", consumers),
        ] {
            sqlx::query(insert).bind(ids).execute(&pool).await.unwrap();
        }
        Self { database, pool }
    }

    fn run(&self, answer: impl Fn(&Request) -> (u16, String) + Send + 'static, arguments: &[&str]) -> Output {
        let url = format!("http://127.0.0.1:{}", serve(answer));
        let variables = [
            ("SNOWFLAKE_URL", url.as_str()),
            ("SNOWFLAKE_ACCOUNT", "acme-one"),
            ("SNOWFLAKE_USER", "sync"),
            ("SNOWFLAKE_PASSWORD", PASSWORD),
            ("DATABASE_URL", self.database.url()),
        ];
        let mapping = mapping();
        let arguments = [&[mapping.to_str().unwrap(), "--create-tables"], arguments].concat();
        job(&arguments, &variables)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_a_secret_is_repeated_and_no_terminal_commanded() {
    let portal = Portal::new().await;
    let answers: [(Answer, &str); 10] = [
        (|request| (403, request.whole()), "HTTP 403: POST"),
        (|request| (403, in_html(&request.body)), "HTTP 403: <html>"),
        (|request| (400, in_url(&request.body)), "HTTP 400: %7B"),
        (|request| (200, message(&request.body)), "authentication rejected: {"),
        (|request| (200, message(&message(&request.body))), "authentication rejected: {"),
        (|_| (200, message(PASSWORD)), "authentication rejected: ***"),
        (|request| (200, request.whole()), "JSON parse error; body preview"),
        (|_| (403, "x".repeat(1010) + PASSWORD), "HTTP 403: xxx"),
        (|_| (403, "x".repeat(1014) + &serde_json::json!(PASSWORD).to_string()), "HTTP 403: xxx"),
        (
            |_| (200, message("\u{1b}[2J\u{1b}]0;gone\u{7}\u{9b}1m")),
            "rejected: \u{fffd}[2J\u{fffd}]0;gone\u{fffd}\u{fffd}1m",
        ),
    ];
    for (answer, expected) in answers {
        let output = portal.run(answer, &[]);
        fails(&output, output.status.code().unwrap(), &[expected]);
        assert_ne!(output.status.code(), Some(0));
        check(&output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_session_is_not_repeated() {
    let portal = Portal::new().await;
    let answers: [(Answer, &str); 4] = [
        (|request| (400, request.whole()), "HTTP 400: POST"),
        (|request| (400, in_html(&request.whole())), "HTTP 400: <html>"),
        (|request| (200, message(&request.whole())), "Snowflake refused a statement; nothing was written"),
        (|request| (200, request.whole()), "JSON parse error"),
    ];
    for (answer, expected) in answers {
        let granted = serde_json::json!({ "success": true, "data": { "token": TOKEN } }).to_string();
        let answer = move |request: &Request| match request.is_login() {
            true => (200, granted.clone()),
            false => answer(request),
        };
        let output = portal.run(answer, &[]);
        fails(&output, 6, &[expected]);
        check(&output);
    }
    // an answer to the login that is cut off holds a token, too
    let output = portal.run(|_| (200, format!("{{\"data\":{{\"masterToken\":\"{TOKEN}\",")), &[]);
    fails(&output, 6, &["JSON parse error"]);
    check(&output);
}

fn check(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        let lower = text.to_lowercase();
        for secret in ANIMALS.iter().chain(&["etmsdgaaazx"]) {
            assert!(!lower.contains(secret), "{secret} in {text}");
        }
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_those_of_the_model_file() {
    let portal = Portal::new().await;
    let model = std::env::temp_dir().join(format!("snowflake-sync-model-{}.json", std::process::id()));
    let queries = r#""schema": "own schema", "queries": { "table": "Q", "columns": { "date": "day", "output_port_id": "of" } },"#;
    let own = access_log::MODEL.replacen(r#""schema": "usage","#, queries, 1);
    std::fs::write(&model, own).unwrap();
    let refused = |_: &Request| (403, String::new());
    let output = portal.run(refused, &["--model", model.to_str().unwrap()]);
    // it asked how far the tables reach, and then failed to log in
    fails(&output, 2, &["the login is forbidden"]);
    let columns =
        "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns
        WHERE table_schema = 'own schema' AND table_name = 'Q'";
    let columns: String = sqlx::query_scalar(columns).fetch_one(&portal.pool).await.unwrap();
    assert_eq!(columns, "day of consumer_id query_count");
    std::fs::remove_file(model).unwrap();
}
