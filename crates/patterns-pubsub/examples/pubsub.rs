//! Fans order events from a file out to workers of different speed, one of which crashes and comes back.
//!
//! ```text
//! cargo xtask demo pubsub [FILE]
//! ```
//!
//! Each line of the file is an event: `orders.REGION.WHAT,NUMBER,CENTS`. Without one, it is made beforehand. An invoice worker (a supervised server) gets
//! what is paid, a fraud worker (another one) crashes over a large sum and is restarted, two packers share what is created, a slow view has
//! room for eight events and is told what it misses, and an audit keeps all. The sums of what each got, lost and threw away must be what was published.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fs, process};

use otp_core::{Child, Context, ExitReason, GenServer, ReplyTo, Strategy, Supervisor};
use patterns_pubsub::{
    Event, Message, Overflow, PubSub, PubSubConfig, SubscribeOptions, Subscription,
};

const EVENTS: u64 = 6_000;
/// Over this the fraud worker crashes.
const LARGE: u64 = 99_900;

#[derive(Debug)]
struct Order {
    number: u64,
    cents: u64,
}

/// Counts what it handles, over its restarts.
#[derive(Debug, Default)]
struct Book {
    begun: AtomicU64,
    cents: AtomicU64,
    starts: AtomicU64,
}

struct Worker {
    book: Arc<Book>,
    crashes_over: u64,
}

enum Msg {
    Order(Message<Order>),
    Done(ReplyTo<()>),
}

impl GenServer for Worker {
    type Msg = Msg;

    async fn init(&mut self, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        self.book.starts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Order(order) => {
                self.book.begun.fetch_add(1, Ordering::Relaxed);
                self.book.cents.fetch_add(order.cents, Ordering::Relaxed);
                if order.cents > self.crashes_over {
                    return Err(ExitReason::boxed(format!(
                        "order {} of {} cents",
                        order.number, order.cents
                    )));
                }
            }
            Msg::Done(reply) => reply.send(()),
        }
        Ok(())
    }
}

fn worker(name: &'static str, crashes_over: u64) -> (Arc<Book>, Child<Msg>) {
    let book = Arc::new(Book::default());
    let own = Arc::clone(&book);
    let child = Child::server(name, move || Worker {
        book: Arc::clone(&own),
        crashes_over,
    });
    (book, child)
}

/// What a task with a subscription has met.
#[derive(Debug, Default)]
struct Met {
    received: u64,
    lost: u64,
    gaps: u64,
}

async fn read(mut subscription: Subscription<Order>, rest: Duration) -> Met {
    let mut met = Met::default();
    while let Some(event) = subscription.recv().await {
        match event {
            Event::Message(_) => met.received += 1,
            Event::Lost(lost) => {
                met.lost += lost;
                met.gaps += 1;
            }
            _ => {}
        }
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
    }
    met
}

/// Writes a file of events, as some shop might have left it.
fn write_events() -> Result<PathBuf, Box<dyn Error>> {
    let mut lines = String::new();
    let mut seed = 2_025_u64;
    for number in 0..EVENTS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = seed >> 33;
        let region = ["eu", "us", "jp"][(random % 3) as usize];
        let what = ["created", "created", "paid", "shipped"][(random / 3 % 4) as usize];
        let cents = random / 12 % 100_000;
        writeln!(lines, "orders.{region}.{what},{number},{cents}")?;
    }
    let path = env::temp_dir().join(format!("pubsub-orders-{}.csv", process::id()));
    fs::write(&path, lines)?;
    Ok(path)
}

fn parse(line: &str) -> Option<(&str, Order)> {
    let mut fields = line.split(',');
    let (topic, number, cents) = (fields.next()?, fields.next()?, fields.next()?);
    let order = Order {
        number: number.parse().ok()?,
        cents: cents.parse().ok()?,
    };
    Some((topic, order))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1).map(PathBuf::from);
    let path = match &given {
        Some(path) => path.clone(),
        None => write_events()?,
    };
    let (child, orders) = PubSub::child("orders", PubSubConfig::default())?;
    let (invoices, invoice_child) = worker("invoices", u64::MAX);
    let (frauds, fraud_child) = worker("frauds", LARGE);
    let (invoice_ref, fraud_ref) = (invoice_child.server_ref(), fraud_child.server_ref());
    let tree = Supervisor::new(Strategy::OneForOne)
        .intensity(1_000, Duration::from_secs(5))
        .child(child)
        .child(invoice_child)
        .child(fraud_child)
        .start()
        .await?;
    orders.subscribe_server("orders.*.paid", &invoice_ref, Msg::Order)?;
    orders.subscribe_server("orders.>", &fraud_ref, Msg::Order)?;

    let packers = [(); 2].map(|()| {
        let options = SubscribeOptions {
            overflow: Overflow::Unbounded,
            group: Some("packers".to_owned()),
            ..SubscribeOptions::default()
        };
        orders.subscribe_with("orders.*.created", options)
    });
    let slow = SubscribeOptions {
        capacity: 8,
        ..SubscribeOptions::default()
    };
    let mut tasks = Vec::new();
    for (name, subscription, rest) in [
        ("slow view", orders.subscribe_with("orders.eu.*", slow)?, 2),
        ("quick view", orders.subscribe("orders.eu.*")?, 0),
    ] {
        tasks.push((
            name,
            tokio::spawn(read(subscription, Duration::from_millis(rest))),
        ));
    }
    for (name, subscription) in ["packer 1", "packer 2"].into_iter().zip(packers) {
        tasks.push((name, tokio::spawn(read(subscription?, Duration::ZERO))));
    }
    let audit = orders.collect("orders.>", 1_000_000)?;

    let text = fs::read_to_string(&path)?;
    if given.is_none() {
        fs::remove_file(&path)?;
    }
    let (mut published, mut delivered, mut paid, mut wrong) = (0_u64, 0_u64, 0_u64, 0_u64);
    for line in text.lines() {
        let Some((topic, order)) = parse(line) else {
            wrong += 1;
            continue;
        };
        if topic.ends_with(".paid") {
            paid += order.cents;
        }
        delivered += orders.publish(topic, order)? as u64;
        published += 1;
        if published % 200 == 0 {
            // Events do not come all at once.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    println!(
        "{published} events published, {wrong} lines were none; subscribers accepted {delivered}"
    );

    // What was cast before this is handled before it.
    invoice_ref.call(Msg::Done).await?;
    fraud_ref.call(Msg::Done).await?;
    for (name, book) in [("invoices", &invoices), ("frauds", &frauds)] {
        println!(
            "{name}: {} handled, {:.2} in all, started {} times",
            book.begun.load(Ordering::Relaxed),
            book.cents.load(Ordering::Relaxed) as f64 / 100.0,
            book.starts.load(Ordering::Relaxed)
        );
    }
    let audited = audit.flush().len() as u64;
    println!("audit: {audited} kept");
    orders.stop().await?;

    let mut sum = audited;
    for (name, task) in tasks {
        let met = task.await?;
        println!(
            "{name}: {} received, {} lost in {} gaps, each told",
            met.received, met.lost, met.gaps
        );
        sum += met.received + met.lost;
    }
    let servers = [&invoices, &frauds].map(|book| book.begun.load(Ordering::Relaxed));
    sum += servers.iter().sum::<u64>();
    let crashes = frauds.starts.load(Ordering::Relaxed) - 1;
    tree.stop().await?;
    drop(audit);

    let stats = orders.stats();
    println!(
        "in all: {} delivered = {} received + {} lost + {} waiting + {} discarded",
        stats.delivered, stats.received, stats.lost, stats.waiting, stats.discarded
    );
    let sound = sum == delivered
        && stats.delivered == delivered
        && stats.received + stats.lost + stats.waiting as u64 + stats.discarded == delivered
        && servers[1] == published
        && audited == published
        && invoices.cents.load(Ordering::Relaxed) == paid
        && (given.is_some() || crashes > 0);
    println!(
        "{}",
        if sound {
            "everything that was delivered was received, or told to be lost"
        } else {
            "SOMETHING IS WRONG"
        }
    );
    if !sound {
        process::exit(1);
    }
    Ok(())
}
