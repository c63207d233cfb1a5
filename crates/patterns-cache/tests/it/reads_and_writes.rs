//! Putting, reading, deleting, listing.

use std::collections::HashSet;
use std::sync::Arc;

use patterns_cache::Cache;

use crate::support::cache;

#[tokio::test]
async fn a_put_is_visible_through_every_clone_at_once() {
    let cache = cache().await;
    let other = cache.clone();
    cache.put("key", 1);
    assert_eq!(other.get("key"), Some(1));
    other.delete("key");
    assert_eq!(cache.get("key"), None);
}

#[tokio::test]
async fn a_put_returns_the_value_that_it_replaces() {
    let cache = cache().await;
    assert_eq!(cache.put("key", 1), None);
    assert_eq!(cache.put("key", 2), Some(1));
    assert_eq!(cache.get("key"), Some(2));
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn a_missing_key_is_none() {
    let cache: Cache<&str, u8> = cache().await;
    assert_eq!(cache.get("nothing"), None);
    assert_eq!(cache.delete("nothing"), None);
    assert!(!cache.contains_key("nothing"));
}

#[tokio::test]
async fn a_delete_returns_the_value_and_the_key_is_gone() {
    let cache = cache().await;
    cache.extend([("a", 1), ("b", 2)]);
    assert_eq!(cache.delete("a"), Some(1));
    assert_eq!((cache.get("a"), cache.get("b")), (None, Some(2)));
}

#[tokio::test]
async fn a_clear_removes_everything() {
    let cache = cache().await;
    cache.extend((0..1_000_u64).map(|key| (key, key)));
    cache.clear();
    assert!(cache.is_empty());
    assert_eq!(cache.keys(), []);
    assert_eq!(cache.get(&5), None);
    assert_eq!(cache.put(5, 6), None);
}

#[tokio::test]
async fn keys_lists_every_live_key_once() {
    let cache = cache().await;
    cache.extend((0..1_000_u64).map(|key| (key, ())));
    cache.delete(&500);
    let keys = cache.keys();
    assert_eq!(keys.len(), 999);
    assert_eq!(
        keys.into_iter().collect::<HashSet<_>>(),
        (0..1_000).filter(|&key| key != 500).collect()
    );
}

#[tokio::test]
async fn lookups_take_a_borrowed_form_of_the_key() {
    let cache: Cache<String, u8> = cache().await;
    cache.put("key".to_owned(), 1);
    assert!(cache.contains_key("key"));
    assert_eq!(cache.get("key"), Some(1));
    assert_eq!(cache.delete("key"), Some(1));
}

#[tokio::test]
async fn any_hashable_key_and_any_value_will_do() {
    type Function = Arc<dyn Fn(u8) -> u8 + Send + Sync>;
    let cache: Cache<(u8, Vec<String>), Function> = cache().await;
    cache.put((1, vec!["one".to_owned()]), Arc::new(|x| x + 1));
    let value = cache.get(&(1, vec!["one".to_owned()])).unwrap();
    assert_eq!(value(1), 2);
}

#[tokio::test]
async fn an_option_can_be_cached_and_is_told_apart_from_a_miss() {
    let cache: Cache<&str, Option<u8>> = cache().await;
    cache.put("nothing there", None);
    assert_eq!(cache.get("nothing there"), Some(None));
    assert_eq!(cache.get("never asked"), None);
}

#[tokio::test]
async fn extend_warms_the_cache_up_and_its_iterator_may_use_the_cache() {
    let cache: Cache<u64, u64> = cache().await;
    cache.extend((1..100).map(|key| (key, cache.get(&(key - 1)).unwrap_or(0) + key)));
    assert_eq!(cache.get(&99), Some((1..100).sum()));
}

#[tokio::test]
async fn a_replaced_entry_keeps_its_first_key() {
    let cache: Cache<Arc<str>, u8> = cache().await;
    let first: Arc<str> = "key".into();
    cache.put(Arc::clone(&first), 1);
    cache.put("key".into(), 2);
    assert!(Arc::ptr_eq(&cache.keys()[0], &first));
}

#[tokio::test]
async fn printing_a_cache_shows_no_entries() {
    let cache = cache().await;
    cache.put("password", "secret");
    assert_eq!(format!("{cache:?}"), "Cache { default_ttl: None, .. }");
}
