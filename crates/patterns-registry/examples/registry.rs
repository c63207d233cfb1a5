//! Keeps the account of each customer in a worker of its own, from a file of orders, some of which crash it.
//!
//! ```text
//! cargo xtask demo registry [ORDERS]
//! ```
//!
//! Each line of the file is `number;customer;cents`. Without one a file is made in a temporary folder.
//!
//! A worker's state is gone when it crashes. So each order is written to the customer's journal before it is acknowledged, and
//! a worker that starts, for whatever reason, reads its journal first. Orders have numbers, and one that is in the journal
//! already is not booked again: who got no answer may send it once more.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, panic, process};

use otp_core::inbox;
use patterns_registry::{
    CallWorkerError, Context, ExitReason, GenServer, RegistryConfig, ReplyTo, WorkerEvent,
    WorkerRegistry,
};

const ORDERS: u64 = 20_000;
const CUSTOMERS: u64 = 150;
const READERS: usize = 4;
const IDLE: Duration = Duration::from_millis(400);

/// One line of the file. The amount is read by the worker.
#[derive(Debug, Clone)]
struct Order {
    number: u64,
    customer: String,
    amount: String,
}

/// The account of one customer.
struct Account {
    path: PathBuf,
    journal: Option<File>,
    booked: HashSet<u64>,
    cents: u64,
}

#[derive(Debug, Clone, Copy)]
struct Balance {
    orders: usize,
    cents: u64,
}

enum Msg {
    Book(Order, ReplyTo<()>),
    Balance(ReplyTo<Balance>),
}

impl GenServer for Account {
    type Msg = Msg;

    async fn init(&mut self, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        if self.path.exists() {
            for line in fs::read_to_string(&self.path)?.lines() {
                let fields = line.split_once(';').ok_or("a torn line");
                let (number, cents) = fields.map_err(ExitReason::boxed)?;
                self.booked.insert(number.parse()?);
                self.cents += cents.parse::<u64>()?;
            }
        }
        let mut options = OpenOptions::new();
        self.journal = Some(options.create(true).append(true).open(&self.path)?);
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Book(order, reply) => {
                self.book(&order)?;
                reply.send(());
            }
            Msg::Balance(reply) => reply.send(Balance {
                orders: self.booked.len(),
                cents: self.cents,
            }),
        }
        Ok(())
    }
}

impl Account {
    fn new(folder: &Path, customer: &str) -> Self {
        Self {
            path: folder.join(format!("{customer}.journal")),
            journal: None,
            booked: HashSet::new(),
            cents: 0,
        }
    }

    fn book(&mut self, order: &Order) -> Result<(), ExitReason> {
        if self.booked.contains(&order.number) {
            return Ok(());
        }
        // The fault of this program: it trusts its input, and panics where it should refuse.
        let Ok(cents) = order.amount.parse::<u64>() else {
            panic!("order {} costs `{}`", order.number, order.amount);
        };
        if let Some(journal) = &mut self.journal {
            journal.write_all(format!("{};{cents}\n", order.number).as_bytes())?;
        }
        self.booked.insert(order.number);
        self.cents += cents;
        Ok(())
    }
}

type Accounts = WorkerRegistry<String, Msg>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    // A panic is shown in one line, by the event of the restart.
    panic::set_hook(Box::new(|_| ()));
    let folder = env::temp_dir().join(format!("patterns-registry-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let file = match env::args_os().nth(1) {
        Some(file) => PathBuf::from(file),
        None => make_orders(&folder.join("orders.csv"))?,
    };
    let outcome = run(&file, &folder).await;
    fs::remove_dir_all(&folder)?;
    outcome
}

async fn run(file: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let (orders, unreadable) = read_orders(file)?;
    let plain = plain_count(&orders);
    println!(
        "{} orders of {} customers in {}, {unreadable} unreadable lines",
        orders.len(),
        plain.len(),
        file.display()
    );

    let config = RegistryConfig {
        name: "account".to_owned(),
        idle_timeout: Some(IDLE),
        ..RegistryConfig::default()
    };
    let journals = folder.to_owned();
    let accounts: Accounts = WorkerRegistry::start(config, move |customer: &String| {
        Account::new(&journals, customer)
    })
    .await?;

    println!(
        "\nBooking them, {READERS} at a time; each customer's worker is started by the first order"
    );
    let begun = Instant::now();
    let (listener, mut events) = inbox::<WorkerEvent<String>>();
    accounts.listen(listener.recipient());
    let refused = book_all(&accounts, orders).await?;
    let took = begun.elapsed();

    drop(listener);
    let mut told = Events::default();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.recv()).await {
        told.note(event);
    }
    told.show();
    println!(
        "  {:>6} orders refused, for they crashed their worker\n  {:>6} booked, in {:.0?}",
        refused.len(),
        plain.values().map(|balance| balance.orders).sum::<usize>(),
        took
    );

    show_workers(&accounts).await?;
    check(&accounts, &plain).await?;
    be_idle(&accounts, &plain).await?;

    println!("\n{:?}", accounts.info());
    accounts.stop().await?;
    Ok(())
}

/// Books all orders, several at a time. Returns those that crashed their worker.
async fn book_all(accounts: &Accounts, orders: Vec<Order>) -> Result<Vec<Order>, Box<dyn Error>> {
    let orders = Arc::new(orders);
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let (accounts, orders) = (accounts.clone(), Arc::clone(&orders));
            tokio::spawn(async move {
                let mut refused = Vec::new();
                for order in orders.iter().skip(reader).step_by(READERS) {
                    if !book(&accounts, order).await? {
                        refused.push(order.clone());
                    }
                }
                Ok::<_, CallWorkerError>(refused)
            })
        })
        .collect();
    let mut refused = Vec::new();
    for reader in readers {
        refused.extend(reader.await??);
    }
    Ok(refused)
}

/// Books one order; `false` if it crashes the worker twice. A good one that was lost with a worker which another order had crashed is
/// sent again, and the journal sees to it that it is booked once.
async fn book(accounts: &Accounts, order: &Order) -> Result<bool, CallWorkerError> {
    for _ in 0..20 {
        let booked = accounts.call(&order.customer, |reply| Msg::Book(order.clone(), reply));
        match booked.await {
            Ok(()) => return Ok(true),
            Err(CallWorkerError::Call(_)) if order.amount.parse::<u64>().is_err() => {
                return Ok(false);
            }
            Err(CallWorkerError::Call(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// What was heard of the workers.
#[derive(Default)]
struct Events {
    registered: usize,
    restarts: BTreeMap<String, u64>,
    given_up: Vec<String>,
}

impl Events {
    fn note(&mut self, event: WorkerEvent<String>) {
        match event {
            WorkerEvent::Registered { .. } => self.registered += 1,
            WorkerEvent::Restarted { key, .. } => *self.restarts.entry(key).or_default() += 1,
            WorkerEvent::Unregistered { key, .. } => self.given_up.push(key),
            _ => {}
        }
    }

    fn show(&self) {
        println!("  {:>6} workers started", self.registered);
        let mut most: Vec<_> = self.restarts.iter().collect();
        most.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        let mut named = String::new();
        for (customer, times) in most.iter().take(3) {
            let _ = write!(named, ", {times} of {customer}");
        }
        let all: u64 = self.restarts.values().sum();
        println!("  {all:>6} restarts after a crash{named}");
        println!(
            "  {:>6} given up alone, at the fourth crash within 5 s, and started anew by the next order",
            self.given_up.len()
        );
    }
}

/// A table of the busiest workers. The registry knows all of it but the balance, for which the workers are asked.
async fn show_workers(accounts: &Accounts) -> Result<(), Box<dyn Error>> {
    let mut workers = accounts.list_workers();
    workers.sort_by_key(|worker| std::cmp::Reverse(worker.handled));
    println!(
        "\n{} workers run, the busiest of them\n  {:<14}{:>9}{:>10}{:>10}{:>12}{:>14}",
        workers.len(),
        "customer",
        "process",
        "messages",
        "restarts",
        "up for",
        "balance"
    );
    for worker in workers.iter().take(8) {
        let balance = accounts.call(&worker.key, Msg::Balance).await?;
        println!(
            "  {:<14}{:>9}{:>10}{:>10}{:>12}{:>14}",
            worker.key,
            worker.pid.to_string(),
            worker.handled,
            worker.restarts,
            format!("{:.0?}", worker.uptime),
            euros(balance.cents)
        );
    }
    Ok(())
}

/// Compares each account with the plain count.
async fn check(
    accounts: &Accounts,
    plain: &BTreeMap<String, Balance>,
) -> Result<(), Box<dyn Error>> {
    let mut total = 0;
    for (customer, expected) in plain {
        let balance = accounts.call(customer, Msg::Balance).await?;
        assert_eq!(
            (balance.orders, balance.cents),
            (expected.orders, expected.cents),
            "{customer}"
        );
        total += balance.cents;
    }
    println!(
        "\nAll {} accounts agree with a plain count: {} together",
        plain.len(),
        euros(total)
    );
    Ok(())
}

/// Waits until the workers have stopped for want of work, and asks for one of them again.
async fn be_idle(
    accounts: &Accounts,
    plain: &BTreeMap<String, Balance>,
) -> Result<(), Box<dyn Error>> {
    println!("\nNo orders for {IDLE:?}");
    while accounts.worker_count() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "  {} workers run: each has stopped, for it had nothing to do",
        accounts.worker_count()
    );
    let Some((customer, expected)) = plain.iter().max_by_key(|(_, balance)| balance.cents) else {
        return Ok(());
    };
    let balance = accounts.call(customer, Msg::Balance).await?;
    assert_eq!(balance.cents, expected.cents);
    println!(
        "  asked for {customer}, a new one says {} in {} orders, from the journal",
        euros(balance.cents),
        balance.orders
    );
    Ok(())
}

/// What the accounts should be, counted without any of this.
fn plain_count(orders: &[Order]) -> BTreeMap<String, Balance> {
    let mut plain = BTreeMap::new();
    for order in orders {
        let balance = plain.entry(order.customer.clone()).or_insert(Balance {
            orders: 0,
            cents: 0,
        });
        if let Ok(cents) = order.amount.parse::<u64>() {
            balance.orders += 1;
            balance.cents += cents;
        }
    }
    plain
}

/// Reads the orders, and counts the lines that are none or have a number that was there before.
fn read_orders(file: &Path) -> Result<(Vec<Order>, usize), Box<dyn Error>> {
    let (mut orders, mut unreadable) = (Vec::new(), 0);
    let mut numbers = HashSet::new();
    for line in fs::read_to_string(file)?.lines() {
        let mut fields = line.split(';');
        match (fields.next().map(str::parse), fields.next(), fields.next()) {
            (Some(Ok(number)), Some(customer), Some(amount))
                if is_name(customer) && numbers.insert(number) =>
            {
                orders.push(Order {
                    number,
                    customer: customer.to_owned(),
                    amount: amount.to_owned(),
                });
            }
            _ => unreadable += 1,
        }
    }
    Ok((orders, unreadable))
}

/// Customers name their journals.
fn is_name(customer: &str) -> bool {
    !customer.is_empty()
        && customer
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Makes a file of orders, the same in each run. One in a thousand has an amount that is none, and one customer is worse.
fn make_orders(file: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut text = String::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for number in 0..ORDERS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Some customers order far more often than others.
        let customer = (random % CUSTOMERS) * ((random >> 20) % CUSTOMERS) / CUSTOMERS;
        let cents = 100 + (random >> 40) % 9_900;
        let is_bad = random % 1_000 == 7 || (customer == 77 && random.is_multiple_of(10));
        let amount = if is_bad {
            format!("{cents}x")
        } else {
            cents.to_string()
        };
        writeln!(text, "{number};customer-{customer};{amount}")?;
    }
    fs::write(file, text)?;
    Ok(file.to_owned())
}

fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
