//! What it adds to the life of a server to be registered: to its start, its end, and the start of who takes its key over.

use std::future::Future;
use std::time::{Duration, Instant};

use otp_core::{Context, ExitReason, GenServer, Registry, ServerRef, StartError};

use crate::harness::counter::{Counter, until_alive_at_most};
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// How many servers there are.
const SERVERS: u64 = 20_000;

/// What the servers understand: nothing.
enum Msg {}

type Names = Registry<u64, Msg>;

/// A server that registers itself in `init` if it is told a key.
struct Server {
    _alive: Counter,
    key: Option<(Names, u64)>,
}

impl Server {
    fn new(key: Option<(Names, u64)>) -> Self {
        Self {
            _alive: Counter::new(),
            key,
        }
    }
}

impl GenServer for Server {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        if let Some((names, key)) = &self.key {
            names.register(ctx, *key, ())?;
        }
        Ok(())
    }

    async fn handle(&mut self, message: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match message {}
    }
}

/// One way to start a server under a key.
trait Way: 'static {
    const NAME: &'static str;

    /// Starts it; fails if somebody has the key.
    fn start(
        names: &Names,
        key: u64,
    ) -> impl Future<Output = Result<ServerRef<Msg>, StartError>> + Send;
}

struct Plain;

struct InInit;

struct ByVia;

impl Way for Plain {
    const NAME: &'static str = "`start`, not registered";

    async fn start(_names: &Names, _key: u64) -> Result<ServerRef<Msg>, StartError> {
        otp_core::start(Server::new(None)).await
    }
}

impl Way for InInit {
    const NAME: &'static str = "`register` in `init`";

    async fn start(names: &Names, key: u64) -> Result<ServerRef<Msg>, StartError> {
        otp_core::start(Server::new(Some((names.clone(), key)))).await
    }
}

impl Way for ByVia {
    const NAME: &'static str = "`via(key).start(..)`";

    async fn start(names: &Names, key: u64) -> Result<ServerRef<Msg>, StartError> {
        names.via(key).start(Server::new(None)).await
    }
}

/// Starts as many as there are iterations, has each replaced, and stops them, all in turn.
async fn lives<W: Way>(count: u64) -> Vec<Duration> {
    until_alive_at_most(0).await;
    let names = Names::new();
    let mut servers = Vec::with_capacity(usize::try_from(count).expect("the count fits"));
    let started = Instant::now();
    for key in 0..count {
        let server = W::start(&names, key).await;
        servers.push(server.expect("the key is free"));
    }
    let start = started.elapsed();
    let mut next = Vec::with_capacity(servers.len());
    let started = Instant::now();
    for (key, server) in (0..).zip(servers) {
        let pid = server.pid().expect("the server runs");
        let end = pid.monitor();
        pid.kill();
        end.await;
        let server = W::start(&names, key).await;
        next.push(server.expect("the key is free again"));
    }
    let replace = started.elapsed();
    let started = Instant::now();
    for server in &next {
        server.stop().await.expect("the server runs");
    }
    let stop = started.elapsed();
    assert_eq!(names.count(), 0, "no entry is left");
    vec![start, stop, replace]
}

fn bench<W: Way>() -> Bench {
    Bench::new(W::NAME, |iterations| runtime::run(lives::<W>(iterations)))
}

pub(super) fn run(options: &Options) -> String {
    let count = options.size(SERVERS);
    let plan = Plan {
        runs: options.runs(5),
        operations: 1,
        iterations: Iterations::Fixed(count),
    };
    let benches = [bench::<Plain>(), bench::<InInit>(), bench::<ByVia>()];
    let results = round_robin("registry: lives", &benches, plan);
    let mut table = Table::new(&[
        "",
        "start",
        "÷ not registered",
        "stop in turn",
        "÷ not registered",
        "killed, and the next one started",
        "÷ not registered",
    ]);
    for (name, quantities) in &results {
        let mut row = vec![(*name).to_owned()];
        for (runs, plain) in quantities.iter().zip(&results[0].1) {
            row.push(number(runs.median()));
            row.push(format!("{:.2}", runs.median() / plain.median()));
        }
        table.row(&row);
    }
    format!(
        "### Registered lives\n\n{count} servers of otp-core with a `u64` key each, started in turn, each awaited; then each is killed, and when its end has been heard of, the next one is started under its key; then all are stopped in turn, each awaited. Median nanoseconds for each.\n\n{}",
        table.render()
    )
}
