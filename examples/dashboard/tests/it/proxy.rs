//! A way to the database that can be cut and mended, without stopping a server that other tests use.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) struct Proxy {
    to: PgConnectOptions,
    port: u16,
    open: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to: PgConnectOptions = url.parse().unwrap();
        let open = Some(tokio::spawn(serve(listener, to.clone())));
        Self { to, port, open }
    }

    /// Where the database is, through this.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = match self.to.get_socket() {
            None => self.to.clone(),
            // a socket would go before the host; whoever may use it needs no password
            Some(_) => PgConnectOptions::new_without_pgpass()
                .username(self.to.get_username())
                .database(self.to.get_database().unwrap())
                .ssl_mode(PgSslMode::Disable),
        };
        options.host("127.0.0.1").port(self.port)
    }

    /// Nothing listens any more, and every connection breaks.
    pub(crate) async fn cut(&mut self) {
        let open = self.open.take().unwrap();
        open.abort();
        let _ = open.await;
    }

    pub(crate) async fn mend(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.open = Some(tokio::spawn(serve(listener, self.to.clone())));
    }
}

async fn serve(listener: TcpListener, to: PgConnectOptions) {
    // aborted with this task
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = connect(&to).await;
        connections.spawn(async move {
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

async fn connect(to: &PgConnectOptions) -> Box<dyn Stream> {
    let port = to.get_port();
    match to.get_socket() {
        Some(directory) => {
            Box::new(UnixStream::connect(directory.join(format!(".s.PGSQL.{port}"))).await.unwrap())
        }
        None => Box::new(TcpStream::connect((to.get_host(), port)).await.unwrap()),
    }
}
