//! Events told to processes.

use std::sync::Arc;

use otp_core::listeners::Listeners;
use otp_core::{Child, Context, ExitReason, GenServer, Inbox, Strategy, Supervisor, inbox};
use parking_lot::Mutex;

use crate::support::Outcome;

fn received<E: Send + 'static>(inbox: &mut Inbox<E>) -> Vec<E> {
    std::iter::from_fn(|| inbox.try_recv()).collect()
}

#[tokio::test]
async fn events_are_told_in_order_to_all_who_listen_when_their_turn_comes() {
    let listeners = Listeners::<u32>::new();
    assert!(!listeners.are_there());
    let (one, mut ones) = inbox::<u32>();
    listeners.add(one.recipient());
    assert!(listeners.are_there());
    listeners.note_all([1, 2]);
    listeners.tell();
    let (other, mut others) = inbox::<u32>();
    listeners.add(other.recipient());
    listeners.note(3);
    assert_eq!(
        format!("{listeners:?}"),
        "Listeners { listeners: 2, waiting: 1 }"
    );
    listeners.tell();
    assert_eq!(received(&mut ones), [1, 2, 3]);
    assert_eq!(received(&mut others), [3]);
}

/// Adds another listener as it is told of the first event.
#[derive(Clone)]
struct Joins(u32, Arc<Listeners<Joins>>, otp_core::Recipient<Joins>);

struct Joined;

impl From<Joins> for Joined {
    fn from(event: Joins) -> Self {
        if event.0 == 1 {
            event.1.add(event.2.clone());
            // What is put down while one is told is told after it, by the one who tells.
            event
                .1
                .note(Joins(3, Arc::clone(&event.1), event.2.clone()));
            event.1.tell();
        }
        Self
    }
}

#[tokio::test]
async fn one_who_begins_to_listen_while_others_are_told_hears_of_the_next_event() {
    let listeners = Arc::new(Listeners::new());
    let (first, mut firsts) = inbox::<Joined>();
    let (second, mut seconds) = inbox::<Joins>();
    listeners.add(first.recipient());
    let event = |n| Joins(n, Arc::clone(&listeners), second.recipient());
    listeners.note_all([event(1), event(2)]);
    listeners.tell();
    assert_eq!(received(&mut firsts).len(), 3);
    let told: Vec<u32> = received(&mut seconds).iter().map(|event| event.0).collect();
    assert_eq!(told, [2, 3]);
}

struct Log(Arc<Mutex<Vec<u32>>>);

impl GenServer for Log {
    type Msg = u32;

    async fn handle(&mut self, line: u32, _: &mut Context<u32>) -> Result<(), ExitReason> {
        self.0.lock().push(line);
        Ok(())
    }
}

#[tokio::test]
async fn a_supervised_listener_is_not_forgotten_while_it_does_not_run() -> Outcome {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let child = Child::server("log", move || Log(Arc::clone(&log)));
    let address = child.server_ref();
    let listeners = Listeners::<u32>::new();
    listeners.add(address.recipient());
    for n in 1..=2_u32 {
        listeners.note(n);
        listeners.tell();
    }
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await?;
    listeners.note(3);
    listeners.tell();
    tree.stop().await?;
    assert_eq!(*lines.lock(), [1, 2, 3]);
    listeners.note(4);
    listeners.tell();
    assert_eq!(
        format!("{listeners:?}"),
        "Listeners { listeners: 0, waiting: 0 }"
    );
    Ok(())
}

#[tokio::test]
async fn what_nobody_listens_to_does_not_gather() {
    let event = Arc::new(());
    let listeners = Listeners::new();
    listeners.note(Arc::clone(&event));
    listeners.tell();
    assert_eq!(Arc::strong_count(&event), 1);
    let (late, mut told) = inbox::<Arc<()>>();
    listeners.add(late.recipient());
    listeners.note_all([Arc::clone(&event), event]);
    listeners.tell();
    assert_eq!(received(&mut told).len(), 2);
}

/// Panics when it is made a message of.
#[derive(Clone)]
struct Bad;

struct Never;

impl From<Bad> for Never {
    fn from(_: Bad) -> Self {
        panic!("as told")
    }
}

#[tokio::test]
async fn a_panic_of_one_listeners_code_costs_the_others_nothing() {
    let listeners = Listeners::new();
    let (bad, _bads) = inbox::<Never>();
    let (good, mut goods) = inbox::<Bad>();
    listeners.add(bad.recipient());
    listeners.add(good.recipient());
    listeners.note(Bad);
    listeners.tell();
    listeners.note(Bad);
    listeners.tell();
    assert_eq!(received(&mut goods).len(), 2);
}
