//! A warehouse, a bank and a carrier, which write down in a file all they do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

/// An amount of money, in cents.
pub(crate) type Cents = u64;

/// What there is, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) stock: BTreeMap<String, u64>,
    pub(crate) shipped: BTreeMap<String, u64>,
    pub(crate) accounts: BTreeMap<String, Cents>,
    pub(crate) till: Cents,
}

impl Books {
    /// What there is in the beginning.
    pub(crate) fn opened() -> Self {
        let stock = [("lamp", 8), ("desk", 3), ("chair", 10)];
        let accounts = [
            ("Ada", 500),
            ("Grace", 400),
            ("Alan", 300),
            ("Barbara", 350),
            ("Edsger", 90),
        ];
        Self {
            stock: stock.map(|(item, count)| (item.to_owned(), count)).into(),
            shipped: BTreeMap::new(),
            accounts: accounts
                .map(|(name, euros)| (name.to_owned(), euros * 100))
                .into(),
            till: 0,
        }
    }

    /// How many of an item there are, wherever they are.
    pub(crate) fn items(&self, item: &str) -> u64 {
        let of = |books: &BTreeMap<String, u64>| books.get(item).copied().unwrap_or(0);
        of(&self.stock) + of(&self.shipped)
    }

    /// How much money there is, wherever it is.
    pub(crate) fn money(&self) -> Cents {
        self.till + self.accounts.values().sum::<Cents>()
    }

    /// Does what a line of the journal says.
    fn apply(&mut self, line: &str) -> Option<()> {
        let words: Vec<_> = line.split('\t').collect();
        let [action, what, number] = words[..] else {
            return None;
        };
        let number: u64 = number.parse().ok()?;
        match action {
            "reserve" => *self.stock.get_mut(what)? -= number,
            "release" => *self.stock.get_mut(what)? += number,
            "charge" => {
                *self.accounts.get_mut(what)? -= number;
                self.till += number;
            }
            "refund" => {
                *self.accounts.get_mut(what)? += number;
                self.till -= number;
            }
            "ship" => *self.shipped.entry(what.to_owned()).or_default() += number,
            _ => return None,
        }
        Some(())
    }
}

/// The shop. Each of its services takes a moment, as if it were far away.
#[derive(Clone)]
pub(crate) struct Shop(Arc<Mutex<Inside>>);

struct Inside {
    books: Books,
    journal: File,
    path: PathBuf,
    calls: u64,
}

impl Shop {
    /// Opens it, with an empty journal at `path`.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Inside {
            books: Books::opened(),
            journal: File::create(path)?,
            path: path.to_owned(),
            calls: 0,
        }))))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes items out of the stock.
    pub(crate) async fn reserve(&self, item: &str, count: u64) -> Result<(), &'static str> {
        sleep(Duration::from_millis(2)).await;
        let mut inside = self.inside();
        match inside.books.stock.get(item) {
            None => Err("no such item"),
            Some(left) if *left < count => Err("sold out"),
            Some(_) => inside.write("reserve", item, count),
        }
    }

    /// Puts them back.
    pub(crate) async fn release(&self, item: &str, count: u64) -> Result<(), &'static str> {
        sleep(Duration::from_millis(2)).await;
        self.inside().write("release", item, count)
    }

    /// Takes money from a customer. Every third call finds the bank busy.
    pub(crate) async fn charge(&self, customer: &str, amount: Cents) -> Result<(), &'static str> {
        sleep(Duration::from_millis(3)).await;
        let mut inside = self.inside();
        inside.calls += 1;
        if inside.calls.is_multiple_of(3) {
            return Err("the bank is busy");
        }
        match inside.books.accounts.get(customer) {
            None => Err("no such customer"),
            Some(balance) if *balance < amount => Err("not enough money"),
            Some(_) => inside.write("charge", customer, amount),
        }
    }

    /// Gives it back.
    pub(crate) async fn refund(&self, customer: &str, amount: Cents) -> Result<(), &'static str> {
        sleep(Duration::from_millis(3)).await;
        self.inside().write("refund", customer, amount)
    }

    /// Sends a parcel. There is no way to the moon, and the way over the canal takes very long.
    pub(crate) async fn ship(
        &self,
        item: &str,
        count: u64,
        address: &str,
    ) -> Result<(), &'static str> {
        let takes = if address.contains("Canal") { 5_000 } else { 4 };
        sleep(Duration::from_millis(takes)).await;
        if address == "Moon" {
            return Err("no carrier goes there");
        }
        self.inside().write("ship", item, count)
    }

    /// What there is now.
    pub(crate) fn books(&self) -> Books {
        self.inside().books.clone()
    }

    /// What there has to be by what the file says.
    pub(crate) fn replay(&self) -> std::io::Result<(usize, Option<Books>)> {
        let text = std::fs::read_to_string(&self.inside().path)?;
        let mut books = Books::opened();
        let all = text.lines().try_for_each(|line| books.apply(line));
        Ok((text.lines().count(), all.map(|()| books)))
    }
}

impl Inside {
    /// Writes a line, and does what it says.
    fn write(&mut self, action: &str, what: &str, number: u64) -> Result<(), &'static str> {
        let line = format!("{action}\t{what}\t{number}");
        writeln!(self.journal, "{line}").map_err(|_| "the journal cannot be written")?;
        self.books.apply(&line).ok_or("the books have no such line")
    }
}
