//! Where and with what it was measured.

use std::time::{SystemTime, UNIX_EPOCH};

use super::markdown::Table;

const LOCK: &str = include_str!("../../Cargo.lock");

/// The packages whose versions matter.
const PACKAGES: [&str; 21] = [
    "tokio",
    "otp-core",
    "patterns-agent",
    "patterns-cache",
    "patterns-pool",
    "patterns-store",
    "patterns-task",
    "ractor",
    "kameo",
    "xtra",
    "actix",
    "arc-swap",
    "bb8",
    "deadpool",
    "futures",
    "moka",
    "quick_cache",
    "dashmap",
    "papaya",
    "scc",
    "foldhash",
];

/// The section of the document.
pub(crate) fn section() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut table = Table::new(&["", ""]);
    let versions: Vec<String> = PACKAGES
        .iter()
        .filter_map(|name| Some(format!("{name} {}", locked_version(name)?)))
        .collect();
    let rows = [
        ("date", today()),
        (
            "processor",
            format!(
                "{}, {cores} cores",
                processor().unwrap_or_else(|| "unknown".to_owned())
            ),
        ),
        (
            "system",
            format!("{}, {}", system(), std::env::consts::ARCH),
        ),
        (
            "load of the machine at the end (1, 5, 15 min)",
            load().unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("compiler", env!("PEER_BENCH_RUSTC").to_owned()),
        ("packages", versions.join(", ")),
    ];
    for (name, value) in rows {
        table.row(&[name.to_owned(), value]);
    }
    format!("## Machine\n\n{}", table.render())
}

fn locked_version(package: &str) -> Option<&'static str> {
    let (_, after) = LOCK.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next()
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How busy the machine was: this program alone makes at most about two.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(
        text.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(", "),
    )
}

fn system() -> String {
    let pretty = std::fs::read_to_string("/etc/os-release")
        .ok()
        .and_then(|text| {
            let name = text
                .lines()
                .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
            Some(format!(
                "{} ({})",
                name.trim_matches('"'),
                std::env::consts::OS
            ))
        });
    pretty.unwrap_or_else(|| std::env::consts::OS.to_owned())
}

/// Today in UTC as `YYYY-MM-DD`, by Howard Hinnant's `civil_from_days`.
fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March is month 0 here, so that the leap day is the last of the year.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, january_or_february) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + january_or_february;
    format!("{year:04}-{month:02}-{day:02}")
}
