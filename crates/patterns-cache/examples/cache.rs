//! An HTTP client with a cache, in front of a real server on loopback that counts how often it was
//! really asked.
//!
//! `cargo run --release -p patterns-cache --example cache`

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patterns_cache::{Cache, CacheConfig, Hooks, Loaded, RemovalCause, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long the server takes for an answer.
const WORK: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Arc::new(Server::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(Arc::clone(&server).serve(listener));

    let removed = Removed::default();
    let client = Client::start(address, &removed).await?;
    println!(
        "A server on {address} takes {} ms for each answer.\n",
        WORK.as_millis()
    );

    one_load_for_all(&client, &server).await?;
    what_is_hot_stays(&client, &server, &removed).await?;
    the_server_says_for_how_long(&client, &server).await?;
    an_outage(&client, &server).await?;
    what_does_not_exist(address, &server).await?;

    let stats = client.pages.stats();
    println!(
        "In all: {} hits, {} misses, of which {} waited for another's load and {} got a stale page;",
        stats.hits, stats.misses, stats.coalesced, stats.stale
    );
    println!(
        "{} loads, {} failed; {} pages of {} kB are cached.",
        stats.loads,
        stats.failed_loads,
        stats.keys,
        stats.weight / 1_000
    );
    Ok(())
}

/// A thousand tasks want one page at the same time, and the one that began to fetch it is aborted.
async fn one_load_for_all(client: &Client, server: &Server) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    let first = tasks.spawn(client.clone().get("/news".to_owned()));
    for _ in 0..1_000 {
        tasks.spawn(client.clone().get("/news".to_owned()));
    }
    tokio::time::sleep(WORK / 2).await;
    first.abort();
    let mut sources: HashMap<&str, u32> = HashMap::new();
    while let Some(page) = tasks.join_next().await {
        let source = match page {
            Ok(page) => name(page?.1),
            Err(_) => "aborted",
        };
        *sources.entry(source).or_default() += 1;
    }
    println!("1,001 tasks ask for /news at once, and the first is aborted on the way:");
    println!("  {sources:?} in {} ms", begun.elapsed().as_millis());
    expect("the server was asked", server.asked("/news"), 1..=2)
}

/// Requests as they are: few pages are wanted often, and many hardly ever.
async fn what_is_hot_stays(
    client: &Client,
    server: &Server,
    removed: &Removed,
) -> Result<(), Box<dyn Error>> {
    const REQUESTS: u32 = 4_000;
    let before = server.total();
    let mut tasks = JoinSet::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..REQUESTS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Each halving of the chance doubles the number of pages: close to Zipf's law.
        let rank = 1_u64 << (random % 11);
        let page = rank + (random >> 32) % rank;
        let client = client.clone();
        tasks.spawn(async move { client.get(format!("/page/{page}")).await.map(|_| ()) });
        if tasks.len() >= 64 {
            tasks.join_next().await.ok_or("there are tasks")???;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let asked = server.total() - before;
    println!("{REQUESTS} requests for 2,000 pages of 1 to 8 kB, with room for 2 MB:");
    println!(
        "  {:.1} % came from the cache, {} pages were evicted",
        100.0 - 100.0 * f64::from(asked) / f64::from(REQUESTS),
        removed.count(RemovalCause::Evicted)
    );
    let weight = client.pages.stats().weight;
    expect(
        "kB of pages in the cache",
        u32::try_from(weight / 1_000)?,
        1..=2_000,
    )?;
    expect("the server was asked", asked, 1..=REQUESTS)
}

/// `Cache-Control` decides how long a page lives.
async fn the_server_says_for_how_long(
    client: &Client,
    server: &Server,
) -> Result<(), Box<dyn Error>> {
    println!("/rates comes with `max-age=1`, and is asked for each 100 ms:");
    let mut line = String::new();
    for _ in 0..25 {
        let (page, source) = client.clone().get_strictly("/rates").await?;
        line += &format!("{}{} ", page.version, &name(source)[..1]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("  version and source (f fresh, l loaded): {line}");
    expect("the server was asked", server.asked("/rates"), 3..=4)
}

/// The server fails for a while. Old pages are better than none.
async fn an_outage(client: &Client, server: &Server) -> Result<(), Box<dyn Error>> {
    println!(
        "The server fails from 0.5 s to 2.5 s, and /status (`max-age=1`) is asked for each 250 ms:"
    );
    let mut line = String::new();
    for step in 0..14 {
        server
            .fails
            .store((2..10).contains(&step), Ordering::SeqCst);
        let (page, source) = client.clone().get("/status".to_owned()).await?;
        line += &format!("{}{} ", page.version, &name(source)[..1]);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    println!("  version and source (f fresh, s stale, l loaded): {line}");
    let stats = client.pages.stats();
    println!(
        "  no request failed; {} loads behind stale pages did",
        stats.failed_loads
    );
    let last = client.clone().get("/status".to_owned()).await?.0.version;
    expect("the version at the end", last, 2..=9)
}

/// A page that is missing is asked for once a second at most.
async fn what_does_not_exist(address: SocketAddr, server: &Server) -> Result<(), Box<dyn Error>> {
    let pages: Cache<String, Result<Arc<Page>, Arc<FetchError>>> =
        Cache::start(CacheConfig::default()).await?;
    let mut missing = 0;
    for _ in 0..500 {
        let load = async || fetch(address, "/gone").await.map_err(Arc::new);
        let second = Duration::from_secs(1);
        missing += u32::from(pages.get_or_try_load("/gone", second, load).await.is_err());
    }
    println!("{missing} of 500 requests for /gone were told that it is missing:");
    expect("the server was asked", server.asked("/gone"), 1..=1)
}

fn expect(
    what: &str,
    count: u32,
    expected: std::ops::RangeInclusive<u32>,
) -> Result<(), Box<dyn Error>> {
    println!("  {what}: {count}\n");
    if expected.contains(&count) {
        Ok(())
    } else {
        Err(format!("{what}: {count}, and not {expected:?}").into())
    }
}

fn name(source: Source) -> &'static str {
    match source {
        Source::Fresh => "fresh",
        Source::Stale => "stale",
        Source::Loaded => "loaded",
        Source::Coalesced => "coalesced",
    }
}

/// How many entries were removed for each cause.
#[derive(Clone, Default)]
struct Removed(Arc<Mutex<HashMap<RemovalCause, u32>>>);

impl Removed {
    fn add(&self, cause: RemovalCause) {
        *self.lock().entry(cause).or_default() += 1;
    }

    fn count(&self, cause: RemovalCause) -> u32 {
        self.lock().get(&cause).copied().unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RemovalCause, u32>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Fetches pages, and keeps them for as long as their server says.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    pages: Cache<String, Arc<Page>>,
}

impl Client {
    async fn start(address: SocketAddr, removed: &Removed) -> Result<Self, Box<dyn Error>> {
        let removed = removed.clone();
        let config = CacheConfig {
            max_weight: Some(2_000_000),
            stale_for: Duration::from_secs(60),
            ..CacheConfig::default()
        };
        let hooks = Hooks::new()
            .weigher(|path: &String, page: &Arc<Page>| {
                u32::try_from(path.len() + page.body.len()).unwrap_or(u32::MAX)
            })
            .on_removal(move |_, _, cause| removed.add(cause));
        let pages = Cache::start_with(config, hooks).await?;
        Ok(Self { address, pages })
    }

    /// A page that may be stale, while the next version of it is fetched.
    async fn get(self, path: String) -> Result<(Arc<Page>, Source), FetchError> {
        let (address, wanted) = (self.address, path.clone());
        let load = move || async move { fetch(address, &wanted).await };
        self.pages.get_or_revalidate(&path, load).await
    }

    /// A page that is not stale.
    async fn get_strictly(self, path: &str) -> Result<(Arc<Page>, Source), FetchError> {
        let load = || fetch(self.address, path);
        self.pages.get_or_load_with_source(path, load).await
    }
}

struct Page {
    /// The how many-th answer for its path it is.
    version: u32,
    body: String,
}

#[derive(Debug)]
enum FetchError {
    Io(std::io::Error),
    Status(u16),
    BadAnswer,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::BadAnswer => f.write_str("this is no HTTP"),
        }
    }
}

impl Error for FetchError {}

/// Asks for one page over a connection of its own.
async fn fetch(address: SocketAddr, path: &str) -> Result<Loaded<Arc<Page>>, FetchError> {
    let mut answer = String::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_string(&mut answer).await
    };
    exchange.await.map_err(FetchError::Io)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(FetchError::BadAnswer)?;
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    match status.ok_or(FetchError::BadAnswer)? {
        200 => {}
        status => return Err(FetchError::Status(status)),
    }
    let headers: HashMap<_, _> = lines.filter_map(|line| line.split_once(": ")).collect();
    let number = |name: &str, prefix: &str| {
        let value = headers.get(name)?.strip_prefix(prefix)?;
        value.parse::<u32>().ok()
    };
    let page = Page {
        version: number("ETag", "v").ok_or(FetchError::BadAnswer)?,
        body: body.to_owned(),
    };
    let max_age = number("Cache-Control", "max-age=").unwrap_or(0);
    Ok(Loaded::with_ttl(
        Arc::new(page),
        Duration::from_secs(max_age.into()),
    ))
}

/// A small HTTP server, which counts.
#[derive(Default)]
struct Server {
    asked: Mutex<HashMap<String, u32>>,
    answered: AtomicU64,
    fails: AtomicBool,
}

impl Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&self).answer(stream));
        }
    }

    async fn answer(self: Arc<Self>, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let request = String::from_utf8_lossy(&request);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let version = {
            let mut asked = self.lock();
            let count = asked.entry(path.to_owned()).or_default();
            *count += 1;
            *count
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(WORK).await;
        let (status, max_age, body) = if self.fails.load(Ordering::SeqCst) {
            ("503 Service Unavailable", 0, String::new())
        } else if let Some(page) = path.strip_prefix("/page/") {
            let size = page.parse().map_or(1, |page: usize| page % 8 + 1);
            ("200 OK", 60, "x".repeat(size * 1_000))
        } else {
            match path {
                "/news" => ("200 OK", 60, "nothing new".to_owned()),
                "/rates" | "/status" => ("200 OK", 1, "fine".to_owned()),
                _ => ("404 Not Found", 0, String::new()),
            }
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nETag: v{version}\r\nCache-Control: max-age={max_age}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await
    }

    fn asked(&self, path: &str) -> u32 {
        self.lock().get(path).copied().unwrap_or(0)
    }

    fn total(&self) -> u32 {
        u32::try_from(self.answered.load(Ordering::SeqCst)).unwrap_or(u32::MAX)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.asked
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
