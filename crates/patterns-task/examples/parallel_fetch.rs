//! Fetches over real HTTP from four servers on loopback: quick, slow, broken and moody; each in its own way.
//!
//! ```text
//! cargo xtask demo parallel_fetch
//! ```

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use patterns_task::{
    Failure, FetchConfig, HedgeConfig, Jitter, RetryConfig, Task, hedge, parallel_fetch, race,
    retry, spawn,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How a server answers its `n`-th request.
type Manner = fn(usize) -> Answer;

struct Answer {
    after: Duration,
    /// `None` hangs up without a word.
    status: Option<u16>,
}

const fn answer(millis: u64, status: Option<u16>) -> Answer {
    Answer {
        after: Duration::from_millis(millis),
        status,
    }
}

/// A server on loopback. Dropped, it stops listening and hangs up on everybody.
struct Server {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    /// How many connections are open at this moment.
    open: Arc<AtomicUsize>,
    _listens: Task<()>,
}

impl Server {
    async fn start(manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (served, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&served), Arc::clone(&open));
        let listens = spawn(async move {
            let mut connections = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                let n = counts.0.fetch_add(1, Ordering::SeqCst);
                let guard = Open::new(&counts.1);
                connections.retain(|connection: &Task<()>| !connection.is_finished());
                connections.push(spawn(async move {
                    let _guard = guard;
                    // Who hangs up early gets no answer.
                    let _ = serve(socket, manner(n)).await;
                }));
            }
        });
        Ok(Self {
            address,
            served,
            open,
            _listens: listens,
        })
    }
}

/// Counted while it is there.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Reads a request, and answers it as told, unless the client hangs up before.
async fn serve(mut socket: TcpStream, answer: Answer) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut more = [0];
    let hung_up = tokio::time::timeout(answer.after, socket.read(&mut more)).await;
    if hung_up.is_ok() {
        return Ok(());
    }
    let Some(status) = answer.status else {
        return Ok(());
    };
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or("/");
    let body = format!("You asked for {path}.\n").repeat(20);
    let reply = format!(
        "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(reply.as_bytes()).await
}

/// What a fetch can fail with.
#[derive(Debug)]
enum FetchError {
    Io(io::Error),
    NoHttp,
    Status(u16),
}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::NoHttp => f.write_str("the answer is no HTTP"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

impl Error for FetchError {}

/// Fetches a page by HTTP/1.1. Returns the body.
async fn get(address: SocketAddr, path: String) -> Result<Vec<u8>, FetchError> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await?;
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n");
    let head = String::from_utf8_lossy(&reply[..end.ok_or(FetchError::NoHttp)?]);
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    match status.ok_or(FetchError::NoHttp)? {
        200 => Ok(reply.split_off(end.unwrap_or(0) + 4)),
        status => Err(FetchError::Status(status)),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let quick = Server::start(|n| answer(20 + 10 * (n as u64 % 4), Some(200))).await?;
    let slow =
        Server::start(|n| answer(if n.is_multiple_of(2) { 400 } else { 3_000 }, Some(200))).await?;
    let broken = Server::start(|n| answer(10, n.is_multiple_of(2).then_some(503))).await?;
    let moody = Server::start(|n| answer(30, Some(if n % 3 == 2 { 200 } else { 503 }))).await?;
    println!(
        "Servers: quick {}, slow {}, broken {}, moody {}",
        quick.address, slow.address, broken.address, moody.address
    );

    fetch_all(&[("quick", &quick), ("slow", &slow), ("broken", &broken)]).await;
    race_mirrors(&slow, &broken, &quick).await;
    hedge_the_slow(&slow).await;
    retry_the_moody(&moody).await;

    // Whoever was given up has hung up.
    sleep(Duration::from_millis(50)).await;
    let open: usize = [&quick, &slow, &broken, &moody]
        .map(|server| server.open.load(Ordering::SeqCst))
        .iter()
        .sum();
    println!("\nConnections that are open at the end: {open}");
    Ok(())
}

/// A page of a server, by the name of both.
struct Page {
    server: &'static str,
    address: SocketAddr,
    path: String,
}

async fn fetch_all(servers: &[(&'static str, &Server)]) {
    let config = FetchConfig {
        timeout: Duration::from_millis(1_500),
        item_timeout: Duration::from_millis(800),
        max_concurrency: NonZeroUsize::MIN.saturating_add(3),
    };
    println!(
        "\nparallel_fetch: 14 pages, {} at a time, {} ms each, {} ms for all",
        config.max_concurrency,
        config.item_timeout.as_millis(),
        config.timeout.as_millis()
    );
    let pages = (0..14).map(|n| {
        let (server, address) = [servers[0], servers[1], servers[0], servers[2]]
            .map(|(name, server)| (name, server.address))[n % 4];
        Page {
            server,
            address,
            path: format!("/page/{n}"),
        }
    });
    let start = Instant::now();
    let results = parallel_fetch(
        pages,
        |page| {
            let (server, path, fetch) = (
                page.server,
                page.path.clone(),
                get(page.address, page.path.clone()),
            );
            async move {
                let body = fetch.await?;
                Ok::<_, FetchError>((server, path, body.len(), start.elapsed()))
            }
        },
        config,
    )
    .await;
    println!(
        "  {:>3}  {:<8}{:<10}{:>10}  result",
        "", "server", "page", "there at"
    );
    for (index, result) in results.iter().enumerate() {
        match result {
            Ok((server, path, bytes, at)) => {
                println!(
                    "  {index:>3}  {server:<8}{path:<10}{:>7} ms  {bytes} bytes",
                    at.as_millis()
                );
            }
            // The page itself has come back.
            Err(error) => {
                let page = &error.input;
                println!(
                    "  {index:>3}  {:<8}{:<10}{:>10}  {}",
                    page.server, page.path, "-", error.error
                );
            }
        }
    }
    println!("  all after {} ms", start.elapsed().as_millis());
}

async fn race_mirrors(slow: &Server, broken: &Server, quick: &Server) {
    let mirrors = [slow, broken, quick].map(|server| get(server.address, "/mirror".to_owned()));
    let start = Instant::now();
    let winner = race(mirrors, Duration::from_secs(5)).await;
    let bytes = winner.map_or(0, |body| body.len());
    println!(
        "\nrace of the slow, the broken and the quick one: {bytes} bytes after {} ms",
        start.elapsed().as_millis()
    );
    let broken = [(); 3].map(|()| get(broken.address, "/mirror".to_owned()));
    if let Err(error) = race(broken, Duration::from_secs(5)).await {
        println!("race of three that are broken: {error}");
    }
}

async fn hedge_the_slow(slow: &Server) {
    let config = HedgeConfig {
        delay: Duration::from_millis(450),
        ..HedgeConfig::default()
    };
    let before = slow.served.load(Ordering::SeqCst);
    if before.is_multiple_of(2) {
        // Its next answer would be a quick one, and there would be nothing to see.
        let _ = get(slow.address, "/warm-up".to_owned()).await;
    }
    let before = slow.served.load(Ordering::SeqCst);
    let start = Instant::now();
    let body = hedge(config, |_| get(slow.address, "/hedged".to_owned())).await;
    println!(
        "\nhedge of an answer that takes 3 s: {} bytes after {} ms, with {} requests",
        body.map_or(0, |body| body.len()),
        start.elapsed().as_millis(),
        slow.served.load(Ordering::SeqCst) - before
    );
}

async fn retry_the_moody(moody: &Server) {
    let config = RetryConfig {
        base_delay: Duration::from_millis(50),
        jitter: Jitter::Equal,
        ..RetryConfig::default()
    };
    let start = Instant::now();
    let mut attempts = 0;
    let body = retry(config, || {
        attempts += 1;
        get(moody.address, "/moody".to_owned())
    })
    .await;
    match body {
        Ok(body) => println!(
            "\nretry: {} bytes at attempt {attempts}, after {} ms",
            body.len(),
            start.elapsed().as_millis()
        ),
        Err(error) => println!("\nretry: {error}"),
    }
    let failure = retry(
        RetryConfig {
            timeout: Duration::from_millis(120),
            ..RetryConfig::default()
        },
        || {
            // Nobody listens at port 1.
            get(SocketAddr::from(([127, 0, 0, 1], 1)), "/".to_owned())
        },
    )
    .await;
    if let Err(error) = failure {
        let refused = matches!(&error.failure, Failure::Failed(FetchError::Io(_)));
        println!(
            "retry of a port where nobody listens, 120 ms in all: {error}{}",
            if refused { "" } else { " (unexpected)" }
        );
    }
}
