//! Links and monitors: what one costs when one process has many.

use std::time::{Duration, Instant};

use otp_core::{Context, Down, Exit, ExitReason, GenServer, Pid, ReplyTo, ServerRef};

use crate::book::Book;
use crate::harness::counter::{Counter, until_alive_at_most};
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// A server that is bound to many processes and counts what it hears of their ends.
#[derive(Default)]
struct Hub {
    heard: usize,
    waits: Option<(usize, ReplyTo<()>)>,
}

enum Msg {
    /// To link with all, and to tell how long it took.
    Link(Vec<Pid>, ReplyTo<Duration>),
    /// To monitor all, and to tell how long it took.
    Monitor(Vec<Pid>, ReplyTo<Duration>),
    /// To answer when so many ends were heard of.
    Heard(usize, ReplyTo<()>),
}

impl Hub {
    fn hear(&mut self) {
        self.heard += 1;
        self.answer();
    }

    fn answer(&mut self) {
        if let Some((_, reply)) = self.waits.take_if(|(count, _)| *count <= self.heard) {
            reply.send(());
        }
    }
}

impl GenServer for Hub {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        Ok(())
    }

    async fn handle(&mut self, message: Msg, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match message {
            Msg::Link(pids, reply) => {
                let started = Instant::now();
                for pid in &pids {
                    ctx.link(pid)?;
                }
                reply.send(started.elapsed());
            }
            Msg::Monitor(pids, reply) => {
                let started = Instant::now();
                for pid in &pids {
                    ctx.monitor(pid);
                }
                reply.send(started.elapsed());
            }
            Msg::Heard(count, reply) => {
                self.waits = Some((count, reply));
                self.answer();
            }
        }
        Ok(())
    }

    async fn handle_exit(&mut self, _: Exit, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        self.hear();
        Ok(())
    }

    async fn handle_down(&mut self, _: Down, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        self.hear();
        Ok(())
    }
}

/// So many processes that wait until they are ended.
fn crowd(count: usize) -> Vec<Pid> {
    let waiting = || async {
        let _alive = Counter::new();
        std::future::pending().await
    };
    (0..count)
        .map(|_| otp_core::spawn(waiting()).expect("there is a runtime"))
        .collect()
}

async fn hub() -> ServerRef<Msg> {
    otp_core::start(Hub::default())
        .await
        .expect("the hub starts")
}

fn kill(pids: &[Pid]) {
    pids.iter().for_each(Pid::kill);
}

/// Setting each, then the time from the first kill until the hub has heard of every end.
async fn heard<F: FnOnce(Vec<Pid>, ReplyTo<Duration>) -> Msg>(
    count: usize,
    bind: F,
) -> (Duration, Duration) {
    let hub = hub().await;
    let pids = crowd(count);
    let request = bind_request(bind, pids.clone());
    let set = hub
        .call_timeout(request, Duration::MAX)
        .await
        .expect("the hub answers");
    let started = Instant::now();
    kill(&pids);
    hub.call_timeout(|reply| Msg::Heard(count, reply), Duration::MAX)
        .await
        .expect("the hub answers");
    let told = started.elapsed();
    until_alive_at_most(0).await;
    (set, told)
}

fn bind_request(
    bind: impl FnOnce(Vec<Pid>, ReplyTo<Duration>) -> Msg,
    pids: Vec<Pid>,
) -> impl FnOnce(ReplyTo<Duration>) -> Msg {
    move |reply| bind(pids, reply)
}

/// The time from the end of the hub until the last process that was linked with it is gone.
async fn taken_along(count: usize) -> Duration {
    let hub = hub().await;
    let pids = crowd(count);
    let request = bind_request(Msg::Link, pids);
    hub.call_timeout(request, Duration::MAX)
        .await
        .expect("the hub answers");
    let started = Instant::now();
    hub.pid().expect("the hub runs").kill();
    until_alive_at_most(0).await;
    started.elapsed()
}

pub(crate) fn run(options: &Options, _book: &mut Book) -> String {
    let largest = if options.quick { 4 } else { 5 };
    let mut table = Table::new(&[
        "on one process",
        "link",
        "… its end told",
        "monitor",
        "… its end told",
        "one ends, all linked end",
    ]);
    for power in 3..=largest {
        let count = 10usize.pow(power);
        let runs: Vec<[f64; 5]> = (0..options.runs(5))
            .map(|_| {
                runtime::run(async move {
                    let (link, link_told) = heard(count, Msg::Link).await;
                    let (monitor, monitor_told) = heard(count, Msg::Monitor).await;
                    let along = taken_along(count).await;
                    [link, link_told, monitor, monitor_told, along]
                        .map(|time| time.as_nanos() as f64 / count as f64)
                })
            })
            .collect();
        let median = |column: usize| {
            let figures = runs.iter().map(|run| run[column]).collect();
            number(Runs::new(figures).median())
        };
        let mut row = vec![count.to_string()];
        row.extend((0..5).map(median));
        table.row(&row);
    }
    format!(
        "## Links and monitors\n\nOne server of otp-core bound to so many processes. Nanoseconds for each: to set it, and from the kill of all \
         until the server has handled the report of every end; last, from the end of the server until everything linked with it is gone.\n\n{}",
        table.render()
    )
}
