//! The program started anew for one contender, so that memory is measured in a process where nothing ran before.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::contenders::{Contender, actix, floor, kameo, ractor, xtra};
use crate::harness::counter::{alive, until_alive_at_most};

/// What a child was asked for.
pub(crate) struct Request {
    contender: String,
    count: u64,
}

/// What a child measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    /// Starting all of them.
    pub(crate) start: Duration,
    /// Resident memory added by starting them, in bytes; `None` where the system does not tell.
    pub(crate) idle: Option<u64>,
    /// The same after each has answered one call.
    pub(crate) called: Option<u64>,
    /// Stopping all of them.
    pub(crate) stop: Duration,
}

/// A rate limiter that is filled with keys.
#[cfg(feature = "otp")]
pub(crate) const KEYS_OF_GOVERNOR: &str = "keys of governor";
/// A rate limiter that is filled with keys.
#[cfg(feature = "otp")]
pub(crate) const KEYS_OF_OURS: &str = "keys of ours";

const FLAG: &str = "--population";

/// Whether this process is such a child.
pub(crate) fn request(arguments: &[String]) -> Option<Request> {
    match arguments {
        [flag, contender, count] if flag == FLAG => Some(Request {
            contender: contender.clone(),
            count: count.parse().ok()?,
        }),
        _ => None,
    }
}

/// Starts a child for the contender and reads what it measured.
pub(crate) fn measure(contender: &str, count: u64) -> Population {
    let program = std::env::current_exe().expect("the program knows itself");
    let output = Command::new(program)
        .args([FLAG, contender, &count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("the program starts again");
    assert!(
        output.status.success(),
        "{contender} with {count} actors ended early"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<Option<u64>> = text
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    let [Some(start), idle, called, Some(stop)] = numbers[..] else {
        panic!("a child wrote `{text}`")
    };
    Population {
        start: Duration::from_nanos(start),
        idle,
        called,
        stop: Duration::from_nanos(stop),
    }
}

/// Does what was asked for and prints the figures.
pub(crate) fn serve(request: Request) -> Result<(), String> {
    let Request { contender, count } = request;
    let population = match contender.as_str() {
        floor::Floor::NAME => populate::<floor::Floor>(count),
        #[cfg(feature = "otp")]
        crate::contenders::otp::Otp::NAME => populate::<crate::contenders::otp::Otp>(count),
        ractor::Ractor::NAME => populate::<ractor::Ractor>(count),
        kameo::Kameo::NAME => populate::<kameo::Kameo>(count),
        xtra::Xtra::NAME => populate::<xtra::Xtra>(count),
        actix::Actix::NAME => populate::<actix::Actix>(count),
        #[cfg(feature = "otp")]
        KEYS_OF_GOVERNOR | KEYS_OF_OURS => {
            let filled = crate::scenarios::limit::fill(&contender, count);
            filled.ok_or("no such limiter")?
        }
        other => return Err(format!("no contender `{other}`")),
    };
    let bytes =
        |amount: Option<u64>| amount.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    println!(
        "{} {} {} {}",
        population.start.as_nanos(),
        bytes(population.idle),
        bytes(population.called),
        population.stop.as_nanos()
    );
    Ok(())
}

fn populate<C: Contender>(count: u64) -> Population {
    C::run(async move {
        // One that is gone again, so that what is made once for all is not counted.
        let first = C::start().await;
        C::call(&first).await;
        C::stop_all(vec![first]).await;
        until_alive_at_most(0).await;
        let before = resident();
        let added = |now: Option<u64>| Some(now?.saturating_sub(before?));

        let mut addresses = Vec::with_capacity(usize::try_from(count).expect("the count fits"));
        let started = Instant::now();
        for _ in 0..count {
            addresses.push(C::start().await);
        }
        let start = started.elapsed();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(alive(), count, "every actor lives");
        let idle = added(resident());
        for address in &addresses {
            C::call(address).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let called = added(resident());

        let started = Instant::now();
        C::stop_all(addresses).await;
        until_alive_at_most(0).await;
        Population {
            start,
            idle,
            called,
            stop: started.elapsed(),
        }
    })
}

/// Fills a limiter with keys, and drops it.
#[cfg(feature = "otp")]
pub(crate) fn keys<L>(count: u64, limiter: L, check: fn(&L, u64) -> bool) -> Population {
    let before = resident();
    let started = Instant::now();
    for key in 0..count {
        assert!(check(&limiter, key), "it is new");
    }
    let start = started.elapsed();
    let idle = resident().and_then(|now| Some(now.saturating_sub(before?)));
    let started = Instant::now();
    drop(limiter);
    Population {
        start,
        idle,
        called: None,
        stop: started.elapsed(),
    }
}

/// The resident memory of this process in bytes, as Linux tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
