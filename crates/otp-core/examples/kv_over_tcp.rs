//! A key-value server behind a real TCP socket: one server owns the data, each connection calls it.
//!
//! One client sends a command that makes the server panic. Its caller gets an error, the program goes on, and a fresh
//! server takes over.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use otp_core::{CallError, Context, ExitReason, GenServer, ReplyTo, ServerOptions, ServerRef};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

struct Store {
    rows: BTreeMap<String, String>,
}

enum Msg {
    Set(String, String, ReplyTo<Option<String>>),
    Get(String, ReplyTo<Option<String>>),
    Count(ReplyTo<usize>),
    Idle,
}

impl GenServer for Store {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        println!("  store {} started", ctx.pid());
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Set(key, value, reply) => {
                assert!(key != "poison", "cannot swallow this key");
                reply.send(self.rows.insert(key, value));
            }
            Msg::Get(key, reply) => reply.send(self.rows.get(&key).cloned()),
            Msg::Count(reply) => reply.send(self.rows.len()),
            Msg::Idle => println!("  store {} has been idle for 50 ms", ctx.pid()),
        }
        ctx.idle_after(Duration::from_millis(50), Msg::Idle);
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, ctx: &mut Context<Msg>) {
        println!(
            "  store {} ends with {} rows: {reason}",
            ctx.pid(),
            self.rows.len()
        );
    }
}

/// The address of whichever store serves at the moment.
type Current = Arc<Mutex<ServerRef<Msg>>>;

fn current(store: &Current) -> ServerRef<Msg> {
    store.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn start_store() -> Result<ServerRef<Msg>, Box<dyn Error + Send + Sync>> {
    let options = ServerOptions::default().name("store").bounded(256);
    Ok(otp_core::start_with(
        Store {
            rows: BTreeMap::new(),
        },
        options,
    )
    .await?)
}

/// Answers one line of a client.
async fn answer(line: &str, store: &Current) -> String {
    let server = current(store);
    let mut words = line.split_whitespace();
    let outcome = match (words.next(), words.next(), words.next()) {
        (Some("SET"), Some(key), Some(value)) => {
            let (key, value) = (key.to_owned(), value.to_owned());
            server
                .call(|reply| Msg::Set(key, value, reply))
                .await
                .map(|_| "OK".to_owned())
        }
        (Some("GET"), Some(key), None) => {
            let key = key.to_owned();
            let value = server.call(|reply| Msg::Get(key, reply)).await;
            value.map(|value| value.unwrap_or_else(|| "NONE".to_owned()))
        }
        _ => return format!("ERROR do not understand {line:?}"),
    };
    match outcome {
        Ok(text) => text,
        Err(CallError::Exited(reason)) => {
            if let Ok(fresh) = start_store().await {
                *store.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
            }
            format!("ERROR the store ended: {reason}")
        }
        Err(error) => format!("ERROR {error}"),
    }
}

async fn serve(stream: TcpStream, store: Current) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = answer(&line, &store).await;
        writer.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    Ok(())
}

/// Sends each line over one connection and returns the answers.
async fn client(port: u16, lines: Vec<String>) -> std::io::Result<Vec<String>> {
    let (reader, mut writer) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
    let mut answers = BufReader::new(reader).lines();
    let mut heard = Vec::with_capacity(lines.len());
    for line in lines {
        writer.write_all(format!("{line}\n").as_bytes()).await?;
        heard.extend(answers.next_line().await?);
    }
    Ok(heard)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // The panic below is meant: it comes back as the exit reason, with its place, and need not be
    // printed as well.
    std::panic::set_hook(Box::new(|_| {}));
    otp_core::record_panic_locations();

    let store: Current = Arc::new(Mutex::new(start_store().await?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    println!("  listening on 127.0.0.1:{port}");
    let served = Arc::clone(&store);
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&served)));
        }
    });

    println!("\n20 clients write 200 rows each and read them back");
    let began = Instant::now();
    let clients: Vec<_> = (0..20)
        .map(|client_no| {
            let set = (0..200).map(|row| format!("SET {client_no}/{row} {}", row * row));
            let get = (0..200).map(|row| format!("GET {client_no}/{row}"));
            tokio::spawn(client(port, set.chain(get).collect()))
        })
        .collect();
    let mut right = 0;
    for answers in clients {
        let answers = answers.await??;
        right += answers[200..]
            .iter()
            .enumerate()
            .filter(|(row, value)| **value == (row * row).to_string())
            .count();
    }
    let took = began.elapsed();
    println!("  {right} of 4000 rows read back right, 8000 requests in {took:.1?}");
    println!(
        "  the store holds {} rows; {:?}",
        current(&store).call(Msg::Count).await?,
        current(&store).info().state
    );

    println!("\none client sends a key that makes the store panic");
    let lines = ["SET poison apple", "SET pear green", "GET pear", "GET 0/1"]
        .map(str::to_owned)
        .to_vec();
    for (line, answer) in lines.clone().into_iter().zip(client(port, lines).await?) {
        println!("  {line:<18} -> {answer}");
    }

    println!("\nnobody asks for a while");
    tokio::time::sleep(Duration::from_millis(120)).await;
    accepting.abort();
    current(&store).stop().await?;
    Ok(())
}
