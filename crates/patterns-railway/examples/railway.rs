//! Checks the configuration of a web server: every mistake at once, each with its place and its line.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use patterns_railway::{All, Errors, RailwayExt, ResultExt, accumulate, each, each_concurrent};
use tokio::fs;

#[derive(Debug)]
struct Config {
    server: Server,
    limits: Limits,
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Server {
    host: String,
    port: u16,
    workers: NonZeroUsize,
}

#[derive(Debug)]
struct Limits {
    body: u64,
    header: u64,
    timeout: Duration,
}

#[derive(Debug)]
struct Route {
    path: String,
    root: PathBuf,
    methods: Vec<String>,
    line: usize,
}

/// What is wrong, and in which line of the file.
#[derive(Debug)]
struct Mistake {
    line: Option<usize>,
    text: String,
}

impl Mistake {
    fn new(line: usize, text: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            text: text.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

type Checked<T> = Result<T, Errors<Mistake>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let files = if given.is_empty() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
        ["broken.ini", "moved.ini", "good.ini"]
            .map(|name| data.join(name))
            .to_vec()
    } else {
        given
    };
    for file in files {
        let name = file
            .file_name()
            .unwrap_or(file.as_os_str())
            .to_string_lossy();
        match load(&file).await {
            Ok(config) => print_config(&name, &config),
            Err(mistakes) => print_mistakes(&name, &mistakes),
        }
    }
    Ok(())
}

/// From a file to a configuration that is right: sync and async steps in one chain.
async fn load(file: &Path) -> Checked<Config> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::read_to_string(file)
        .railway()
        .map_err(|error| Mistake {
            line: None,
            text: format!("cannot be read: {error}"),
        })
        .here()
        .and_then(|text| {
            let (document, syntax) = parse(&text);
            (syntax, config(&document)).all().map(|((), config)| config)
        })
        .check_async(async |config| roots_exist(config, folder).await)
        .await
}

fn config(document: &Document) -> Checked<Config> {
    (
        document.one("server").and_then(server).under("server"),
        document.one("limits").and_then(limits).under("limits"),
        each(document.all("route"), route).under("routes"),
    )
        .all()
        .map(|(server, limits, routes)| Config {
            server,
            limits,
            routes,
        })
}

fn server(section: &Section) -> Checked<Server> {
    (
        section.required("host").and_then(host).at("host"),
        section.required("port").and_then(Entry::parse).at("port"),
        section
            .optional("workers", NonZeroUsize::MIN, Entry::parse)
            .at("workers"),
        section.nothing_but(&["host", "port", "workers"]),
    )
        .all()
        .map(|(host, port, workers, ())| Server {
            host,
            port,
            workers,
        })
}

/// The same without a tuple, for one check depends on others.
fn limits(section: &Section) -> Checked<Limits> {
    accumulate(|mut checks| {
        let body = checks.take(section.required("body").and_then(bytes).at("body"));
        let header = checks.take(section.optional("header", 8 << 10, bytes).at("header"));
        let timeout = checks.take(
            section
                .optional("timeout", Duration::from_secs(10), seconds)
                .at("timeout"),
        );
        if let (Some(body), Some(header)) = (body.value(), header.value()) {
            let fits = Ok(()).ensure(
                |()| header <= body,
                |()| {
                    Mistake::new(
                        section.line,
                        format!("a header of {header} bytes is larger than a body of {body}"),
                    )
                },
            );
            checks.take(fits.here());
        }
        checks.take(section.nothing_but(&["body", "header", "timeout"]));
        checks.finish(|open| Limits {
            body: open.get(body),
            header: open.get(header),
            timeout: open.get(timeout),
        })
    })
}

fn route(section: &Section) -> Checked<Route> {
    let path = section.required("path").and_then(|entry| {
        Ok(entry.value.clone()).ensure(
            |path| path.starts_with('/'),
            |path| Mistake::new(entry.line, format!("{path:?} does not begin with /")),
        )
    });
    let root = section
        .required("root")
        .map(|entry| PathBuf::from(&entry.value));
    let methods = match section.entry("methods") {
        None => Ok(vec!["GET".to_owned()]),
        Some(entry) => each(entry.value.split(','), |word| {
            method(entry.line, word.trim()).here()
        }),
    };
    (
        path.at("path"),
        root.at("root"),
        methods.under("methods"),
        section.nothing_but(&["path", "root", "methods"]),
    )
        .all()
        .map(|(path, root, methods, ())| Route {
            path,
            root,
            methods,
            line: section.line,
        })
}

fn method(line: usize, word: &str) -> Result<String, Mistake> {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE"];
    Ok(word.to_owned()).ensure(
        |word| known.contains(&word.as_str()),
        |word| {
            Mistake::new(
                line,
                format!("{word:?} is no method of {}", known.join(", ")),
            )
        },
    )
}

fn host(entry: &Entry) -> Result<String, Mistake> {
    Ok(entry.value.clone()).ensure(
        |host| {
            host.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        },
        |host| Mistake::new(entry.line, format!("{host:?} is no host name")),
    )
}

fn bytes(entry: &Entry) -> Result<u64, Mistake> {
    let (number, unit) = entry.number_and_unit()?;
    let factor = match unit {
        "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        _ => {
            return Err(Mistake::new(
                entry.line,
                format!("{unit:?} is none of B, KB, MB"),
            ));
        }
    };
    number
        .checked_mul(factor)
        .ok_or_else(|| Mistake::new(entry.line, "is too large"))
}

fn seconds(entry: &Entry) -> Result<Duration, Mistake> {
    let (number, unit) = entry.number_and_unit()?;
    Ok(Duration::from_secs(number)).ensure(
        |_| unit == "s",
        |_| Mistake::new(entry.line, format!("{unit:?} is not s")),
    )
}

/// Asks the file system, for four routes at a time.
async fn roots_exist(config: &Config, folder: &Path) -> Checked<()> {
    let four = NonZeroUsize::MIN.saturating_add(3);
    each_concurrent(&config.routes, four, |route| async move {
        let root = folder.join(&route.root);
        fs::metadata(root)
            .railway()
            .map_err(|error| Mistake::new(route.line, format!("{}: {error}", route.root.display())))
            .ensure(std::fs::Metadata::is_dir, |_| {
                Mistake::new(
                    route.line,
                    format!("{}: is no folder", route.root.display()),
                )
            })
            .at("root")
            .await
    })
    .under("routes")
    .map(drop)
    .await
}

/// Sections with their entries, as they stand in the file.
struct Document {
    sections: Vec<Section>,
}

struct Section {
    name: String,
    line: usize,
    entries: Vec<Entry>,
}

struct Entry {
    key: String,
    value: String,
    line: usize,
}

/// Reads lines of `[section]` and `key = value`, and tells all lines that are neither; the others are read all the same.
fn parse(text: &str) -> (Document, Checked<()>) {
    let mut sections: Vec<Section> = Vec::new();
    let lines = (1..).zip(text.lines().map(str::trim));
    let all_are_read = accumulate(|mut checks| {
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            checks.take(read_line(line, text, &mut sections).at("syntax"));
        }
        checks.finish(|_| ())
    });
    (Document { sections }, all_are_read)
}

fn read_line(line: usize, text: &str, sections: &mut Vec<Section>) -> Result<(), Mistake> {
    if let Some(name) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        sections.push(Section {
            name: name.to_owned(),
            line,
            entries: Vec::new(),
        });
        return Ok(());
    }
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Mistake::new(line, format!("{text:?} is no `key = value`")))?;
    let section = sections
        .last_mut()
        .ok_or_else(|| Mistake::new(line, "stands before any [section]"))?;
    section.entries.push(Entry {
        key: key.trim().to_owned(),
        value: value.trim().to_owned(),
        line,
    });
    Ok(())
}

impl Document {
    fn all(&self, name: &str) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(move |section| section.name == name)
    }

    fn one(&self, name: &str) -> Checked<&Section> {
        self.all(name)
            .next()
            .ok_or_else(|| Mistake {
                line: None,
                text: "is missing".to_owned(),
            })
            .here()
    }
}

impl Section {
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn required(&self, key: &str) -> Result<&Entry, Mistake> {
        self.entry(key)
            .ok_or_else(|| Mistake::new(self.line, "is missing"))
            .check(|entry| {
                if entry.value.is_empty() {
                    Err(Mistake::new(entry.line, "is empty"))
                } else {
                    Ok(())
                }
            })
    }

    fn optional<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Entry) -> Result<T, Mistake>,
    ) -> Result<T, Mistake> {
        self.entry(key).map_or(Ok(default), read)
    }

    fn nothing_but(&self, known: &[&str]) -> Checked<()> {
        let unknown = self
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()));
        let mistakes = unknown
            .map(|entry| Errors::at(&entry.key, Mistake::new(entry.line, "is not known here")));
        mistakes
            .reduce(|mut all, next| {
                all.merge(next);
                all
            })
            .map_or(Ok(()), Err)
    }
}

impl Entry {
    fn parse<T: std::str::FromStr<Err: fmt::Display>>(&self) -> Result<T, Mistake> {
        self.value
            .parse()
            .map_err(|error| Mistake::new(self.line, format!("{:?}: {error}", self.value)))
    }

    fn number_and_unit(&self) -> Result<(u64, &str), Mistake> {
        let (number, unit) = self.value.split_once(' ').unwrap_or((&self.value, ""));
        let number = number
            .parse()
            .map_err(|error| Mistake::new(self.line, format!("{number:?}: {error}")))?;
        Ok((number, unit.trim()))
    }
}

fn print_mistakes(name: &str, mistakes: &Errors<Mistake>) {
    let s = if mistakes.len() == 1 { "" } else { "s" };
    println!("{name}: {} mistake{s}", mistakes.len());
    for located in mistakes {
        let line = located
            .error
            .line
            .map_or(String::new(), |line| format!(":{line}"));
        println!(
            "  {:<18} {:<20} {}",
            format!("{name}{line}"),
            located.path.to_string(),
            located.error
        );
    }
    println!();
}

fn print_config(name: &str, config: &Config) {
    let Config {
        server,
        limits,
        routes,
    } = config;
    println!("{name}: all is well");
    println!(
        "  http://{}:{} with {} workers",
        server.host, server.port, server.workers
    );
    println!(
        "  bodies to {} KB, headers to {} KB, {:?} at most",
        limits.body >> 10,
        limits.header >> 10,
        limits.timeout
    );
    for route in routes {
        println!(
            "  {:<6} from {:<9} for {}",
            route.path,
            route.root.display(),
            route.methods.join(", ")
        );
    }
}
