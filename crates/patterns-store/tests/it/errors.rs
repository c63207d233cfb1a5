//! What errors say.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use otp_core::CallError;
use patterns_store::{
    PutError, StartError, Store, StoreConfig, StoreError, StorePutError, TableError, TableOwner,
};

use crate::support::{bounded, store};

#[test]
fn a_start_without_a_runtime_is_an_error() {
    let start = pin!(Store::<u64, u64>::start(StoreConfig::default()));
    let Poll::Ready(result) = start.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for a runtime that is not there");
    };
    let error = result.unwrap_err();
    assert!(matches!(error, StartError::NoRuntime));
    assert_eq!(error.to_string(), "there is no tokio runtime here");
}

#[tokio::test]
async fn a_store_names_what_refused() {
    let store: Store<u32, u32> = store().await;
    let table = store.table();
    store.stop().await.unwrap();
    let error = store.get(1).await.unwrap_err();
    assert!(matches!(error, StoreError::Call(_)));
    assert!(error.to_string().starts_with("the owner did not answer: "));
    assert_eq!(
        table.get(&1).unwrap_err().to_string(),
        "the table is dead: its owner is gone"
    );
}

#[test]
fn only_an_owner_that_does_not_answer_in_time_is_a_timeout() {
    assert!(StoreError::Call(CallError::Timeout).is_timeout());
    assert!(!StoreError::Call(CallError::NoProc).is_timeout());
    assert!(!StoreError::Table(TableError::Full).is_timeout());
    assert!(!StoreError::Empty.is_timeout());
    assert!(StorePutError::<u32, u32>::Call(CallError::Timeout).is_timeout());
    let owner: TableOwner<u32, u32> = bounded(1);
    owner.put(1, 1).unwrap();
    let refused: PutError<u32, u32> = owner.put(2, 2).unwrap_err();
    assert!(!StorePutError::Refused(refused).is_timeout());
}
