//! The targets of the pattern crates, each beside what users pick today.

use super::Target;
use crate::book::Book;
use crate::contenders::caches::{PATTERNS_CACHE, QUICK_CACHE};
use crate::contenders::stores::{DASHMAP_DEFAULT, STORE};
use crate::report::beam::{self, Line};
use crate::scenarios::{agent, breaker, limit, pool, pubsub, store, task};

/// All of them.
pub(super) fn targets(book: &Book, beam: Option<&[Line]>) -> Vec<Target> {
    const TTL: &str = "patterns-cache, `put_with_ttl`";
    let target = |what, target, measured| Target {
        what,
        target,
        stretch: None,
        measured,
        unit: "",
    };
    let cache =
        |what, limit, scenario, ours| target(what, limit, book.ratio(scenario, ours, QUICK_CACHE));
    let table = |what, scenario| target(what, 1.0, book.ratio(scenario, STORE, DASHMAP_DEFAULT));
    let counter = beam.and_then(|lines| beam::ratio(book, lines, store::COUNT_HOT));
    vec![
        cache(
            "cache: hit ÷ quick_cache, 1 thread",
            1.2,
            "get, hit, 1 thread",
            PATTERNS_CACHE,
        ),
        cache("… 2 threads", 1.2, "get, hit, 2 threads", PATTERNS_CACHE),
        cache(
            "cache: hit with a time to live ÷ quick_cache, 1 thread",
            1.5,
            "get, hit, 1 thread",
            TTL,
        ),
        cache("… 2 threads", 1.5, "get, hit, 2 threads", TTL),
        cache(
            "… 1 thread, the next key is the value",
            1.5,
            "get, hit, the next key is the value, 1 thread",
            TTL,
        ),
        cache(
            "… 2 threads, the next key is the value",
            1.5,
            "get, hit, the next key is the value, 2 threads",
            TTL,
        ),
        target(
            "cache: hit with a time to live ÷ moka with one",
            0.25,
            book.ratio("get, hit, 1 thread", TTL, "moka, `time_to_live`"),
        ),
        table("table: read ÷ dashmap, 1 thread", store::READ),
        table("… 2 threads", store::READ_TWO),
        table(
            "table: counter, one hot key ÷ dashmap, 1 thread",
            store::COUNT_HOT,
        ),
        table("… 2 threads", store::COUNT_HOT_TWO),
        table(
            "table: counter, 100,000 keys ÷ dashmap, 1 thread",
            store::COUNT_MANY,
        ),
        table("… 2 threads", store::COUNT_MANY_TWO),
        target("table: counter ÷ Elixir", 0.5, counter),
        target(
            "table: read ÷ the same through the owner",
            0.2,
            book.ratio(store::OWNER, STORE, store::THROUGH_OWNER),
        ),
        target(
            "agent: `get_and_update` ÷ a call of otp-core",
            1.1,
            book.ratio(agent::UPDATE, agent::AGENT, agent::BARE),
        ),
        target(
            "agent: `snapshot` ÷ arc-swap, 1 thread",
            1.2,
            book.ratio(agent::SNAPSHOT, agent::AGENT, agent::ARC_SWAP),
        ),
        target(
            "… 2 threads",
            1.2,
            book.ratio(agent::SNAPSHOT_TWO, agent::AGENT, agent::ARC_SWAP),
        ),
        target(
            "agent: increment without a reply ÷ a cast of otp-core",
            1.2,
            book.ratio(agent::INCREMENT, agent::AGENT, agent::BARE),
        ),
        target(
            "task: spawn and await ÷ `tokio::spawn`",
            1.15,
            book.ratio(task::SPAWN, task::TASK, task::SPAWNED),
        ),
        target(
            "task: a stream of 8 ÷ `buffered`",
            1.0,
            book.ratio(task::STREAM, task::TASK, task::BUFFERED),
        ),
        target(
            "pool: checkout ÷ the faster of deadpool and bb8",
            0.9,
            pool::ratio(book, pool::ALONE),
        ),
        target("… 64 tasks on 8", 0.9, pool::ratio(book, pool::CROWD)),
        target(
            "limit: one for all ÷ governor with the system's clock, 1 thread",
            1.0,
            book.ratio(limit::ALL, limit::LIMIT, limit::GOVERNOR),
        ),
        target(
            "… 2 threads",
            1.0,
            book.ratio(limit::ALL_TWO, limit::LIMIT, limit::GOVERNOR),
        ),
        target(
            "limit: 100,000 keys ÷ governor with the system's clock, 1 thread",
            0.8,
            book.ratio(limit::KEYED, limit::LIMIT, limit::GOVERNOR),
        ),
        target(
            "… 2 threads",
            0.8,
            book.ratio(limit::KEYED_TWO, limit::LIMIT, limit::GOVERNOR),
        ),
        Target {
            unit: "bytes",
            ..target(
                "limit: memory of a key, of a million",
                100.0,
                book.median(limit::MEMORY, limit::LIMIT),
            )
        },
        target(
            "breaker: a permit and its success ÷ recloser, 1 thread",
            1.0,
            book.ratio(breaker::SUCCESS, breaker::BREAKER, breaker::RECLOSER),
        ),
        target(
            "… 2 threads",
            1.0,
            book.ratio(breaker::SUCCESS_TWO, breaker::BREAKER, breaker::RECLOSER),
        ),
        target(
            "pub/sub: a delivery, 100 subscribers with queues ÷ fan-out over mpsc",
            0.8,
            book.ratio(pubsub::HUNDRED, pubsub::PUBSUB, pubsub::FAN_OUT),
        ),
        target(
            "… ÷ tokio's broadcast",
            2.0,
            book.ratio(pubsub::HUNDRED, pubsub::PUBSUB, pubsub::BROADCAST),
        ),
        target(
            "… all drop the oldest ÷ tokio's broadcast",
            1.3,
            book.ratio(pubsub::HUNDRED, pubsub::DROPS_OLDEST, pubsub::BROADCAST),
        ),
    ]
}
