//! An HTTP service on loopback that limits each client and all of them, before a greedy, a polite and a paced one.
//!
//! ```text
//! cargo xtask demo ratelimit
//! ```

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use patterns_ratelimit::{
    Denied, KeyedRateLimiter, Quota, RateLimitHeaders, RateLimiter, WaitOptions, consume_all,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// For each client: five at once, ten a second.
const EACH: Quota = Quota::per_second(10).burst(5);
/// For all of them.
const ALL: Quota = Quota::per_second(22).burst(10);
/// How many requests the greedy client makes at most, and for how long.
const GREEDY: (u32, Duration) = (2_000, Duration::from_millis(1_500));

/// What the service limits by: the name that a client gives, and all together.
#[derive(Clone)]
struct Limits {
    clients: KeyedRateLimiter<String>,
    all: RateLimiter,
}

impl Limits {
    /// The header fields of a request of this client, and whether it is served.
    fn ask(&self, client: &str) -> (bool, RateLimitHeaders) {
        match consume_all([&self.clients.at(client), &self.all], 1) {
            Ok([of_client, _]) => (true, RateLimitHeaders::allowed("client", EACH, &of_client)),
            Err(refused) if refused.level == 0 => (
                false,
                RateLimitHeaders::denied("client", EACH, &refused.denied),
            ),
            Err(refused) => (false, RateLimitHeaders::denied("all", ALL, &refused.denied)),
        }
    }
}

/// Serves HTTP/1.1, with connections that stay open.
async fn listen(listener: TcpListener, limits: Limits) {
    while let Ok((socket, _)) = listener.accept().await {
        let limits = limits.clone();
        tokio::spawn(async move {
            // Who hangs up gets no answer.
            let _ = serve(socket, limits).await;
        });
    }
}

async fn serve(mut socket: TcpStream, limits: Limits) -> io::Result<()> {
    while let Some(request) = read_head(&mut socket).await? {
        let client = field(&request, "x-client").unwrap_or("nobody");
        let (served, headers) = limits.ask(client);
        let (status, body) = if served {
            ("200 OK", format!("Good day, {client}.\n"))
        } else {
            ("429 Too Many Requests", String::new())
        };
        let mut reply = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers.iter() {
            reply += &format!("{name}: {value}\r\n");
        }
        socket
            .write_all((reply + "\r\n" + &body).as_bytes())
            .await?;
    }
    Ok(())
}

/// Reads up to the empty line; `None` at the end of the connection. Nobody here sends a body with a request.
async fn read_head(socket: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if socket.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
}

/// A client with a connection of its own, and what it was told.
struct Client {
    name: &'static str,
    socket: TcpStream,
    begun: Instant,
    took: Duration,
    served: u32,
    refused: u32,
    /// The head of the first refusal.
    first: Option<String>,
}

impl Client {
    async fn connect(name: &'static str, address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            name,
            socket: TcpStream::connect(address).await?,
            begun: Instant::now(),
            took: Duration::ZERO,
            served: 0,
            refused: 0,
            first: None,
        })
    }

    /// Makes a request. Returns after how many seconds to try again, if it was refused.
    async fn get(&mut self) -> io::Result<Option<u64>> {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: localhost\r\nx-client: {}\r\n\r\n",
            self.name
        );
        self.socket.write_all(request.as_bytes()).await?;
        let head = read_head(&mut self.socket)
            .await?
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = field(&head, "content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.socket.read_exact(&mut body).await?;
        self.took = self.begun.elapsed();
        if head.starts_with("HTTP/1.1 200 ") {
            self.served += 1;
            return Ok(None);
        }
        self.refused += 1;
        let retry_after = field(&head, "retry-after").and_then(|seconds| seconds.parse().ok());
        self.first.get_or_insert(head);
        Ok(retry_after)
    }

    /// Says how it went, and whether it got no more than it may.
    fn report(&self) -> bool {
        let took = self.took.as_secs_f64();
        let most = f64::from(EACH.capacity) + took * EACH.rate_per_second();
        println!(
            "\n{}: {} served, {} refused in {took:.2} s (it may have {most:.1})",
            self.name, self.served, self.refused,
        );
        for line in self
            .first
            .iter()
            .flat_map(|head| head.lines())
            .filter(|line| !line.is_empty())
        {
            println!("    {line}");
        }
        f64::from(self.served) <= most
    }
}

/// Asks as fast as it can, whatever it is told.
async fn greedy(address: SocketAddr) -> io::Result<Client> {
    let mut client = Client::connect("greedy", address).await?;
    for _ in 0..GREEDY.0 {
        client.get().await?;
        if client.begun.elapsed() > GREEDY.1 {
            break;
        }
        // As a client does whose network takes a while.
        tokio::task::yield_now().await;
    }
    Ok(client)
}

/// Asks for twelve pages, and waits as long as it is told.
async fn polite(address: SocketAddr) -> io::Result<Client> {
    let mut client = Client::connect("polite", address).await?;
    while client.served < 12 && client.refused < 20 {
        if let Some(seconds) = client.get().await? {
            sleep(Duration::from_secs(seconds)).await;
        }
    }
    Ok(client)
}

/// Keeps to the quota by itself: a limiter can be the client's too.
async fn paced(address: SocketAddr) -> Result<Client, Box<dyn Error + Send + Sync>> {
    let own = RateLimiter::new(Quota::per_second(8).burst(1))?;
    let options = WaitOptions {
        timeout: Duration::from_secs(1),
        ..WaitOptions::default()
    };
    let mut client = Client::connect("paced", address).await?;
    for _ in 0..12 {
        own.until_ready_with(1, options).await?;
        client.get().await?;
    }
    Ok(client)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let limits = Limits {
        clients: KeyedRateLimiter::start(EACH).await?,
        all: RateLimiter::new(ALL)?,
    };
    let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).await?;
    let address = listener.local_addr()?;
    println!(
        "HTTP on {address}: {} a second for each client, {} for all",
        EACH.refill, ALL.refill
    );
    let begun = Instant::now();
    let server = tokio::spawn(listen(listener, limits.clone()));

    let (greedy, polite, paced) = tokio::join!(greedy(address), polite(address), paced(address));
    let clients = [greedy?, polite?, paced?];
    let kept = clients.iter().filter(|client| client.report()).count();
    let served: u32 = clients.iter().map(|client| client.served).sum();
    let most = f64::from(ALL.capacity) + begun.elapsed().as_secs_f64() * ALL.rate_per_second();
    let (of_clients, of_all) = (limits.clients.stats(), limits.all.stats());
    println!("\nAll: {served} served (there may be {most:.1})");
    println!(
        "Refused: {} by a client's quota, {} by that of all",
        of_clients.rejected, of_all.rejected
    );

    if let Err(denied @ Denied::Impossible { .. }) = limits.all.consume(1_000) {
        println!("And a thousand at once: {denied}");
    }
    server.abort();

    let refused: u32 = clients.iter().map(|client| client.refused).sum();
    let adds_up = u64::from(served) == of_all.allowed
        && of_all.allowed == of_clients.allowed
        // A request that both refuse is counted by both.
        && of_clients.rejected + of_all.rejected >= u64::from(refused);
    if kept < clients.len() || f64::from(served) > most || clients[1].served < 12 || !adds_up {
        return Err("more was served than may be, or the counts do not add up".into());
    }
    Ok(())
}
