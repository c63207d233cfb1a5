//! Runs the demos: every `crates/*/examples/NAME.rs` is one.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command;
use crate::runner::{Verdict, seconds};
use crate::workspace::{Member, Workspace};

/// The order in which a newcomer meets the patterns; a demo that is not named here comes after, by
/// name.
const LEARNING_ORDER: [&str; 13] = [
    "agent",
    "cache",
    "supervisor",
    "task",
    "registry",
    "pubsub",
    "pool",
    "breaker",
    "pipeline",
    "railway",
    "behaviour",
    "store",
    "ratelimit",
];

/// How long a demo may take when all are run.
const LIMIT: Duration = Duration::from_secs(10);
/// When a demo that does not end is killed, so that it cannot hang a CI run.
const KILL: Duration = Duration::from_secs(30);

struct Demo {
    name: String,
    package: String,
    folder: PathBuf,
    about: String,
}

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    let demos = find(&workspace.members()?)?;
    match args.split_first() {
        None => run_all(workspace, &demos)?,
        Some((flag, [])) if flag == "--list" => {
            for demo in &demos {
                println!("{:<14} {:<22} {}", demo.name, demo.package, demo.about);
            }
        }
        Some((name, rest)) => {
            let demo = demos
                .iter()
                .find(|demo| demo.name == *name)
                .ok_or_else(|| unknown(name, &demos))?;
            build(workspace, &["--example", name])?;
            // It stays in the user's folder, so that a relative path among the arguments means what
            // it says.
            command::run(executable(demo)?.args(rest))?;
        }
    }
    Ok(Verdict::Passed)
}

fn find(members: &[Member]) -> Result<Vec<Demo>, String> {
    let mut demos = Vec::new();
    for member in members {
        // A crate without the folder is tidy's to report.
        let Ok(listing) = fs::read_dir(member.folder.join("examples")) else {
            continue;
        };
        for entry in listing {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            // The first paragraph of its docs.
            let about: Vec<&str> = text
                .lines()
                .map_while(|line| line.strip_prefix("//!").map(str::trim))
                .take_while(|line| !line.is_empty())
                .collect();
            demos.push(Demo {
                name: name.to_owned(),
                package: member.name.clone(),
                folder: member.folder.clone(),
                about: about.join(" "),
            });
        }
    }
    demos.sort_by_key(|demo| (rank(&demo.name), demo.name.clone()));
    Ok(demos)
}

fn rank(name: &str) -> usize {
    LEARNING_ORDER
        .iter()
        .position(|known| *known == name)
        .unwrap_or(LEARNING_ORDER.len())
}

fn unknown(name: &str, demos: &[Demo]) -> String {
    let known: Vec<_> = demos.iter().map(|demo| demo.name.as_str()).collect();
    format!("no demo `{name}`; there are: {}", known.join(", "))
}

/// Builds for the whole workspace, because building for one crate alone selects other features of
/// its dependencies and would compile them once more.
fn build(workspace: &Workspace, what: &[&str]) -> Result<(), String> {
    command::run(
        workspace
            .cargo(["build", "--workspace", "--all-features", "--locked"])
            .args(what),
    )
}

/// The demo as built. It is started directly and not by `cargo run`, so that the time taken is the
/// demo's own: cargo would wait for its lock while another cargo builds.
fn executable(demo: &Demo) -> Result<Command, String> {
    let own = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let built =
        own.with_file_name("examples")
            .join(format!("{}{}", demo.name, env::consts::EXE_SUFFIX));
    let mut command = Command::new(built);
    command.env("CARGO_MANIFEST_DIR", &demo.folder);
    Ok(command)
}

fn run_all(workspace: &Workspace, demos: &[Demo]) -> Result<(), String> {
    build(workspace, &["--examples"])?;
    let mut failures = Vec::new();
    for demo in demos {
        println!("\n--- {}: {}", demo.name, demo.about);
        let mut command = executable(demo)?;
        command.current_dir(workspace.root());
        let begun = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} did not start: {error}", demo.name))?;
        let outcome = judge(wait(child, KILL)?, begun.elapsed());
        match outcome {
            Ok(()) => println!(
                "--- {}: ended by itself after {}",
                demo.name,
                seconds(begun.elapsed())
            ),
            Err(why) => {
                println!("--- {}: FAILED, it {why}", demo.name);
                failures.push(format!("{} {why}", demo.name));
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// Waits for the end; `None` when the child had to be killed.
fn wait(mut child: Child, most: Duration) -> Result<Option<ExitStatus>, String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= most {
            child
                .kill()
                .and_then(|()| child.wait())
                .map_err(|error| error.to_string())?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn judge(status: Option<ExitStatus>, took: Duration) -> Result<(), String> {
    match status {
        None => Err(format!(
            "did not end by itself and was killed after {}",
            seconds(took)
        )),
        Some(status) if !status.success() => Err(format!("ended with {status}")),
        Some(_) if took > LIMIT => Err(format!(
            "took {}, the limit is {}",
            seconds(took),
            seconds(LIMIT)
        )),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;
    use std::time::Duration;

    use super::{judge, rank};

    #[test]
    fn the_learning_order_comes_before_the_rest() {
        assert!(rank("agent") < rank("cache"));
        assert!(rank("ratelimit") < rank("anything"));
    }

    #[test]
    fn a_demo_passes_only_by_ending_well_and_in_time() {
        let ended_well = Some(ExitStatus::default());
        assert_eq!(judge(ended_well, Duration::from_secs(1)), Ok(()));
        assert_eq!(
            judge(ended_well, Duration::from_secs(11)),
            Err("took 11.0 s, the limit is 10.0 s".to_owned())
        );
        let killed = judge(None, Duration::from_secs(30));
        assert_eq!(
            killed,
            Err("did not end by itself and was killed after 30.0 s".to_owned())
        );
    }
}
