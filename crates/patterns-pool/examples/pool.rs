//! Pools real TCP connections to a server that cuts one in ten, under the load of a few hundred tasks.
//!
//! ```text
//! cargo xtask demo pool [TASKS] [REQUESTS]
//! ```
//!
//! The server, on a loopback socket, knows the commands of the pool of the original: `echo TEXT`, `add A B` and `delay MS`. To one request in ten
//! it gives no answer but closes the connection. Each request has a number, which comes back with the answer: an answer that belongs to
//! another request would show that a connection was lent twice.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, process};

use otp_core::inbox;
use patterns_pool::{CheckoutError, Guard, Manager, Pool, PoolConfig, PoolEvent};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SIZE: usize = 16;
const TASKS: usize = 300;
const REQUESTS: usize = 40;
/// The server cuts the connection over every tenth request.
const CUT: u64 = 10;

/// Knows how to connect.
struct Connections(SocketAddr);

impl Manager for Connections {
    type Member = BufReader<TcpStream>;
    type Error = io::Error;

    async fn create(&self, _id: u64) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.0).await?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    async fn check(&self, connection: &mut BufReader<TcpStream>) -> io::Result<()> {
        // Nobody has asked, so there is nothing to read, unless the server has closed.
        match connection.get_ref().try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

/// Counts what the server sees.
#[derive(Default)]
struct Server {
    requests: AtomicU64,
    cut: AtomicU64,
    connections: AtomicU64,
}

impl Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            self.connections.fetch_add(1, Ordering::Relaxed);
            let server = Arc::clone(&self);
            tokio::spawn(async move { server.answer(BufReader::new(stream)).await });
        }
    }

    async fn answer(&self, mut stream: BufReader<TcpStream>) -> io::Result<()> {
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            if self.requests.fetch_add(1, Ordering::Relaxed) % CUT == CUT - 1 {
                self.cut.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            let answer = done(line.trim_end()).await;
            stream.write_all(format!("{answer}\n").as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }
}

/// Does what a line says, and repeats its number.
async fn done(line: &str) -> String {
    let mut words = line.split(' ');
    let number = words.next().unwrap_or_default();
    let answer = match (words.next(), words.next(), words.next()) {
        (Some("echo"), Some(text), None) => text.to_owned(),
        (Some("add"), Some(a), Some(b)) => match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(a), Ok(b)) => (a + b).to_string(),
            _ => "no number".to_owned(),
        },
        (Some("delay"), Some(ms), None) => {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
            "done".to_owned()
        }
        _ => "unknown".to_owned(),
    };
    format!("{number} {answer}")
}

/// One request over one connection.
async fn ask(connection: &mut BufReader<TcpStream>, number: usize) -> io::Result<()> {
    let (command, wanted) = match number % 3 {
        0 => (format!("echo text{number}"), format!("text{number}")),
        1 => (format!("add {number} 17"), (number + 17).to_string()),
        _ => ("delay 2".to_owned(), "done".to_owned()),
    };
    connection
        .write_all(format!("{number} {command}\n").as_bytes())
        .await?;
    let mut answer = String::new();
    if connection.read_line(&mut answer).await? == 0 {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    assert_eq!(
        answer.trim_end(),
        format!("{number} {wanted}"),
        "the answer to somebody else's request"
    );
    Ok(())
}

/// What one task has met.
#[derive(Default)]
struct Met {
    answered: Vec<usize>,
    waits: Vec<Duration>,
    took: Vec<Duration>,
    again: usize,
}

/// Sends its requests; one that the server cut is sent once more, on another connection.
async fn work(
    pool: Pool<Connections>,
    numbers: std::ops::Range<usize>,
) -> Result<Met, CheckoutError> {
    let mut met = Met::default();
    for number in numbers {
        let begun = Instant::now();
        loop {
            let came = Instant::now();
            let mut connection = pool.checkout().await?;
            met.waits.push(came.elapsed());
            match ask(&mut connection, number).await {
                Ok(()) => break,
                Err(_) => {
                    Guard::discard(connection);
                    met.again += 1;
                }
            }
        }
        met.took.push(begun.elapsed());
        met.answered.push(number);
    }
    Ok(met)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|text| text.parse::<usize>());
    let tasks = arguments.next().transpose()?.unwrap_or(TASKS);
    let requests = arguments.next().transpose()?.unwrap_or(REQUESTS);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Arc::new(Server::default());
    tokio::spawn(Arc::clone(&server).serve(listener));

    let config = PoolConfig {
        name: "connections".to_owned(),
        size: SIZE,
        min_idle: Some(2),
        checkout_timeout: Duration::from_secs(20),
        leak_after: Some(Duration::from_secs(5)),
        ..PoolConfig::default()
    };
    let pool = Pool::start(config, Connections(address)).await?;
    let (listener, mut events) = inbox::<PoolEvent>();
    pool.listen(listener.recipient());
    println!(
        "{tasks} tasks, {requests} requests each, over {SIZE} connections to {address}; one request in {CUT} is cut"
    );

    let begun = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(work(pool.clone(), task * requests..(task + 1) * requests)))
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let info = pool.info();
    println!(
        "in the middle: {} in use, {} idle, {} being made, {} waiting",
        info.in_use, info.available, info.starting, info.waiting
    );
    let mut all = Met::default();
    for task in running {
        let met = task.await??;
        all.answered.extend(met.answered);
        all.waits.extend(met.waits);
        all.took.extend(met.took);
        all.again += met.again;
    }
    let elapsed = begun.elapsed();

    let distinct: HashSet<_> = all.answered.iter().collect();
    println!(
        "{} requests answered in {elapsed:.2?}, {} of them sent again after a cut",
        all.answered.len(),
        all.again
    );
    println!("latency of a request: {}", percentiles(&mut all.took));
    println!("waited for a connection: {}", percentiles(&mut all.waits));
    let stats = pool.stats();
    println!(
        "checkouts: {} ({} waited, {} timed out); connections: {} made, {} closed",
        stats.lent, stats.waited, stats.timed_out, stats.created, stats.closed
    );
    let made = std::iter::from_fn(|| events.try_recv())
        .filter(|event| matches!(event, PoolEvent::Created { .. }))
        .count();
    println!("listeners were told of {made} connections made after the start");
    let served = server.requests.load(Ordering::Relaxed);
    let cut = server.cut.load(Ordering::Relaxed);
    println!(
        "the server saw {served} requests on {} connections, and cut {cut}",
        server.connections.load(Ordering::Relaxed)
    );

    pool.stop().await?;
    let info = pool.info();
    let sound = distinct.len() == tasks * requests
        && all.answered.len() == distinct.len()
        && served == (all.answered.len() + all.again) as u64
        && cut == all.again as u64
        && info.in_use + info.waiting + info.closing == 0;
    println!(
        "{}",
        if sound {
            "nothing was lost, and nothing was lent twice"
        } else {
            "SOMETHING IS WRONG"
        }
    );
    if !sound {
        process::exit(1);
    }
    Ok(())
}

/// Some percentiles of what was measured.
fn percentiles(measured: &mut [Duration]) -> String {
    measured.sort_unstable();
    let at = |percent: usize| {
        measured
            .get((measured.len() * percent / 100).min(measured.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    format!(
        "p50 {:.1?}, p90 {:.1?}, p99 {:.1?}, longest {:.1?}",
        at(50),
        at(90),
        at(99),
        at(100)
    )
}
