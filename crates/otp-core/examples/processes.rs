//! Processes without a server: one per file counts its words; some fail, and the others go on.
//!
//! Shows `otp_core::spawn`, the reasons for which processes end, and `Pid::monitor`. Run it with
//! `cargo run -p otp-core --example processes` or `cargo xtask demo processes`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process;

use otp_core::{Context, ExitReason, GenServer, ReplyTo, ServerRef};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{spawn_blocking, yield_now};

/// Adds up what the processes have counted.
#[derive(Default)]
struct Tally {
    files: usize,
    words: usize,
}

enum Msg {
    Counted(usize),
    Total(ReplyTo<(usize, usize)>),
}

impl GenServer for Tally {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Counted(words) => {
                self.files += 1;
                self.words += words;
            }
            Msg::Total(reply) => reply.send((self.files, self.words)),
        }
        Ok(())
    }
}

/// The whole life of one process. What goes wrong in here ends it, and nobody else.
async fn count_file(path: PathBuf, tally: ServerRef<Msg>) -> Result<(), ExitReason> {
    // Reading a file blocks its thread, and who blocks cannot be killed.
    let text = spawn_blocking(move || fs::read_to_string(path)).await??;
    count(&text, &tally)
}

/// The same for a text that comes from a socket.
async fn count_stream(mut stream: TcpStream, tally: ServerRef<Msg>) -> Result<(), ExitReason> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    count(&text, &tally)
}

fn count(text: &str, tally: &ServerRef<Msg>) -> Result<(), ExitReason> {
    let longest = text.split_whitespace().map(str::len).max();
    // A bug: nobody has thought of a text without words.
    let longest = longest.expect("every text has a longest word");
    if longest > 100 {
        return Err(ExitReason::boxed(format!("a word of {longest} letters")));
    }
    let counted = Msg::Counted(text.split_whitespace().count());
    // A refused message comes back in the error; here the text of the error is enough.
    let sent = tally.cast(counted);
    sent.map_err(|error| ExitReason::boxed(error.to_string()))
}

/// The files, each with what is written into it; one is named and not there.
fn files() -> [(&'static str, Option<Vec<u8>>); 6] {
    [
        (
            "chapter-1.txt",
            Some(b"It was a dark night. ".repeat(2_000)),
        ),
        ("chapter-2.txt", Some(b"Nobody came. ".repeat(3_000))),
        ("picture.png", Some(vec![0x89, b'P', b'N', b'G', 0xff])),
        ("lost.txt", None),
        ("empty.txt", Some(Vec::new())),
        ("garbage.txt", Some(vec![b'x'; 5_000])),
    ]
}

// One thread for all: no process runs before `main` waits, so none can have ended before it is
// monitored, and its reason be lost.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The panic below is meant: it comes back as the exit reason, with its place, and need not be
    // printed as well.
    std::panic::set_hook(Box::new(|_| {}));
    otp_core::record_panic_locations();

    let folder = std::env::temp_dir().join(format!("otp-core-processes-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let tally = otp_core::start(Tally::default()).await?;

    println!("one process per file");
    let mut ends = Vec::new();
    for (name, bytes) in files() {
        if let Some(bytes) = bytes {
            fs::write(folder.join(name), bytes)?;
        }
        let pid = otp_core::spawn(count_file(folder.join(name), tally.clone()))?;
        println!("  {pid} counts {name}");
        ends.push((name, pid.monitor()));
    }

    println!("\nhow they ended");
    for (name, end) in ends {
        let reason = end.await;
        let kind = if reason.is_clean() { "ok" } else { "failed" };
        println!("  {name:<14} {kind:<7} {reason}");
    }
    // Who has ended has sent all that it ever will, and the tally takes it in order.
    let (files, words) = tally.call(Msg::Total).await?;
    println!("  {words} words in {files} files");

    println!("\na process that waits for a text which never comes");
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let stream = TcpStream::connect(silent.local_addr()?).await?;
    let (mut accepted, _) = silent.accept().await?;
    let stuck = otp_core::spawn(count_stream(stream, tally.clone()))?;
    let end = stuck.monitor();
    yield_now().await; // it runs, and waits
    println!("  {stuck} alive: {}; it is killed", stuck.is_alive());
    stuck.kill();
    println!("  its end: {}; alive: {}", end.await, stuck.is_alive());
    let left = accepted.read(&mut [0; 1]).await?;
    println!("  its socket is closed: the other side reads {left} bytes");

    tally.stop().await?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}
