//! How a table and a store end: with the owner, given away, inherited.

use std::sync::mpsc;

use otp_core::{Context, ExitReason, GenServer, ReplyTo};
use patterns_store::{StopError, Store, StoreError, StorePutError, Table, TableError, TableOwner};
use testing::{quiet, settle};

use crate::support::{Alive, Counted, owner, panic_of, store};

#[test]
fn without_its_owner_every_operation_says_that_the_table_is_dead() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(1, 10).unwrap();
    let index = owner.index(|_, value| *value).unwrap();
    let table = owner.table();
    let other = table.clone();
    drop(owner);
    let closed = Err(TableError::Closed);
    assert!(table.is_closed());
    assert_eq!(table.get(&1), Err(TableError::Closed));
    assert_eq!(other.get(&1), Err(TableError::Closed));
    let refused = table.put(1, 11).unwrap_err();
    assert_eq!(
        (refused.error, refused.into_row()),
        (TableError::Closed, (1, 11))
    );
    assert_eq!(table.member(&1), Err(TableError::Closed));
    assert_eq!(table.with(&1, |_| ()), Err(TableError::Closed));
    assert_eq!(table.take(&1), Err(TableError::Closed));
    assert_eq!(table.delete(&1), Err(TableError::Closed));
    assert_eq!(table.clear(), closed);
    assert_eq!(table.size(), Err(TableError::Closed));
    assert!(table.stats().is_err() && table.info().is_err());
    assert_eq!(table.snapshot(), Err(TableError::Closed));
    assert_eq!(table.select_delete(|_, _| true), Err(TableError::Closed));
    assert_eq!(table.update_counter(&1, 1), Err(TableError::Closed));
    assert_eq!(table.alter(&1, |_| None), Err(TableError::Closed));
    assert_eq!(table.compare_and_swap(&1, &1, 1), Err(TableError::Closed));
    assert!(table.insert_new(1, 1).is_err());
    assert_eq!(index.get(&10), Err(TableError::Closed));
    assert!(table.index(|_, value| *value).is_err());
    assert!(table.changes(1).is_err());
    assert!(table.dump("never written", |_, _, _| ()).is_err());
}

#[test]
fn the_rows_are_dropped_with_the_owner_and_not_with_the_last_handle() {
    let alive = Alive::default();
    let owner: TableOwner<u32, _> = owner();
    for key in 0..1_000 {
        owner.put(key, alive.value()).unwrap();
    }
    let table = owner.table();
    drop(owner);
    assert_eq!(alive.count(), 0);
    assert!(table.is_closed());
}

#[test]
fn handles_do_not_keep_a_table_alive_and_owners_need_no_handles() {
    let owner: TableOwner<u32, u32> = owner();
    drop(owner.table());
    owner.put(1, 10).unwrap();
    assert_eq!(owner.table().get(&1), Ok(Some(10)));
}

#[test]
fn to_give_a_table_away_is_to_move_its_owner() {
    let owner: TableOwner<u32, u32> = owner();
    owner.put(1, 10).unwrap();
    let table = owner.table();
    let (give, take) = mpsc::channel();
    let there = std::thread::spawn(move || {
        let owner: TableOwner<u32, u32> = take.recv().unwrap();
        owner.put(2, 20).unwrap();
    });
    give.send(owner).unwrap();
    there.join().unwrap();
    assert!(table.is_closed());
}

struct Holder(TableOwner<u32, u32>);

enum Msg {
    Table(ReplyTo<Table<u32, u32>>),
    Crash,
}

impl GenServer for Holder {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Table(reply) => reply.send(self.0.table()),
            Msg::Crash => panic!("as told"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_table_in_a_servers_state_dies_with_the_server() {
    quiet();
    for end in ["stop", "crash", "kill"] {
        let owner = owner();
        owner.put(1, 10).unwrap();
        let server = otp_core::start(Holder(owner)).await.unwrap();
        let table = server.call(Msg::Table).await.unwrap();
        assert_eq!(table.get(&1), Ok(Some(10)));
        let ended = server.pid().unwrap().monitor();
        match end {
            "stop" => server.stop().await.unwrap(),
            "crash" => server.cast(Msg::Crash).unwrap(),
            _ => server.pid().unwrap().kill(),
        }
        ended.await;
        assert_eq!(table.get(&1), Err(TableError::Closed), "after {end}");
    }
}

#[tokio::test]
async fn an_heir_gets_the_table_of_a_server_that_crashed() {
    quiet();
    for end in ["stop", "crash", "kill"] {
        let owner = owner();
        owner.put(1, 10).unwrap();
        let (heir, mut inbox) = otp_core::inbox::<TableOwner<u32, u32>>();
        owner.set_heir_recipient(heir.recipient(), |owner| owner);
        let index = owner.index(|_, value| *value).unwrap();
        let mut changes = owner.changes(8).unwrap();
        let server = otp_core::start(Holder(owner)).await.unwrap();
        let table = server.call(Msg::Table).await.unwrap();
        match end {
            "stop" => server.stop().await.unwrap(),
            "crash" => server.cast(Msg::Crash).unwrap(),
            _ => server.pid().unwrap().kill(),
        }
        let inherited = inbox.recv().await.unwrap();
        assert_eq!(table.get(&1), Ok(Some(10)), "after {end}");
        inherited.put(2, 20).unwrap();
        assert_eq!(index.get(&20), Ok(vec![(2, 20)]));
        assert!(changes.recv().await.is_some());
        drop(inherited);
        assert!(table.is_closed(), "the heir has no heir");
        assert_eq!(changes.recv().await, None);
    }
}

#[test]
fn an_heir_that_is_gone_lets_the_table_die() {
    let owner: TableOwner<u32, u32> = owner();
    let (heir, inbox) = otp_core::inbox::<TableOwner<u32, u32>>();
    owner.set_heir_recipient(heir.recipient(), |owner| owner);
    drop(inbox);
    let table = owner.table();
    drop(owner);
    assert!(table.is_closed());
}

#[tokio::test]
async fn an_heir_that_ends_before_it_reads_the_message_lets_the_table_die() {
    let owner: TableOwner<u32, u32> = owner();
    let (heir, inbox) = otp_core::inbox::<TableOwner<u32, u32>>();
    owner.set_heir_recipient(heir.recipient(), |owner| owner);
    let table = owner.table();
    drop(owner);
    assert!(!table.is_closed());
    drop(inbox);
    settle().await;
    assert!(table.is_closed());
}

#[test]
fn an_heir_that_panics_lets_the_table_die_and_nothing_else() {
    quiet();
    let alive = Alive::default();
    let owner: TableOwner<u32, _> = owner();
    owner.put(1, alive.value()).unwrap();
    let table = owner.table();
    owner.set_heir(|owner| {
        let _owner = owner;
        panic!("as told")
    });
    drop(owner);
    assert!(table.is_closed());
    assert_eq!(alive.count(), 0);
}

#[test]
fn an_heir_is_called_by_an_owner_that_dies_of_a_panic() {
    let owner: TableOwner<u32, u32> = owner();
    let (send, inherited) = mpsc::channel();
    owner.set_heir(move |owner| send.send(owner).unwrap());
    owner.put(1, 10).unwrap();
    panic_of(move || {
        let _owner = owner;
        panic!("as told")
    });
    let owner = inherited.recv().unwrap();
    assert_eq!(owner.get(&1), Ok(Some(10)));
}

#[test]
fn the_last_heir_that_was_set_is_the_one() {
    let owner: TableOwner<u32, u32> = owner();
    let (send, inherited) = mpsc::channel();
    let first = send.clone();
    owner.set_heir(move |_| first.send("first").unwrap());
    owner.set_heir(move |_| send.send("second").unwrap());
    drop(owner);
    assert_eq!(inherited.iter().collect::<Vec<_>>(), ["second"]);
}

#[test]
fn an_heir_that_was_taken_back_is_not_called() {
    let owner: TableOwner<u32, u32> = owner();
    owner.set_heir(|_| unreachable!("it was taken back"));
    assert!(owner.clear_heir());
    assert!(!owner.clear_heir());
    let table = owner.table();
    drop(owner);
    assert!(table.is_closed());
}

#[test]
fn an_heir_that_is_never_needed_is_dropped() {
    let alive = Alive::default();
    let owner: TableOwner<u32, u32> = owner();
    let held = alive.value();
    owner.set_heir(move |_| drop(held));
    drop(owner);
    assert_eq!(alive.count(), 0);
}

/// A table can pass through any number of heirs.
#[test]
fn a_table_goes_from_heir_to_heir() {
    fn pass_on(owner: TableOwner<u32, u32>, rest: u32, last: mpsc::Sender<TableOwner<u32, u32>>) {
        owner.update_counter(&1, 1).unwrap();
        if rest == 0 {
            last.send(owner).unwrap();
        } else {
            owner.set_heir(move |owner| pass_on(owner, rest - 1, last));
        }
    }
    let (last, end) = mpsc::channel();
    pass_on(owner(), 100, last);
    assert_eq!(end.recv().unwrap().get(&1), Ok(Some(101)));
}

#[test]
fn a_drop_that_panics_keeps_no_other_row_from_being_dropped() {
    struct Bomb(#[expect(dead_code, reason = "it is counted")] Counted, bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.1, "as told");
        }
    }
    quiet();
    let alive = Alive::default();
    for close in [false, true] {
        let owner: TableOwner<u32, Bomb> = owner();
        for key in 0..300 {
            owner.put(key, Bomb(alive.value(), key % 7 == 0)).unwrap();
        }
        if close {
            drop(owner);
        } else {
            assert_eq!(owner.clear(), Ok(()));
            assert_eq!(owner.size(), Ok(0));
        }
        assert_eq!(alive.count(), 0);
    }
}

#[tokio::test]
async fn a_stopped_store_says_so_and_its_table_is_dead() {
    let alive = Alive::default();
    let store: Store<u32, Counted> = store().await;
    store.put(1, alive.value()).await.unwrap();
    let table = store.table();
    store.stop().await.unwrap();
    assert_eq!(alive.count(), 0);
    assert!(store.pid().is_none());
    assert!(table.is_closed());
    assert!(matches!(store.fetch(&1), Err(TableError::Closed)));
    assert!(matches!(store.get(1).await, Err(StoreError::Call(_))));
    assert!(matches!(
        store.put(1, alive.value()).await,
        Err(StorePutError::Call(_))
    ));
    assert!(matches!(store.stop().await, Err(StopError::NoProc)));
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn the_last_handle_takes_the_table_along_and_direct_handles_do_not_keep_it() {
    let store: Store<u32, u32> = store().await;
    let table = store.table();
    let other = store.clone();
    drop(store);
    settle().await;
    assert!(!table.is_closed());
    drop(other);
    settle().await;
    assert!(table.is_closed());
}

#[tokio::test]
async fn twenty_stores_leave_no_process_behind() {
    for _ in 0..20 {
        let store: Store<u32, u32> = store().await;
        store.put(1, 1).await.unwrap();
    }
    settle().await;
    let left = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert!(left <= 2, "{left} tasks are left");
}

#[test]
fn a_table_dies_with_the_runtime_of_its_store() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let store: Store<u32, u32> = runtime.block_on(store());
    runtime.block_on(store.put(1, 10)).unwrap();
    let table = store.table();
    assert_eq!(table.get(&1), Ok(Some(10)));
    drop(runtime);
    assert_eq!(table.get(&1), Err(TableError::Closed));
}
