//! What works without a runtime, and from sync code.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use patterns_behaviour::contract::Contract;
use patterns_behaviour::notification::{Collector, Options, notify};

use crate::matrix::{Broken, Memory};
use crate::support::{Parcel, config, one_port};

/// Runs a future by polling it again and again.
fn poll_to_the_end<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

#[test]
fn the_contract_kit_works() {
    let report = poll_to_the_end(Contract::new(|| Memory::new(Broken::Nothing)).run());
    report.assert_complete();
    let report = poll_to_the_end(Contract::new(|| Memory::new(Broken::Concurrent)).run());
    assert_eq!(
        report.failed().collect::<Vec<_>>(),
        ["takes concurrent senders"]
    );
}

#[test]
fn channels_work() {
    let collector = Collector::new();
    poll_to_the_end(notify("text", &collector, &Options::new())).unwrap();
    assert_eq!(collector.texts(), ["text"]);
}

#[test]
fn messages_are_sent_and_tickets_awaited_from_plain_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (ports, port) = runtime.block_on(one_port(config()));
    let threads: Vec<_> = (0..4)
        .map(|id| {
            let ports = ports.clone();
            thread::spawn(move || {
                let ticket = ports.send("a", Parcel::new(id, &[])).unwrap();
                assert!(ports.stats().accepted > 0);
                poll_to_the_end(ticket).unwrap().value
            })
        })
        .collect();
    for (id, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), id);
    }
    runtime.block_on(ports.stop()).unwrap();
    let mut done = Arc::clone(&port).done.lock().unwrap().clone();
    done.sort_unstable();
    assert_eq!(done, [0, 1, 2, 3]);
}
