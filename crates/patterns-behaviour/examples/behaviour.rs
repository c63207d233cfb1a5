//! Notifies through a console, a file and a TCP sink that refuses at first, and holds the sink's channel to the contract.
//!
//! ```text
//! cargo xtask demo behaviour [CHANNEL...]
//! ```
//!
//! The channels are named on the command line, as in a configuration; all three if none is. The dispatcher tries again what the sink
//! refuses. In the end what stands in the file and what the sink has got is compared with what was sent.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, io, process};

use patterns_behaviour::contract::{Contract, Subject};
use patterns_behaviour::notification::{
    Alert, Channel, ChannelError, Console, Deploy, Level, Options, Status, render,
};
use patterns_behaviour::{Backoff, BoxFuture, Catalog, Dispatcher, DispatcherConfig, Hooks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::AbortHandle;

/// A text in one line: what a file or a socket of lines can take, and give back.
fn line_of(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 1);
    for char in text.chars() {
        match char {
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            char => line.push(char),
        }
    }
    line.push('\n');
    line
}

fn text_of(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        text.push(match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            (char, false) => char,
        });
    }
    text
}

/// Appends lines to a file.
struct FileChannel(Mutex<File>);

impl FileChannel {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self(Mutex::new(file)))
    }
}

impl Channel for FileChannel {
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        _: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(line_of(text).as_bytes())?;
            Ok(text.to_owned())
        })
    }

    fn name(&self) -> &str {
        "file"
    }
}

/// Sends lines over a connection, and waits for each to be acknowledged. A connection that was given up in the middle of a line is not used
/// again.
struct TcpChannel {
    to: SocketAddr,
    connection: AsyncMutex<Option<BufReader<TcpStream>>>,
}

impl TcpChannel {
    fn new(to: SocketAddr) -> Self {
        Self {
            to,
            connection: AsyncMutex::new(None),
        }
    }

    async fn send(&self, text: &str) -> io::Result<()> {
        let mut held = self.connection.lock().await;
        // Taken out: if this future is dropped, or fails, the connection goes with it.
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.to).await?),
        };
        connection.write_all(line_of(text).as_bytes()).await?;
        if connection.read_u8().await? != b'+' {
            return Err(io::Error::other("the sink refused"));
        }
        *held = Some(connection);
        Ok(())
    }
}

impl Channel for TcpChannel {
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        _: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            self.send(text).await?;
            Ok(text.to_owned())
        })
    }

    fn name(&self) -> &str {
        "tcp"
    }
}

/// What listens at the other end: it keeps whole lines, and acknowledges them.
struct Sink {
    at: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    refusals: Arc<Mutex<usize>>,
    accepting: AbortHandle,
}

impl Sink {
    /// Refuses that many requests at first.
    async fn start(refusals: usize) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = listener.local_addr()?;
        let (got, refusals) = (Arc::default(), Arc::new(Mutex::new(refusals)));
        let (kept, left) = (Arc::clone(&got), Arc::clone(&refusals));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (got, refusals) = (Arc::clone(&kept), Arc::clone(&left));
                tokio::spawn(serve(stream, got, refusals));
            }
        });
        let accepting = accepting.abort_handle();
        Ok(Self {
            at,
            got,
            refusals,
            accepting,
        })
    }

    fn got(&self) -> Vec<String> {
        locked(&self.got).clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    got: Arc<Mutex<Vec<String>>>,
    refusals: Arc<Mutex<usize>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    // A line without its end is one that was given up.
    while stream.read_line(&mut line).await? > 0 && line.ends_with('\n') {
        let is_refused = {
            let mut left = locked(&refusals);
            let is_refused = *left > 0;
            *left -= usize::from(is_refused);
            is_refused
        };
        if is_refused {
            stream.write_all(b"-").await?;
            return Ok(());
        }
        locked(&got).push(text_of(line.trim_end_matches('\n')));
        stream.write_all(b"+").await?;
        line.clear();
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the channels lead to: the configuration.
struct Settings {
    file: PathBuf,
    sink: SocketAddr,
}

fn catalog() -> Result<Catalog<dyn Channel, Settings>, Box<dyn Error>> {
    let mut catalog: Catalog<dyn Channel, Settings> = Catalog::new();
    catalog.register("console", |_| Ok(Arc::new(Console::new())))?;
    catalog.register("file", |settings: &Settings| {
        Ok(Arc::new(FileChannel::open(&settings.file)?))
    })?;
    catalog.register("tcp", |settings: &Settings| {
        Ok(Arc::new(TcpChannel::new(settings.sink)))
    })?;
    Ok(catalog)
}

/// The TCP channel and its sink, as the contract kit sees them.
struct TcpSubject {
    channel: TcpChannel,
    sink: Sink,
    is_closed: Mutex<bool>,
}

impl TcpSubject {
    async fn start() -> io::Result<Self> {
        let sink = Sink::start(0).await?;
        Ok(Self {
            channel: TcpChannel::new(sink.at),
            sink,
            is_closed: Mutex::new(false),
        })
    }
}

impl Subject for TcpSubject {
    type Error = io::Error;

    fn name(&self) -> String {
        self.channel.name().to_owned()
    }

    async fn send(&self, text: &str) -> io::Result<()> {
        self.channel.send(text).await
    }

    async fn received(&self) -> Vec<String> {
        self.sink.got()
    }

    async fn fail_next(&self) -> Option<String> {
        *locked(&self.sink.refusals) = 1;
        Some("the sink refused".to_owned())
    }

    async fn close(&self) -> bool {
        // The channel has no close of its own; the sink is not to be reached any more.
        let is_first = !std::mem::replace(&mut *locked(&self.is_closed), true);
        if is_first {
            self.sink.accepting.abort();
            self.channel.connection.lock().await.take();
            tokio::task::yield_now().await;
        }
        true
    }
}

/// Sends the events through the named channels. Returns the number of attempts that each of them took altogether.
async fn send(
    names: &[String],
    settings: &Settings,
    texts: &[String],
) -> Result<Vec<(Arc<str>, u64)>, Box<dyn Error>> {
    let config = DispatcherConfig {
        backoff: Backoff::exponential(Duration::from_millis(20), Duration::from_millis(200)),
        ..DispatcherConfig::default()
    };
    let hooks = Hooks::new()
        .on_dead_letter(|letter| eprintln!("given up: {letter}"))
        .on_delivered(|delivered| {
            if delivered.attempts > 1 {
                println!(
                    "  {} got through at attempt {}",
                    delivered.implementation, delivered.attempts
                );
            }
        });
    let dispatcher = Dispatcher::start_with(
        config,
        hooks,
        |channel: &Arc<dyn Channel>, (text, options): &(String, Options)| {
            channel.deliver(text, options)
        },
    )
    .await?;
    let catalog = catalog()?;
    for name in names {
        dispatcher.add(name.as_str(), catalog.make(name, settings)?)?;
    }
    for text in texts {
        for (name, ticket) in dispatcher.send_all(&(text.clone(), Options::new())) {
            ticket.map_err(|error| format!("{name}: {error}"))?;
        }
    }
    dispatcher.stop().await?;
    let routes = dispatcher.info().routes;
    println!("\nchannel   delivered  attempts  refused or failed");
    for route in &routes {
        let stats = route.stats;
        println!(
            "{:<9} {:>9} {:>9} {:>18}",
            route.name, stats.delivered, stats.attempts, stats.failed
        );
    }
    Ok(routes
        .into_iter()
        .map(|route| (route.name, route.stats.delivered))
        .collect())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut names: Vec<String> = env::args().skip(1).collect();
    if names.is_empty() {
        names = ["console", "file", "tcp"].map(str::to_owned).to_vec();
    }
    let file = env::temp_dir().join(format!("patterns-behaviour-{}.log", process::id()));
    let sink = Sink::start(3).await?;
    let settings = Settings {
        file: file.clone(),
        sink: sink.at,
    };
    let texts = [
        render(
            &Alert::new("api")
                .level(Level::Critical)
                .message("high latency"),
        ),
        render(&Deploy::new("web", "1.4.0").status(Status::Succeeded)),
        render(&Deploy::new("web", "1.4.1").status("rolled back")),
        render("plain text,\nof two lines"),
    ];

    println!(
        "through {}; the sink refuses three times:",
        names.join(", ")
    );
    let sent = send(&names, &settings, &texts).await;
    let in_file = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    let sent = sent?;

    let mut is_right = sent
        .iter()
        .all(|(_, delivered)| *delivered == texts.len() as u64);
    for name in &names {
        is_right &= match name.as_str() {
            "file" => in_file.lines().map(text_of).eq(texts.iter().cloned()),
            "tcp" => sink.got() == texts,
            _ => true,
        };
    }
    println!(
        "\nwhat arrived is {} what was sent",
        if is_right { "exactly" } else { "NOT" }
    );

    let report = Contract::new_async(TcpSubject::start).run().await;
    println!("\n{report}");
    if !is_right || !report.has_passed() {
        process::exit(1);
    }
    Ok(())
}
