//! Caches facts about real files, and shows what that saves.
//!
//! ```text
//! cargo xtask demo cache [FOLDER]
//! ```
//!
//! Without a folder it takes the repository that it was built from.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use patterns_cache::{Cache, CacheConfig, CacheStats};

/// Larger files are left out, and so are all after this many, so that the demo ends soon.
const LARGEST_FILE: u64 = 4 << 20;
const MOST_FILES: usize = 5_000;

/// What is worth caching of a file: it takes a read of all of it.
#[derive(Debug, Clone, Copy)]
struct Facts {
    bytes: u64,
    lines: u64,
    words: u64,
    hash: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = match env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => repository(),
    };
    let files = files_in(&folder)?;
    println!(
        "{} in {}",
        count(files.len() as u64, "file"),
        folder.display()
    );
    if files.is_empty() {
        println!("Nothing to do.");
        return Ok(());
    }

    let cache: Cache<PathBuf, Facts> = Cache::start(CacheConfig::default()).await?;
    ask_twice(&cache, &files);
    show_largest(&cache, &files, &folder);
    expire(&cache, &files).await;
    bounded(&files).await?;

    println!("\nThe first cache at the end");
    show_stats(&cache.stats());
    Ok(())
}

/// Asks for every file's facts, and again: the first time they are computed, then they are there.
fn ask_twice(cache: &Cache<PathBuf, Facts>, files: &[PathBuf]) {
    println!("\nAsking for each file's lines, words and hash");
    let (cold, total) = ask(cache, files);
    let (warm, again) = ask(cache, files);
    let rate = |time: Duration| human(time / u32::try_from(files.len()).unwrap_or(u32::MAX));
    println!(
        "  {:<14}{:>10}{:>12} a file",
        "computed",
        human(cold),
        rate(cold)
    );
    println!(
        "  {:<14}{:>10}{:>12} a file",
        "from the cache",
        human(warm),
        rate(warm)
    );
    println!(
        "  {:<14}{:>10}, {:.0} times as fast",
        "saved",
        human(cold.saturating_sub(warm)),
        cold.as_secs_f64() / warm.as_secs_f64().max(1e-9)
    );
    assert_eq!(total, again, "the cache tells what was computed");
    println!(
        "  {} lines and {} words",
        grouped(total.0),
        grouped(total.1)
    );
}

/// Asks for the facts of all these files. Returns how long that took, and the sums.
fn ask(cache: &Cache<PathBuf, Facts>, files: &[PathBuf]) -> (Duration, (u64, u64)) {
    let start = Instant::now();
    let (mut lines, mut words) = (0, 0);
    for file in files {
        if let Some(facts) = facts_of(cache, file) {
            lines += facts.lines;
            words += facts.words;
        }
    }
    (start.elapsed(), (lines, words))
}

/// The facts of a file: from the cache, or read and put there. A file that cannot be read has none.
fn facts_of(cache: &Cache<PathBuf, Facts>, file: &Path) -> Option<Facts> {
    cache.get(file).or_else(|| {
        let facts = compute(file).ok()?;
        cache.put(file.to_owned(), facts);
        Some(facts)
    })
}

fn compute(file: &Path) -> io::Result<Facts> {
    let content = fs::read(file)?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&content);
    Ok(Facts {
        bytes: content.len() as u64,
        lines: content.iter().filter(|&&byte| byte == b'\n').count() as u64,
        words: content
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .count() as u64,
        hash: hasher.finish(),
    })
}

fn show_largest(cache: &Cache<PathBuf, Facts>, files: &[PathBuf], folder: &Path) {
    let mut known: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file, facts_of(cache, file)?)))
        .collect();
    known.sort_by_key(|(_, facts)| std::cmp::Reverse(facts.bytes));
    println!(
        "\n  {:<44}{:>10}{:>9}{:>10}  hash",
        "the largest", "bytes", "lines", "words"
    );
    for (file, facts) in known.iter().take(5) {
        let name = file
            .strip_prefix(folder)
            .unwrap_or(file)
            .display()
            .to_string();
        let Facts {
            bytes,
            lines,
            words,
            hash,
        } = facts;
        let (bytes, lines, words) = (grouped(*bytes), grouped(*lines), grouped(*words));
        println!(
            "  {:<44}{bytes:>10}{lines:>9}{words:>10}  {hash:016x}",
            shortened(&name, 43)
        );
    }
}

/// Puts the files' facts with a short time to live beside the others, and waits until it is over.
async fn expire(cache: &Cache<PathBuf, Facts>, files: &[PathBuf]) {
    let ttl = Duration::from_millis(200);
    println!("\nThe same files again, to live for {}", human(ttl));
    let before = cache.stats();
    for file in files {
        if let Some(facts) = cache.get(file) {
            cache.put_with_ttl(file.clone(), facts, ttl);
        }
    }
    println!(
        "  {:<14}{:>10} live",
        "at once",
        grouped(cache.len() as u64)
    );
    tokio::time::sleep(ttl).await;
    println!(
        "  {:<14}{:>10} live",
        format!("{} later", human(ttl)),
        grouped(cache.len() as u64)
    );
    let found = files
        .iter()
        .filter(|file| cache.get(file.as_path()).is_some())
        .count();
    let stats = cache.stats();
    println!(
        "  {:<14}{:>10} of {} found, {} expired",
        "asked again",
        grouped(found as u64),
        grouped(files.len() as u64),
        grouped(stats.expired - before.expired)
    );
}

/// A cache that has room for a fifth of the files: a few favourites are asked for between all
/// others.
async fn bounded(files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let max_entries = files.len().div_ceil(5);
    let config = CacheConfig {
        max_entries: Some(max_entries),
        ..CacheConfig::default()
    };
    let cache: Cache<PathBuf, Facts> = Cache::start(config).await?;
    println!(
        "\nA second cache, with room for {} only",
        count(max_entries as u64, "file")
    );

    let favourites = &files[..(max_entries / 4).max(1)];
    for _ in 0..3 {
        ask(&cache, favourites);
    }
    ask(&cache, files);
    let kept = favourites
        .iter()
        .filter(|file| cache.contains_key(file.as_path()))
        .count();
    println!(
        "  {} asked for three times, then every file once:",
        count(favourites.len() as u64, "favourite")
    );
    println!(
        "  {} of the favourites are still there",
        grouped(kept as u64)
    );
    show_stats(&cache.stats());
    Ok(())
}

fn show_stats(stats: &CacheStats) {
    let CacheStats {
        hits,
        misses,
        keys,
        evicted,
        expired,
        ..
    } = *stats;
    let ratio = stats.hit_ratio().unwrap_or(0.0) * 100.0;
    println!(
        "  {:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "hits", "misses", "ratio", "keys", "evicted", "expired"
    );
    println!(
        "  {:>9}{:>9}{:>8.1}%{:>9}{:>9}{:>9}",
        grouped(hits),
        grouped(misses),
        ratio,
        grouped(keys as u64),
        grouped(evicted),
        grouped(expired)
    );
}

/// All files below a folder, but none of a build's or of git's.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder that cannot be read is passed over, unless it is the one that was asked for.
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if files.is_empty() && folders.is_empty() => return Err(error),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let (Ok(kind), path) = (entry.file_type(), entry.path()) else {
                continue;
            };
            let name = entry.file_name();
            if kind.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if kind.is_file()
                && entry
                    .metadata()
                    .is_ok_and(|data| data.len() <= LARGEST_FILE)
            {
                files.push(path);
            }
            if files.len() == MOST_FILES {
                println!("(the first {} files only)", grouped(MOST_FILES as u64));
                return Ok(files);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The folder of the workspace that this example belongs to, or of its package if there is none.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("Cargo.toml").is_file());
    workspace.unwrap_or(package).to_owned()
}

fn count(number: u64, what: &str) -> String {
    format!(
        "{} {what}{}",
        grouped(number),
        if number == 1 { "" } else { "s" }
    )
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in the unit in which it is a handy number.
fn human(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        ..1e6 => format!("{:.1} µs", nanos / 1e3),
        ..1e9 => format!("{:.1} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

/// The end of a text that is too long for its column.
fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let end: String = text.chars().skip(length + 1 - width).collect();
    format!("…{end}")
}
