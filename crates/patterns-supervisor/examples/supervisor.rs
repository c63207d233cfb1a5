//! Counts the lines of growing log files while its parts are made to fail, and loses none.
//!
//! ```text
//! cargo xtask demo supervisor
//! ```

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, process};

use otp_core::{CallError, CastError};
use patterns_supervisor::{
    Child, Context, ExitReason, Fault, FaultScript, GenServer, Mermaid, ReplyTo, ServerRef,
    Shutdown, StopToken, Strategy, SupervisionTree, SupervisorEvent, TreeConfig, TreeEvents,
};
use tokio::time::{Instant, sleep};

const FILES: [&str; 3] = ["access.log", "errors.log", "jobs.log"];

/// Tells how many lines the writer has written to each file.
type Written = Arc<[AtomicU64; FILES.len()]>;

/// What the totals were when they were stopped.
type LastWord = Arc<Mutex<[Progress; FILES.len()]>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("supervisor-demo-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let (written, last_word) = (Written::default(), LastWord::default());
    let plan = plan(&folder, &written, &last_word);
    println!(
        "The plan: a supervisor starts what is below it, in this order, and restarts it when it fails."
    );
    println!(
        "Where the totals fail, the followers start anew as well (RestForOne): they depend on them.\n"
    );
    print!("{plan}");

    let tree = SupervisionTree::start(plan).await?;
    let mut timeline = Timeline {
        begun: Instant::now(),
        events: tree.events().await?,
    };
    sleep(ms(250)).await;
    timeline
        .show("It runs, as processes with these numbers", &tree)
        .await?;

    tree.crash_child("counting/files/access.log").await?;
    timeline
        .show("One follower crashed: it alone is restarted", &tree)
        .await?;

    let script = FaultScript::new()
        .at(
            ms(50),
            "counting/files/errors.log",
            Fault::panic("disk full"),
        )
        .at(ms(100), "counting/files/jobs.log", Fault::Kill)
        .lasting(ms(150));
    let trace = script.run(&tree).await?;
    println!("\nTwo more faults, by a script, which tells what came of them\n");
    print!("{}", indented(&trace.to_string()));
    while timeline.events.try_recv().is_some() {}

    tree.inject("counting/totals", Fault::Kill).await?;
    timeline
        .show(
            "The totals were killed, and with them all that was counted: all is read once more",
            &tree,
        )
        .await?;

    tree.inject("counting/files", Fault::panic("out of memory"))
        .await?;
    timeline
        .show(
            "The files' supervisor crashed: its followers go with it, and come back with it",
            &tree,
        )
        .await?;

    println!("\nThe same tree for a page that draws Mermaid, GitHub's for instance\n");
    print!(
        "{}",
        indented(&Mermaid(&tree.snapshot().await?).to_string())
    );

    // A program for good would wait for `shutdown_signal()?`: Ctrl-C, or what a service manager sends.
    let report = tree.run_until(sleep(ms(300))).await;
    println!(
        "\nThe stop, last started first: the uploader has 300 ms to end, and takes its time\n"
    );
    print!("{}", indented(&report.to_string()));
    fs::remove_dir_all(&folder)?;
    Ok(compare(&written, &last_word))
}

/// The tree as data: what there is, who restarts whom.
fn plan(folder: &Path, written: &Written, last_word: &LastWord) -> TreeConfig {
    let last_word = Arc::clone(last_word);
    let totals = Child::server("totals", move || Totals {
        progress: Default::default(),
        last_word: Arc::clone(&last_word),
    });
    let to_totals = totals.server_ref();
    let follower = |file: usize| {
        let (path, totals) = (folder.join(FILES[file]), to_totals.clone());
        Child::server(FILES[file], move || Follower {
            file,
            path: path.clone(),
            offset: 0,
            totals: totals.clone(),
        })
    };
    let files = TreeConfig {
        id: "files".into(),
        children: (0..FILES.len()).map(|file| follower(file).into()).collect(),
        ..TreeConfig::default()
    };
    let counting = TreeConfig {
        id: "counting".into(),
        strategy: Strategy::RestForOne,
        children: vec![totals.into(), files.into()],
        ..TreeConfig::default()
    };
    let (folder, written) = (folder.to_owned(), Arc::clone(written));
    let writer = Child::task("writer", move |stop| {
        write(folder.clone(), Arc::clone(&written), stop)
    });
    let uploader = Child::task("uploader", |stop| async move {
        stop.requested().await;
        sleep(Duration::from_secs(60)).await; // A connection that hangs.
        Ok(())
    });
    // The writer is stopped before those who count, who read the rest then.
    TreeConfig {
        id: "logs".into(),
        children: vec![
            counting.into(),
            writer.into(),
            uploader.shutdown(Shutdown::Timeout(ms(300))).into(),
        ],
        ..TreeConfig::default()
    }
}

/// Appends line after line, now to this file and now to that, until it is asked to stop.
async fn write(folder: PathBuf, written: Written, stop: StopToken) -> Result<(), ExitReason> {
    let append = |name| {
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(folder.join(name))
    };
    let mut files = FILES
        .into_iter()
        .map(append)
        .collect::<Result<Vec<_>, _>>()?;
    let mut number = 0;
    while !stop.is_requested() {
        for _ in 0..5 {
            let file = number % FILES.len();
            let words = "request served ".repeat(1 + number % 4);
            // In one piece, with no `.await` in it: whenever the task is ended, the line is whole.
            files[file].write_all(format!("{number} {words}\n").as_bytes())?;
            written[file].fetch_add(1, Ordering::Relaxed);
            number += 1;
        }
        sleep(ms(1)).await;
    }
    Ok(())
}

/// How far a file has been counted.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    offset: u64,
    lines: u64,
    words: u64,
}

/// Holds what was counted, so that a follower need not remember it over its end.
struct Totals {
    progress: [Progress; FILES.len()],
    last_word: LastWord,
}

enum TotalsMsg {
    Progress(usize, ReplyTo<Progress>),
    /// What was read of a file after `from`.
    Add(usize, u64, Progress),
}

impl GenServer for Totals {
    type Msg = TotalsMsg;

    async fn handle(
        &mut self,
        message: TotalsMsg,
        _: &mut Context<TotalsMsg>,
    ) -> Result<(), ExitReason> {
        match message {
            TotalsMsg::Progress(file, reply) => reply.send(self.progress[file]),
            TotalsMsg::Add(file, from, read) => {
                let known = &mut self.progress[file];
                // Neither twice nor with a gap: what was read for totals of before is not counted.
                if known.offset == from {
                    known.offset += read.offset;
                    known.lines += read.lines;
                    known.words += read.words;
                }
            }
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<TotalsMsg>) {
        if let Ok(mut last_word) = self.last_word.lock() {
            *last_word = self.progress;
        }
    }
}

/// Reads one file as it grows.
struct Follower {
    file: usize,
    path: PathBuf,
    offset: u64,
    totals: ServerRef<TotalsMsg>,
}

struct Look;

impl Follower {
    /// Passes on what is new, up to the last whole line.
    fn catch_up(&mut self) -> Result<(), ExitReason> {
        let read = read_from(&self.path, self.offset)?;
        let add = TotalsMsg::Add(self.file, self.offset, read);
        self.totals.cast(add).map_err(CastError::without_message)?;
        self.offset += read.offset;
        Ok(())
    }

    /// Asks how far the file is counted. What was sent before is counted then.
    async fn progress(&self) -> Result<Progress, CallError> {
        let ask = |reply| TotalsMsg::Progress(self.file, reply);
        self.totals.call(ask).await
    }
}

impl GenServer for Follower {
    type Msg = Look;

    async fn init(&mut self, ctx: &mut Context<Look>) -> Result<(), ExitReason> {
        // It goes on where the one before was.
        self.offset = self.progress().await?.offset;
        ctx.send_interval(ms(10), || Look);
        Ok(())
    }

    async fn handle(&mut self, Look: Look, _: &mut Context<Look>) -> Result<(), ExitReason> {
        self.catch_up()
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Look>) {
        // A follower that crashes leaves the rest to the next. One that is stopped because the totals failed must
        // not wait for them: they are started again when it has ended.
        if reason.is_clean() && self.totals.pid().is_some() && self.catch_up().is_ok() {
            let _ = self.progress().await;
        }
    }
}

/// What a file holds after `offset`, in whole lines; nothing where there is no file yet.
fn read_from(path: &Path, offset: u64) -> Result<Progress, ExitReason> {
    let mut new = String::new();
    if let Ok(mut file) = File::open(path) {
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_string(&mut new)?;
    }
    let whole = &new[..new.rfind('\n').map_or(0, |end| end + 1)];
    Ok(Progress {
        offset: whole.len() as u64,
        lines: whole.lines().count() as u64,
        words: whole.split_whitespace().count() as u64,
    })
}

/// Prints what has happened, and the tree as it is then.
struct Timeline {
    begun: Instant,
    events: TreeEvents,
}

impl Timeline {
    async fn show(&mut self, title: &str, tree: &SupervisionTree) -> Result<(), Box<dyn Error>> {
        sleep(ms(150)).await;
        println!("\n{title}");
        while let Some(event) = self.events.try_recv() {
            let after = event.at.saturating_duration_since(self.begun).as_millis();
            let what = match &event.event {
                SupervisorEvent::Exited { reason, .. } => format!("ended: {reason}"),
                SupervisorEvent::Stopping { .. } => "is asked to end".to_owned(),
                SupervisorEvent::Started {
                    pid, restarts: 0, ..
                } => format!("runs as {pid}"),
                SupervisorEvent::Started { pid, restarts, .. } => {
                    format!("runs as {pid}, restart {restarts}")
                }
                _ => continue,
            };
            println!("  after {after:>4} ms  {:<27}{what}", event.path);
        }
        print!("\n{}", indented(&tree.snapshot().await?.to_string()));
        Ok(())
    }
}

/// Compares what was counted with what was written.
fn compare(written: &Written, last_word: &LastWord) -> ExitCode {
    let counted = last_word.lock().map(|counted| *counted).unwrap_or_default();
    println!(
        "\n  {:<12}{:>15}{:>15}{:>15}",
        "file", "lines written", "lines counted", "words counted"
    );
    let mut all_right = true;
    for ((name, written), counted) in FILES.iter().zip(written.iter()).zip(counted) {
        let written = written.load(Ordering::Relaxed);
        println!(
            "  {name:<12}{written:>15}{:>15}{:>15}",
            counted.lines, counted.words
        );
        all_right &= written == counted.lines && written > 0;
    }
    if all_right {
        println!("\nNo line was lost, and none was counted twice.");
        ExitCode::SUCCESS
    } else {
        println!("\nThe counts differ.");
        ExitCode::FAILURE
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
