//! Monitors: a lock that is freed when its holder dies, and a plain task that waits for an end.
//!
//! Processes write to one file in turns, under a lock that a server hands out. One of them fails
//! while it holds the lock, one hangs and is killed, one dies waiting in line. The server monitors
//! them all, so nobody waits for the dead. Run it with
//! `cargo run -p otp-core --example monitors` or `cargo xtask demo monitors`.

use std::collections::VecDeque;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::future::pending;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use otp_core::{
    CallError, Context, Down, ExitReason, GenServer, MonitorRef, Pid, ReplyTo, ServerRef,
};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Hands out one lock, first come, first served.
#[derive(Default)]
struct Lock {
    /// The first one holds the lock.
    line: VecDeque<Client>,
}

struct Client {
    name: &'static str,
    pid: Pid,
    monitor: MonitorRef,
    /// Answered when the client gets the lock.
    reply: Option<ReplyTo<()>>,
}

enum Msg {
    Take(&'static str, Pid, ReplyTo<()>),
    Free(Pid),
    InLine(ReplyTo<usize>),
}

impl GenServer for Lock {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Take(name, pid, reply) => {
                let monitor = ctx.monitor(&pid);
                self.line.push_back(Client {
                    name,
                    pid,
                    monitor,
                    reply: Some(reply),
                });
            }
            Msg::Free(pid) => {
                if let Some(client) = self.remove(|client| client.pid == pid) {
                    println!("  {} gives the lock back", client.name);
                    // It may die as it likes from now on.
                    ctx.demonitor(client.monitor);
                }
            }
            Msg::InLine(reply) => reply.send(self.line.len()),
        }
        self.grant();
        Ok(())
    }

    async fn handle_down(&mut self, down: Down, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        if let Some(client) = self.remove(|client| client.monitor == down.monitor) {
            let what = if client.reply.is_some() {
                "in line"
            } else {
                "with the lock"
            };
            println!("  {} dies {what} ({})", client.name, down.reason);
        }
        self.grant();
        Ok(())
    }
}

impl Lock {
    fn remove(&mut self, which: impl Fn(&Client) -> bool) -> Option<Client> {
        let at = self.line.iter().position(which)?;
        self.line.remove(at)
    }

    /// Lets the first one in line know that it is its turn.
    fn grant(&mut self) {
        if let Some(client) = self.line.front_mut()
            && let Some(reply) = client.reply.take()
        {
            println!("  {} has the lock", client.name);
            reply.send(());
        }
    }
}

/// Waits for the lock as long as it takes. If this process dies meanwhile, its place goes with it.
async fn take(lock: &ServerRef<Msg>, name: &'static str) -> Result<Pid, ExitReason> {
    let me = Pid::current().ok_or_else(|| ExitReason::boxed("only a process can hold the lock"))?;
    let mine = me.clone();
    lock.call_timeout(|reply| Msg::Take(name, mine, reply), Duration::MAX)
        .await?;
    Ok(me)
}

fn free(lock: &ServerRef<Msg>, me: Pid) -> Result<(), ExitReason> {
    let sent = lock.cast(Msg::Free(me));
    sent.map_err(|error| ExitReason::boxed(error.to_string()))
}

/// Writes one line to the file. Files block, so it is done where that does no harm.
async fn append(path: &Path, line: String) -> io::Result<()> {
    let path = path.to_owned();
    let write = move || {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "{line}")
    };
    spawn_blocking(write).await?
}

/// Writes three lines that nobody else may come between.
async fn write(name: &'static str, path: PathBuf, lock: ServerRef<Msg>) -> Result<(), ExitReason> {
    let me = take(&lock, name).await?;
    for line in 1..=3 {
        if name == "bob" && line == 2 {
            return Err(ExitReason::boxed("out of ink"));
        }
        append(&path, format!("{name} {line}")).await?;
    }
    free(&lock, me)
}

/// Takes the lock, says so, and never gives it back.
async fn hang(
    name: &'static str,
    lock: ServerRef<Msg>,
    has_it: oneshot::Sender<()>,
) -> Result<(), ExitReason> {
    take(&lock, name).await?;
    // Whoever waits for it may have gone.
    let _ = has_it.send(());
    pending().await
}

// One thread for all: no process runs before `main` waits, so none can have ended before it is
// monitored, and its reason be lost.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("otp-core-monitors-{}.txt", process::id()));
    let lock = otp_core::start(Lock::default()).await?;
    let lock_pid = lock.pid().ok_or(CallError::NoProc)?;

    // A plain task cannot be linked or killed, but it can wait for the end of a process.
    let end_of_lock = lock_pid.monitor();
    let plain_task = tokio::spawn(async move {
        println!(
            "  a plain task sees the lock server end: {}",
            end_of_lock.await
        );
    });

    println!("five processes want the lock; cid will hang with it");
    let (has_it, cid_has_it) = oneshot::channel();
    let ann = otp_core::spawn(write("ann", path.clone(), lock.clone()))?;
    let bob = otp_core::spawn(write("bob", path.clone(), lock.clone()))?;
    let cid = otp_core::spawn(hang("cid", lock.clone(), has_it))?;
    let dora = otp_core::spawn(write("dora", path.clone(), lock.clone()))?;
    let eve = otp_core::spawn(write("eve", path.clone(), lock.clone()))?;
    let named = [
        ("ann", &ann),
        ("bob", &bob),
        ("cid", &cid),
        ("dora", &dora),
        ("eve", &eve),
    ];
    let ends = named.map(|(name, pid)| (name, pid.monitor()));

    cid_has_it.await?;
    println!(
        "  in line: {}; dora and cid are killed",
        lock.call(Msg::InLine).await?
    );
    dora.kill();
    cid.kill();

    let mut reasons = Vec::new();
    for (name, end) in ends {
        reasons.push(format!("{name}: {}", end.await));
    }
    println!(
        "\nhow they ended, as `main` was told\n  {}",
        reasons.join(", ")
    );

    println!("\nwhat is in the file");
    let lines = fs::read_to_string(&path)?;
    println!("  {}", lines.lines().collect::<Vec<_>>().join(", "));
    fs::remove_file(&path)?;

    println!("\nthe last address of the lock server is dropped");
    drop(lock);
    plain_task.await?;
    Ok(())
}
