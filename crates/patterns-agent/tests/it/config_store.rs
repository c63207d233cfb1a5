//! The store of settings.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use patterns_agent::{
    AgentConfig, AgentError, ConfigStore, ConfigStoreConfig, StartError, Validator,
};
use testing::settle;

use crate::support::{fatal, keep_busy, soon};

fn map<const N: usize>(entries: [(&'static str, i32); N]) -> HashMap<&'static str, i32> {
    HashMap::from(entries)
}

async fn store<const N: usize>(
    entries: [(&'static str, i32); N],
) -> ConfigStore<&'static str, i32> {
    ConfigStore::start(entries).await.unwrap()
}

#[tokio::test]
async fn a_missing_key_is_none_or_the_default() {
    let store = store([("a", 1)]).await;
    assert_eq!(
        (store.get("a").unwrap(), store.get("b").unwrap()),
        (Some(1), None)
    );
    assert_eq!(
        (store.get_or("a", 9).unwrap(), store.get_or("b", 9).unwrap()),
        (1, 9)
    );
    assert!(store.contains_key("a").unwrap() && !store.contains_key("b").unwrap());
}

#[tokio::test]
async fn changes_return_what_was_there_before() {
    let store = store([]).await;
    assert!(store.is_empty().unwrap());
    assert_eq!(store.put("a", 1).await.unwrap(), None);
    assert!(!store.is_empty().unwrap());
    assert_eq!(store.put("a", 2).await.unwrap(), Some(1));
    assert_eq!(store.delete("a").await.unwrap(), Some(2));
    assert_eq!(store.delete("a").await.unwrap(), None);
    assert_eq!(store.put_all([("b", 1), ("c", 2)]).await.unwrap(), map([]));
    assert_eq!(
        store.merge([("c", 3), ("d", 4)]).await.unwrap(),
        map([("b", 1), ("c", 2)])
    );
    assert_eq!(
        *store.get_all().unwrap(),
        map([("b", 1), ("c", 3), ("d", 4)])
    );
    assert_eq!(store.put_all([("e", 5)]).await.unwrap().len(), 3);
    assert_eq!(
        (store.keys().unwrap(), store.len().unwrap()),
        (vec!["e"], 1)
    );
}

#[tokio::test]
async fn values_of_several_kinds_are_an_enum() {
    #[derive(Debug, Clone, PartialEq)]
    enum Value {
        Text(&'static str),
        Number(f64),
    }
    let store = ConfigStore::start([("name", Value::Text("x"))])
        .await
        .unwrap();
    store.put("load", Value::Number(0.5)).await.unwrap();
    assert_eq!(store.get("name").unwrap(), Some(Value::Text("x")));
    assert_eq!(store.get("load").unwrap(), Some(Value::Number(0.5)));
}

#[tokio::test]
async fn owned_keys_are_looked_up_by_reference() {
    let store = ConfigStore::start([("a".to_owned(), 1)]).await.unwrap();
    assert_eq!(store.get("a").unwrap(), Some(1));
    assert_eq!(store.delete("a").await.unwrap(), Some(1));
}

#[tokio::test]
async fn reading_asks_nobody_so_it_works_while_the_agent_is_busy() {
    let store = store([("a", 1)]).await;
    let release = keep_busy(store.agent());
    settle().await;
    assert_eq!(store.get("a").unwrap(), Some(1));
    release.send(()).unwrap();
    store.put("a", 2).await.unwrap();
    assert_eq!(
        store.get("a").unwrap(),
        Some(2),
        "and a returned change is there"
    );
}

#[tokio::test]
async fn a_bound_refuses_a_change_as_a_whole() {
    let config = ConfigStoreConfig {
        max_entries: NonZeroUsize::new(2),
        ..ConfigStoreConfig::default()
    };
    let store = ConfigStore::start_with(config.clone(), [("a", 1), ("b", 2)])
        .await
        .unwrap();
    let error = store.put("c", 3).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the new state was refused: 3 entries, at most 2 are allowed"
    );
    assert_eq!(
        store.put("a", 9).await.unwrap(),
        Some(1),
        "a known key needs no room"
    );
    assert!(matches!(
        store.merge([("b", 8), ("c", 3)]).await,
        Err(AgentError::Refused(_))
    ));
    let many = [("x", 1), ("y", 2), ("z", 3)];
    assert!(matches!(
        store.put_all(many).await,
        Err(AgentError::Refused(_))
    ));
    assert_eq!(*store.get_all().unwrap(), map([("a", 9), ("b", 2)]));
    assert_eq!(
        (store.agent().version(), store.agent().info().refused),
        (2, 3),
        "what was refused is no version"
    );
    store.merge([("a", 0), ("b", 0)]).await.unwrap();

    let error = ConfigStore::start_with(config.clone(), many)
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Failed(_)));
    assert!(ConfigStore::child("store", config, many).is_err());
}

#[tokio::test]
async fn a_validator_refuses_bad_settings_and_the_old_ones_stay() {
    let validator = Validator::new(|map: &HashMap<&'static str, i32>| match map.get("port") {
        Some(1..=65_535) => Ok(()),
        _ => Err("no port"),
    });
    let config = ConfigStoreConfig {
        agent: AgentConfig {
            validator: Some(validator),
            ..AgentConfig::default()
        },
        ..ConfigStoreConfig::default()
    };
    let store = ConfigStore::start_with(config, [("port", 80)])
        .await
        .unwrap();
    assert!(matches!(
        store.put("port", 0).await,
        Err(AgentError::Refused(_))
    ));
    assert!(matches!(
        store.delete("port").await,
        Err(AgentError::Refused(_))
    ));
    assert!(matches!(
        store.put_all([]).await,
        Err(AgentError::Refused(_))
    ));
    assert_eq!(store.get("port").unwrap(), Some(80));
}

#[tokio::test]
async fn a_reload_is_seen_whole() {
    let store = store([("a", 0), ("b", 0)]).await;
    let (mut reader, writer) = (store.reader().clone(), store.clone());
    let reload = tokio::spawn(async move {
        for round in 1..=200 {
            writer.put_all([("a", round), ("b", round)]).await.unwrap();
        }
    });
    while soon(reader.recv()).await.unwrap().state["a"] < 200 {
        let all = store.get_all().unwrap();
        assert_eq!(all["a"], all["b"]);
    }
    soon(reload).await.unwrap();
}

#[tokio::test]
async fn a_supervised_store_can_be_read_from_its_first_state_on_and_after_a_restart() {
    use otp_core::{Strategy, Supervisor};
    let (child, store) =
        ConfigStore::child("store", ConfigStoreConfig::default(), [("a", 1)]).unwrap();
    assert!(
        matches!(store.get("a"), Err(AgentError::NoProc)),
        "it does not run yet"
    );
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    assert_eq!(store.get("a").unwrap(), Some(1));
    store.put("a", 2).await.unwrap();
    let error = store.agent().update(|_| panic!("crash")).await.unwrap_err();
    assert_eq!(fatal(error), "crash");
    store.agent().get(|_| ()).await.unwrap();
    assert_eq!(store.get("a").unwrap(), Some(1));
    tree.stop().await.unwrap();
    assert!(matches!(store.len(), Err(AgentError::NoProc)));
    assert!(matches!(store.is_empty(), Err(AgentError::NoProc)));
}
