//! A service on loopback whose settings file is read anew when it changes on disk, and refused when it is bad.
//!
//! ```text
//! cargo xtask demo agent
//! ```
//!
//! Requests come over real sockets all the while. At the end stand the statistics of what was asked.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{env, fs, io, process};

use otp_core::{Child, ExitReason, StopToken, Strategy, Supervisor};
use patterns_agent::{
    AgentConfig, AgentError, ConfigStore, ConfigStoreConfig, Counter, Statistics, StatisticsConfig,
    Validator,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// How often the file is looked at, and how long each of its contents stays.
const POLL: Duration = Duration::from_millis(20);
const STAY: Duration = Duration::from_millis(400);
const CLIENTS: usize = 4;

/// What is in the file at first, and what somebody then writes into it.
const FIRST: &str = "greeting = Hello\nlimit = 10\npause_ms = 1\n";
const EDITS: [(&str, &str); 6] = [
    (
        "another greeting",
        "greeting = Good evening\nlimit = 10\npause_ms = 1\n",
    ),
    (
        "a limit that is no number",
        "greeting = Oops\nlimit = many\npause_ms = 1\n",
    ),
    ("a setting is left out", "greeting = Oops\nlimit = 10\n"),
    ("half a file, as if saved too early", "greeting = Oops\nlim"),
    (
        "slower, and two at a time",
        "greeting = Good evening\nlimit = 2\npause_ms = 8\n",
    ),
    (
        "all is well again",
        "# after the rush\ngreeting = Good morning\nlimit = 10\npause_ms = 1\n",
    ),
];

type Settings = ConfigStore<String, String>;
type Answers = BTreeMap<String, u64>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = env::temp_dir().join(format!("patterns-agent-{}.conf", process::id()));
    fs::write(&file, FIRST)?;
    let outcome = run(&file).await;
    fs::remove_file(&file)?;
    outcome
}

async fn run(file: &Path) -> Result<(), Box<dyn Error>> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let address = listener.local_addr()?;
    println!(
        "Serving on {address}, with the settings in {}\n",
        file.display()
    );

    // The wiring is plain code: every handle is valid before anything runs, and after every restart.
    let config = ConfigStoreConfig {
        agent: AgentConfig {
            validator: Some(Validator::new(validate)),
            ..AgentConfig::default()
        },
        ..ConfigStoreConfig::default()
    };
    let first = parse(&fs::read_to_string(file)?)?;
    let (settings_child, settings) = ConfigStore::child("settings", config, first)?;
    let (stats_child, stats) = Statistics::child("statistics", StatisticsConfig::default());
    let (open_child, open) = Counter::child("open", AgentConfig::default(), 0);
    let service = Service {
        settings: settings.clone(),
        stats: stats.clone(),
        open: open.clone(),
    };
    let (path, store) = (file.to_owned(), settings.clone());
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(settings_child)
        .child(stats_child)
        .child(open_child)
        .child(Child::task("watcher", move |stop| {
            watch(path.clone(), store.clone(), stop)
        }))
        .child(Child::task("listener", move |stop| {
            listen(Arc::clone(&listener), service.clone(), stop)
        }))
        .start()
        .await?;

    let open_now = open.agent().view(|open| *open).await?;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(client_for(address, client, STAY * 7)))
        .collect();
    for (what, content) in EDITS {
        sleep(STAY).await;
        println!("  written: {what}");
        fs::write(file, content)?;
    }
    let mut answers = Answers::new();
    for client in clients {
        for (answer, count) in client.await?? {
            *answers.entry(answer).or_default() += count;
        }
    }
    show(&answers, &stats).await?;
    println!(
        "\n  {} versions of the settings, {} refused; {} requests are open",
        settings.reader().version(),
        settings.agent().info().refused,
        open_now.get()
    );
    tree.stop().await?;
    Ok(())
}

/// The lines of a file as settings. What they must be is not decided here.
fn parse(text: &str) -> Result<HashMap<String, String>, String> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(number, line)| match line.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("line {} has no `=`", number + 1)),
        })
        .collect()
}

/// What every version of the settings must be, whoever makes it.
fn validate(settings: &HashMap<String, String>) -> Result<(), String> {
    let value = |key: &str| settings.get(key).ok_or(format!("`{key}` is missing"));
    let number = |key: &str| {
        let text = value(key)?;
        text.parse::<u64>()
            .map_err(|error| format!("`{key} = {text}`: {error}"))
    };
    value("greeting")?;
    match (number("limit")?, number("pause_ms")?) {
        (0, _) => Err("`limit` must be 1 or more".to_owned()),
        (_, 1_001..) => Err("`pause_ms` must be 1000 or less".to_owned()),
        _ => Ok(()),
    }
}

/// Looks at the file now and then, and puts what it finds into the store.
async fn watch(file: PathBuf, settings: Settings, stop: StopToken) -> Result<(), ExitReason> {
    let mut last = None;
    while timeout(POLL, stop.requested()).await.is_err() {
        let now = look(&file)?;
        // The time alone is not enough: two writes can come within one tick of a file system's clock.
        if last.as_ref() == Some(&now) {
            continue;
        }
        let first = last.is_none();
        let outcome = match parse(&now.1) {
            Ok(read) => settings
                .put_all(read)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(format!("the file cannot be read: {error}")),
        };
        last = Some(now);
        match outcome {
            Ok(_) if first => {}
            Ok(before) => println!(
                "           taken over: {}",
                difference(&before, &*settings.get_all()?)
            ),
            Err(error) => println!("           {error}; the old ones stay"),
        }
    }
    Ok(())
}

fn look(file: &Path) -> io::Result<(SystemTime, String)> {
    Ok((fs::metadata(file)?.modified()?, fs::read_to_string(file)?))
}

fn difference(before: &HashMap<String, String>, after: &HashMap<String, String>) -> String {
    let mut changed: Vec<_> = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    changed.sort();
    changed.join(", ")
}

#[derive(Clone)]
struct Service {
    settings: Settings,
    stats: Statistics,
    open: Counter,
}

async fn listen(
    listener: Arc<TcpListener>,
    service: Service,
    stop: StopToken,
) -> Result<(), ExitReason> {
    loop {
        tokio::select! {
            () = stop.requested() => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let service = service.clone();
                tokio::spawn(async move {
                    if let Err(error) = service.talk(stream).await {
                        eprintln!("  a connection ended: {error}");
                    }
                });
            }
        }
    }
}

impl Service {
    /// Answers the lines of one connection.
    async fn talk(&self, stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let asked = line.trim().to_owned();
            // The time of what fails is noted as well.
            let answer = match self.stats.time(asked.clone(), self.answer(&asked)).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.stats.cast_add(format!("{asked} failed"), 1)?;
                    format!("error: {error}")
                }
            };
            stream.write_all(format!("{answer}\n").as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }

    async fn answer(&self, asked: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        // One snapshot for one request: what it reads belongs together, whatever the file does meanwhile.
        let settings = self.settings.get_all()?;
        let number = |key: &str| settings[key].parse::<u64>();
        let open = self.open.increment().await?;
        let answer = match asked {
            _ if u64::try_from(open)? > number("limit")? => Err("too many requests".into()),
            "greet" => {
                sleep(Duration::from_millis(number("pause_ms")?)).await;
                Ok(settings["greeting"].clone())
            }
            "limit" => Ok(format!("limit {}", settings["limit"])),
            _ => Err("no such thing".into()),
        };
        self.open.decrement().await?;
        answer
    }
}

/// Asks again and again, and counts the answers.
async fn client_for(address: SocketAddr, client: usize, time: Duration) -> io::Result<Answers> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let (mut answers, began) = (Answers::new(), tokio::time::Instant::now());
    let mut line = String::new();
    for request in client.. {
        if began.elapsed() >= time {
            break;
        }
        let asked = match request % 10 {
            0 => "limit",
            7 => "coffee",
            _ => "greet",
        };
        stream.write_all(format!("{asked}\n").as_bytes()).await?;
        line.clear();
        stream.read_line(&mut line).await?;
        *answers.entry(line.trim().to_owned()).or_default() += 1;
    }
    Ok(answers)
}

async fn show(answers: &Answers, stats: &Statistics) -> Result<(), AgentError> {
    println!("\n  {:<28}{:>9}", "answers", "times");
    for (answer, count) in answers {
        println!("  {answer:<28}{count:>9}");
    }
    println!(
        "\n  {:<28}{:>9}{:>11}{:>11}",
        "asked for", "times", "together", "average"
    );
    for (name, metric) in stats.get_all().await? {
        match (metric.timing, metric.number) {
            (Some(timing), _) => println!(
                "  {name:<28}{:>9}{:>9.0?}ms{:>9.0?}µs",
                timing.count,
                timing.total.as_millis(),
                timing.average().as_micros()
            ),
            (None, number) => println!("  {name:<28}{:>9}", number.unwrap_or(0)),
        }
    }
    Ok(())
}
