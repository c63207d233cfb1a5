//! A client with a breaker, in front of a real HTTP server on loopback that fails by a script; what happens is printed as a timeline.
//!
//! `cargo run --release -p patterns-breaker --example breaker`

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_breaker::{
    Breaker, BreakerConfig, BreakerError, Cause, ClassifiedBreaker, Hooks, Outcome, State,
    Transition,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

/// What the server does, and for how long.
const SCRIPT: [(Mood, u64); 4] = [
    (Mood::Healthy, 500),
    (Mood::Errors, 500),
    (Mood::Hangs, 600),
    (Mood::Healthy, 1_300),
];
/// How many clients there are, and how often each of them asks.
const CLIENTS: usize = 4;
const EVERY: Duration = Duration::from_millis(10);
/// How long a line of the timeline is.
const LINE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Healthy,
    Errors,
    Hangs,
}

/// How the calls of one line ended.
#[derive(Debug, Default)]
struct Tally {
    ok: AtomicU64,
    errors: AtomicU64,
    timeouts: AtomicU64,
    rejected: AtomicU64,
}

type Guarded = ClassifiedBreaker<fn(&io::Result<u16>) -> Outcome>;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let begun = Instant::now();
    let server = Arc::new(Server {
        begun,
        asked: [0; 4].map(AtomicU64::new),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(Arc::clone(&server).serve(listener));

    let changes = Arc::new(Mutex::new(Vec::new()));
    let billing = breaker(begun, &changes)?;
    println!(
        "{CLIENTS} clients ask a server on {address} every {} ms, and give up after 100 ms.\n",
        EVERY.as_millis()
    );
    println!("   time  server   breaker     answered  503  timed out  rejected");

    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(billing.clone(), address, begun, Arc::clone(&tally)));
    }
    timeline(billing.breaker(), begun, &tally).await;
    clients.join_all().await;

    Ok(report(
        billing.breaker(),
        &server,
        &changes.lock().map_err(|error| error.to_string())?,
    ))
}

fn breaker(
    begun: Instant,
    changes: &Arc<Mutex<Vec<Transition>>>,
) -> Result<Guarded, Box<dyn Error>> {
    let config = BreakerConfig {
        failure_threshold: Some(5),
        success_threshold: 3,
        reset_timeout: Duration::from_millis(100),
        max_reset_timeout: Some(Duration::from_millis(400)),
        call_timeout: Duration::from_millis(100),
        ramp: Some(Duration::from_millis(500)),
        ..BreakerConfig::default()
    };
    let changes = Arc::clone(changes);
    let hooks = Hooks::new().on_change(move |change| {
        let at = change.at.saturating_duration_since(begun).as_secs_f64();
        println!("  {at:.2} s    └ {change}");
        if let Ok(mut changes) = changes.lock() {
            changes.push(*change);
        }
    });
    Ok(Breaker::with_hooks(config, hooks)?.classify_by(by_status))
}

/// A 503 is an answer, and a failure all the same.
fn by_status(result: &io::Result<u16>) -> Outcome {
    match result {
        Ok(500..) | Err(_) => Outcome::Failure,
        Ok(_) => Outcome::Success,
    }
}

/// Asks until the script is over.
async fn client(billing: Guarded, address: SocketAddr, begun: Instant, tally: Arc<Tally>) {
    let mut ticks = interval(EVERY);
    while begun.elapsed() < script_time() {
        ticks.tick().await;
        let count = match billing.call(get(address)).await {
            Ok(200) => &tally.ok,
            Ok(_) | Err(BreakerError::Failed(_)) => &tally.errors,
            Err(BreakerError::Timeout { .. }) => &tally.timeouts,
            Err(_) => &tally.rejected,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends a request of its own connection and reads the status of the answer.
async fn get(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /invoices/7 HTTP/1.1\r\nHost: billing\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// Prints a line for each tenth of a second.
async fn timeline(breaker: &Breaker, begun: Instant, tally: &Tally) {
    while begun.elapsed() < script_time() {
        let mood = mood(begun.elapsed());
        sleep(LINE).await;
        let take = |count: &AtomicU64| match count.swap(0, Ordering::Relaxed) {
            0 => ".".to_owned(),
            count => count.to_string(),
        };
        println!(
            "  {:.2} s  {:<8} {:<10} {:>9} {:>4} {:>10} {:>9}",
            begun.elapsed().as_secs_f64(),
            format!("{:?}", mood.0).to_lowercase(),
            breaker.state(),
            take(&tally.ok),
            take(&tally.errors),
            take(&tally.timeouts),
            take(&tally.rejected),
        );
    }
}

/// Prints the totals, and checks that all went as it must.
fn report(breaker: &Breaker, server: &Server, changes: &[Transition]) -> ExitCode {
    let stats = breaker.stats();
    let asked = server
        .asked
        .each_ref()
        .map(|asked| asked.load(Ordering::Relaxed));
    let during = asked[1] + asked[2];
    let trials = changes
        .iter()
        .filter(|change| change.cause == Cause::TrialFailed)
        .count();
    println!(
        "\nThe clients asked {} times: {} went well, {} failed, {} of them by time, {} were rejected.",
        stats.calls + stats.rejected,
        stats.successes,
        stats.failures,
        stats.timeouts,
        stats.rejected,
    );
    println!(
        "While it was down for {} ms, the server was asked {during} times, {trials} of them as a trial that failed.",
        SCRIPT[1].1 + SCRIPT[2].1,
    );

    let path: Vec<_> = changes
        .iter()
        .map(|change| (change.from, change.to))
        .collect();
    let is = |from, to| path.contains(&(from, to));
    let ended = stats.successes + stats.failures + stats.ignored + stats.cancelled;
    let checks = [
        (
            "it opened after failures in a row",
            changes
                .first()
                .is_some_and(|change| change.cause == Cause::FailureThreshold),
        ),
        (
            "trials failed while the server was down",
            is(State::HalfOpen, State::Open),
        ),
        ("a trial of a server that hangs was cut", stats.timeouts > 0),
        (
            "trials succeeded when it was back, and the load came back in a ramp",
            is(State::HalfOpen, State::Ramping),
        ),
        ("it ended closed", stats.state == State::Closed),
        ("a server that is down was left alone", during < 60),
        (
            "every call is counted",
            stats.calls == ended && stats.in_flight == 0,
        ),
    ];
    let mut code = ExitCode::SUCCESS;
    for (check, holds) in checks {
        println!("  {} {check}", if holds { "ok   " } else { "WRONG" });
        if !holds {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// What the server does after so long, and in which part of the script that is.
fn mood(after: Duration) -> (Mood, usize) {
    let mut end = Duration::ZERO;
    for (part, (mood, millis)) in SCRIPT.into_iter().enumerate() {
        end += Duration::from_millis(millis);
        if after < end {
            return (mood, part);
        }
    }
    (Mood::Healthy, SCRIPT.len() - 1)
}

fn script_time() -> Duration {
    Duration::from_millis(SCRIPT.iter().map(|(_, millis)| millis).sum())
}

struct Server {
    begun: Instant,
    /// How often it was asked, in each part of the script.
    asked: [AtomicU64; 4],
}

impl Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                // A client that has gone is no trouble of the server's.
                let _ = server.answer(stream).await;
            });
        }
    }

    async fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut request = [0; 1_024];
        let mut read = 0;
        while !request[..read].ends_with(b"\r\n\r\n") {
            match stream.read(&mut request[read..]).await? {
                0 => return Ok(()),
                more => read += more,
            }
        }
        let (mood, part) = mood(self.begun.elapsed());
        self.asked[part].fetch_add(1, Ordering::Relaxed);
        let answer = match mood {
            Mood::Healthy => {
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n3.50"
            }
            Mood::Errors => {
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
            Mood::Hangs => {
                // Until the client gives up.
                let _ = stream.read(&mut request).await?;
                return Ok(());
            }
        };
        stream.write_all(answer.as_bytes()).await
    }
}
