//! Keeps a file of records in tables: finds them by key, range, prefix and index, counts them from several tasks, and writes them
//! out and back.
//!
//! ```text
//! cargo xtask demo store [FILE]
//! ```
//!
//! A line of the file is `id,name,category,price`, the price in cents. Without a file it makes one of 20,000 lines.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, process};

use patterns_store::{
    Access, Change, OrderedSet, Store, StoreConfig, Table, TableConfig, TableOwner,
};
use tokio::task::JoinSet;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    name: String,
    category: String,
    cents: u64,
}

type Records = Table<String, Record, OrderedSet>;

const LINES: usize = 20_000;
const TASKS: usize = 4;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Folder::new()?;
    let file = match env::args_os().nth(1) {
        Some(file) => PathBuf::from(file),
        None => make_file(&folder.0)?,
    };

    let store: Store<String, Record, OrderedSet> = Store::start(StoreConfig::default()).await?;
    let rejected = read_into(&store, &file).await?;
    let table = store.table();
    println!(
        "{} records of {}, {rejected} lines left out",
        table.size()?,
        file.display()
    );

    look_up(&table)?;
    by_category(&table)?;
    count_in_tasks(&table).await?;
    follow_changes(&store).await?;
    there_and_back(&store, &folder.0.join("records.table")).await?;
    compare(&store).await?;

    store.stop().await?;
    println!("\nThe owner has stopped");
    if let Err(error) = table.first() {
        println!("  a direct read says: {error}");
    }
    Ok(())
}

/// Puts every line of the file that is a record. The table is protected, so the owner does it. Returns how many were none.
async fn read_into(
    store: &Store<String, Record, OrderedSet>,
    file: &Path,
) -> Result<usize, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let work = move |owner: &TableOwner<String, Record, OrderedSet>| {
        let mut rejected = 0;
        for line in text.lines() {
            match record(line) {
                Some((id, record)) => drop(owner.put(id, record)?),
                None => rejected += 1,
            }
        }
        Ok::<_, patterns_store::TableError>(rejected)
    };
    Ok(store.with_owner(work).await??)
}

fn record(line: &str) -> Option<(String, Record)> {
    let mut fields = line.split(',');
    let id = fields.next().filter(|id| !id.is_empty())?.to_owned();
    let record = Record {
        name: fields.next()?.to_owned(),
        category: fields.next()?.to_owned(),
        cents: fields.next()?.parse().ok()?,
    };
    Some((id, record))
}

/// By key, by range and by prefix.
fn look_up(table: &Records) -> Result<(), Box<dyn Error>> {
    let (Some((first, _)), Some((last, _))) = (table.first()?, table.last()?) else {
        return Ok(());
    };
    println!("\nBy key, from {first} to {last}");
    let cents = table.with(&first, |record| record.cents)?;
    println!("  {first} costs {}", price(cents.unwrap_or_default()));
    if let Some((next, record)) = table.next(&first)? {
        println!("  the next one is {next}, {}", record.name);
    }
    let prefix: String = first.chars().take(first.chars().count() - 2).collect();
    let start = Instant::now();
    let found = table.prefix(prefix.as_str())?;
    println!(
        "  {} begin with {prefix}, found in {:?}",
        found.len(),
        start.elapsed()
    );
    let start = Instant::now();
    let page = table.page(first..last, 100)?;
    let sum: u64 = page.iter().map(|(_, record)| record.cents).sum();
    println!(
        "  the first {} cost {} together, found in {:?}",
        page.len(),
        price(sum),
        start.elapsed()
    );
    Ok(())
}

/// By a second key, which is computed from the records.
fn by_category(table: &Records) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let index = table.index(|_, record| (record.category.clone(), record.cents))?;
    println!("\nBy category and price, indexed in {:?}", start.elapsed());
    for category in categories(table)? {
        let range = (category.clone(), 0)..=(category.clone(), 999);
        let cheap = index.range(range)?;
        let cheapest = cheap.first().map_or_else(
            || "none".to_owned(),
            |(id, record)| format!("{id} at {}", price(record.cents)),
        );
        println!(
            "  {category:<12}{:>6} below {}, the cheapest {cheapest}",
            cheap.len(),
            price(1_000)
        );
    }
    Ok(())
}

/// Counts the records of each category in several tasks at once, each over a part of them.
async fn count_in_tasks(table: &Records) -> Result<(), Box<dyn Error>> {
    let config = TableConfig {
        access: Access::Public,
        ..TableConfig::default()
    };
    let owner: TableOwner<String, u64> = TableOwner::new(config)?;
    let mut tasks = JoinSet::new();
    let rows = table.snapshot()?;
    for part in rows.chunks(rows.len().div_ceil(TASKS).max(1)) {
        let (counts, part) = (owner.table(), part.to_vec());
        tasks.spawn(async move {
            for (_, record) in part {
                counts.update_counter(record.category.as_str(), 1)?;
                counts.update_counter("all", 1)?;
            }
            Ok::<_, patterns_store::TableError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    println!("\nCounted by {TASKS} tasks");
    let mut counts = owner.snapshot()?;
    counts.sort();
    for (category, count) in &counts {
        println!("  {category:<12}{count:>8}");
    }
    assert_eq!(
        owner.get("all")?.unwrap_or(0),
        rows.len() as u64,
        "no step is lost"
    );
    Ok(())
}

/// A listener, a price that changes, and an offer whose time is over.
async fn follow_changes(store: &Store<String, Record, OrderedSet>) -> Result<(), Box<dyn Error>> {
    let table = store.table();
    let Some((id, offer)) = table.first()? else {
        return Ok(());
    };
    let mut changes = table.changes(16)?;
    let key = id.clone();
    let raise = |record: Option<Record>| {
        record.map(|record| Record {
            cents: record.cents + 1,
            ..record
        })
    };
    store
        .with_owner(move |owner| owner.alter(key.as_str(), raise))
        .await??;
    let for_now = Record {
        name: "offer of the moment".to_owned(),
        ..offer
    };
    let ttl = Duration::from_millis(20);
    store
        .put_with_ttl("zzz-offer".to_owned(), for_now, ttl)
        .await?;
    tokio::time::sleep(ttl).await;
    println!("\nChanges");
    println!("  the offer is there: {}", table.member("zzz-offer")?);
    store.with_owner(TableOwner::sweep).await??;
    while let Some(change) = changes.try_recv() {
        match change {
            Change::Put { key, value } => println!("  put      {key} at {}", price(value.cents)),
            Change::Deleted { key, .. } => println!("  deleted  {key}"),
            Change::Expired { key, .. } => println!("  expired  {key}"),
            Change::Lost(count) => println!("  {count} changes missed"),
            other => println!("  {other:?}"),
        }
    }
    Ok(())
}

/// Writes the table into a file, reads it into another one, and looks whether they agree.
async fn there_and_back(
    store: &Store<String, Record, OrderedSet>,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let table = store.table();
    let path = file.to_owned();
    let start = Instant::now();
    let written = tokio::task::spawn_blocking(move || {
        table.dump(path, |id, record, bytes| {
            bytes.extend(record.cents.to_le_bytes());
            for text in [id, &record.name, &record.category] {
                bytes.extend(text.as_bytes());
                bytes.push(0);
            }
        })
    });
    let written = written.await??;
    let took = start.elapsed();
    let bytes = fs::metadata(file)?.len();
    println!("\nIn a file\n  {written} rows, {bytes} bytes, written in {took:?}");

    let other: TableOwner<String, Record, OrderedSet> = TableOwner::new(TableConfig::default())?;
    let start = Instant::now();
    other.load(file, |bytes| {
        let (cents, texts) = bytes.split_first_chunk().ok_or("no price")?;
        let mut texts = texts.split(|&byte| byte == 0);
        let mut text = || String::from_utf8(texts.next().unwrap_or_default().to_vec());
        let id = text()?;
        let record = Record {
            name: text()?,
            category: text()?,
            cents: u64::from_le_bytes(*cents),
        };
        Ok((id, record))
    })?;
    println!("  read in {:?}", start.elapsed());
    let same = other.snapshot()? == store.table().snapshot()?;
    println!("  both tables agree: {same}");
    assert!(same, "what was read is what was written");

    let whole = fs::read(file)?;
    fs::write(file, &whole[..whole.len() / 2])?;
    if let Err(error) = other.load(file, |_| Err("never asked".into())) {
        println!("  of half of it: {error}");
    }
    Ok(())
}

async fn compare(store: &Store<String, Record, OrderedSet>) -> Result<(), Box<dyn Error>> {
    if store.size().await? == 0 {
        return Ok(());
    }
    let compared = store.compare_reads(10_000).await?;
    println!("\n{} reads of a record", compared.iterations);
    println!("  through the owner {:>12?}", compared.through_owner);
    println!("  direct            {:>12?}", compared.direct);
    if let Some(speedup) = compared.speedup() {
        println!("  {speedup:.1} times as fast");
    }
    let stats = store.stats().await?;
    println!(
        "  counted elsewhere: {} hits, {} misses",
        stats.hits, stats.misses
    );
    Ok(())
}

fn categories(table: &Records) -> Result<Vec<String>, Box<dyn Error>> {
    let mut categories = table.select(|_, record| Some(record.category.clone()))?;
    categories.sort();
    categories.dedup();
    Ok(categories)
}

fn price(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Makes a file of records, the same in each run but for its place.
fn make_file(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    const CATEGORIES: [&str; 6] = ["books", "games", "garden", "kitchen", "music", "tools"];
    const NOUNS: [&str; 8] = ["lamp", "box", "set", "guide", "kit", "map", "case", "stand"];
    let mut text = String::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for number in 0..LINES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let pick = |shift: u32, count: usize| (random >> shift) % count as u64;
        let category = CATEGORIES[usize::try_from(pick(8, CATEGORIES.len()))?];
        let noun = NOUNS[usize::try_from(pick(24, NOUNS.len()))?];
        let cents = 199 + pick(40, 20_000);
        writeln!(
            text,
            "{category}-{number:05},{noun} no. {number},{category},{cents}"
        )?;
    }
    text.push_str("a line that is no record\n");
    let file = folder.join("records.csv");
    fs::write(&file, text)?;
    Ok(file)
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Box<dyn Error>> {
        let path = env::temp_dir().join(format!("patterns-store-demo-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
