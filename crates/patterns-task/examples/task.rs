//! Counts the words of real files on all cores: as a map, as a stream, under a deadline, and with a crash in the middle.
//!
//! ```text
//! cargo xtask demo task [FOLDER]
//! ```
//!
//! Without a folder it takes the repository that it was built from.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use patterns_task::{
    Deadline, MapConfig, Order, StreamConfig, SupervisedError, TaskError, TaskSupervisor,
    TaskSupervisorConfig, async_stream, parallel_map, parallel_map_blocking, supervised_task,
    with_deadline,
};
use tokio::task::spawn_blocking;

/// Larger files are left out, and so are all after this many, so that the demo ends soon.
const LARGEST_FILE: u64 = 1 << 20;
const MOST_FILES: usize = 2_000;

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    lines: usize,
    words: usize,
}

/// Counts the lines and words of a file. One that is no text is a panic, as a bug would be.
fn count(file: &PathBuf) -> Counts {
    let text = fs::read_to_string(file).expect("a file of text");
    Counts {
        lines: text.lines().count(),
        words: text.split_whitespace().count(),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    // Panics are shown by this program itself.
    std::panic::set_hook(Box::new(|_| {}));
    let folder = env::args_os().nth(1).map_or_else(repository, PathBuf::from);
    let files = files_in(&folder)?;
    println!("{} files in {}", files.len(), folder.display());
    let on_threads = on_threads(&files).await;
    as_a_stream(&files, on_threads).await;
    under_a_deadline(&files).await;
    supervised().await
}

/// On threads. Returns how long it took.
async fn on_threads(files: &[PathBuf]) -> Duration {
    println!(
        "\nparallel_map_blocking, on {} threads",
        MapConfig::default().max_concurrency
    );
    let start = Instant::now();
    let results = parallel_map_blocking(files.to_vec(), count, MapConfig::default()).await;
    let time = start.elapsed();
    let mut total = Counts::default();
    for counts in results.iter().flatten() {
        total.lines += counts.lines;
        total.words += counts.words;
    }
    println!(
        "  {} lines and {} words, {:.1} ms",
        total.lines,
        total.words,
        time.as_secs_f64() * 1e3
    );
    let failed: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    println!("  {} of the files are no text", failed.len());
    for error in failed.iter().take(3) {
        let name = error
            .input
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        println!("    item {}, {name}", error.index);
    }
    time
}

/// Work in a task: the thread that reads is tokio's, and the task waits for it.
async fn count_in_task(file: PathBuf) -> Counts {
    spawn_blocking(move || count(&file))
        .await
        .unwrap_or_default()
}

async fn as_a_stream(files: &[PathBuf], on_threads: Duration) {
    let config = StreamConfig {
        order: Order::Input,
        max_buffered: 16,
        timeout: Duration::from_secs(5),
        ..StreamConfig::default()
    };
    println!(
        "\nasync_stream, {} tasks at a time, at most {} results that wait",
        config.max_concurrency, config.max_buffered
    );
    let start = Instant::now();
    let mut results = async_stream(
        files.iter().cloned(),
        |file| count_in_task(file.clone()),
        config,
    );
    let (mut words, mut first) = (0, None);
    while let Some(result) = results.next().await {
        first.get_or_insert_with(|| start.elapsed());
        words += result.map_or(0, |counts| counts.words);
    }
    let stats = results.stats();
    println!(
        "  {words} words; the first result after {:.1} ms, the last after {:.1} ms (on threads {:.1} ms)",
        first.unwrap_or_default().as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
        on_threads.as_secs_f64() * 1e3
    );
    println!(
        "  at most {} tasks ran and {} results waited at a time",
        stats.most_running, stats.most_waiting
    );
}

async fn under_a_deadline(files: &[PathBuf]) {
    let deadline = Deadline::after(Duration::from_millis(20));
    println!("\nwith_deadline, 20 ms for files of which each takes 5 ms");
    let slow = |file: &PathBuf| {
        let work = count_in_task(file.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            work.await
        }
    };
    let results = with_deadline(
        deadline,
        parallel_map(files.to_vec(), slow, MapConfig::default()),
    )
    .await;
    let results = results.unwrap_or_default();
    let failed = |error: TaskError| {
        let failed = results.iter().filter_map(|result| result.as_ref().err());
        failed.filter(|failed| failed.error == error).count()
    };
    println!(
        "  {} done, {} aborted, {} given back untouched",
        results.iter().flatten().count(),
        failed(TaskError::Timeout),
        failed(TaskError::NotStarted)
    );
}

async fn supervised() -> Result<(), Box<dyn Error>> {
    println!("\nsupervised_task, three of which the second crashes");
    let tasks = TaskSupervisor::start(TaskSupervisorConfig::default()).await?;
    for file in ["Cargo.toml", "no such file", "README.md"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let counted = supervised_task(&tasks, async move { count(&file) }, Duration::from_secs(1));
        match counted.await {
            Ok(counts) => println!("  {name:<14}{} words", counts.words),
            Err(SupervisedError::Task(error)) => println!("  {name:<14}{error}"),
            Err(error) => return Err(error.into()),
        }
    }
    println!("  {} tasks are left", tasks.count().await?.specs);
    tasks.stop().await?;
    Ok(())
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
            let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else {
                continue;
            };
            if kind.is_dir() && name != "target" && name != ".git" {
                folders.push(entry.path());
            } else if kind.is_file()
                && entry
                    .metadata()
                    .is_ok_and(|data| data.len() <= LARGEST_FILE)
            {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files.truncate(MOST_FILES);
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
