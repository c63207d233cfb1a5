//! A cache whose process is a child of a supervisor.

use otp_core::{Strategy, Supervisor};
use patterns_cache::{Cache, CacheConfig, Hooks};
use testing::{advance, secs};

#[tokio::test(start_paused = true)]
async fn the_entries_outlive_the_process_and_the_next_one_sweeps() {
    let (child, cache): (_, Cache<&str, u32>) =
        Cache::child("cache", CacheConfig::default(), Hooks::new()).unwrap();
    cache.put("before the start", 1);
    let server = child.server_ref();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    cache.put_with_ttl("short", 2, secs(60));
    server.pid().unwrap().kill();
    advance(secs(30)).await;
    assert_eq!(cache.get("before the start"), Some(1));
    advance(secs(30)).await;
    assert_eq!(cache.stats().expired, 1, "the new process swept it");
    tree.stop().await.unwrap();
    assert_eq!(cache.get("before the start"), Some(1));
}
