//! A relay to the server inside the test's own runtime.
//!
//! An answer is never there before the task that asked has let go, so every round trip is an await at which a future can
//! be dropped. It also reads what drivers send on the way.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

pub(crate) struct Relay {
    /// The database through the relay.
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

/// What drivers sent since it was taken last.
#[derive(Default)]
pub(crate) struct Seen {
    /// The names under which statements were prepared; the empty name is none.
    pub(crate) prepared: Vec<String>,
    /// The messages that a driver waits for an answer to.
    pub(crate) round_trips: usize,
}

impl Relay {
    pub(crate) async fn start(url: &str) -> Self {
        let config = Config::from_str(url).unwrap();
        let server = Server::of(&config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let sees = seen.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(client, sees.clone()));
            }
        });
        let user = config.get_user().unwrap_or("postgres");
        let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        let password = password.map(|password| format!(":{password}")).unwrap_or_default();
        let url = format!("postgres://{user}{password}@127.0.0.1:{port}/{}", config.get_dbname().unwrap());
        Self { url, seen }
    }

    pub(crate) fn take_seen(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    pub(crate) fn take_prepared(&self) -> Vec<String> {
        self.take_seen().prepared
    }
}

#[derive(Clone)]
enum Server {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl Server {
    fn of(config: &Config) -> Self {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match &config.get_hosts()[0] {
            Host::Unix(directory) => Self::Unix(directory.join(format!(".s.PGSQL.{port}"))),
            Host::Tcp(host) => Self::Tcp(host.clone(), port),
        }
    }

    async fn serve(self, client: TcpStream, seen: Arc<Mutex<Seen>>) {
        client.set_nodelay(true).unwrap();
        match self {
            Self::Unix(path) => relay(client, UnixStream::connect(path).await.unwrap(), seen).await,
            Self::Tcp(host, port) => {
                relay(client, TcpStream::connect((host, port)).await.unwrap(), seen).await;
            }
        }
    }
}

/// Until one of them closes.
async fn relay(client: TcpStream, server: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<Mutex<Seen>>) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let asking = async {
        let mut sent = Sent::default();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            sent.add(&buffer[..read], &mut seen.lock().unwrap());
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
    };
    let answering = async {
        let _ = copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::join!(asking, answering);
}

/// What a client has sent, as the [messages](https://www.postgresql.org/docs/current/protocol-message-formats.html) that
/// it is: after those that open the connection, a letter, a length and that many bytes.
#[derive(Default)]
struct Sent {
    open: bool,
    rest: Vec<u8>,
}

impl Sent {
    /// Notes the messages that the bytes complete.
    fn add(&mut self, bytes: &[u8], seen: &mut Seen) {
        self.rest.extend_from_slice(bytes);
        loop {
            let letter = usize::from(self.open);
            let Some(length) = self.rest.get(letter..letter + 4) else { break };
            let length = letter + u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if self.rest.len() < length {
                break;
            }
            let message: Vec<u8> = self.rest.drain(..length).collect();
            if !self.open {
                // a request for encryption comes before the version of the protocol
                self.open = message[4..8] == 196_608_u32.to_be_bytes();
            } else if message[0] == b'P' {
                let name: Vec<u8> = message[5..].iter().copied().take_while(|byte| *byte != 0).collect();
                let name = String::from_utf8(name).unwrap();
                seen.prepared.extend(Some(name).filter(|name| !name.is_empty()));
            } else if matches!(message[0], b'Q' | b'S') {
                seen.round_trips += 1;
            }
        }
    }
}
