//! Calls with a deadline against the ticker, which rests when there are none.

use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use shuttle::future::{self, JoinHandle};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;

use super::check;
use super::end::End;
use super::server::{Log, Msg, Server, begin, run_process};
use crate::deadline::{Deadlines, Look, SHORT, Ticker};
use crate::error::CallError;
use crate::server_ref::ServerRef;
use crate::sync::{Arc, Weak};
use schedules::{block_on, join, poll_once, spawn};

/// Below this a call has a deadline of its own.
const SHORTER: Duration = Duration::from_millis(1);

/// How late the ticker runs: whatever time it waited for has passed by then.
const LATE: Duration = Duration::from_secs(1);

/// A runtime that lends its clock, which stands still, and runs nothing.
fn clock() -> &'static Handle {
    static CLOCK: OnceLock<Runtime> = OnceLock::new();
    let build = || {
        Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
    };
    CLOCK.get_or_init(|| build().expect("a runtime")).handle()
}

fn now() -> Instant {
    let _clock = clock().enter();
    Instant::now()
}

/// Runs the ticker as its runtime does, but for the time: what it waits for may come at once, or late.
async fn tick(mut ticker: Ticker, mut now: Instant) {
    loop {
        let look = poll_fn(|cx| {
            // Others read the clock meanwhile, and let go of it before they give way.
            let _clock = clock().enter();
            ticker.round(now);
            Poll::Ready(ticker.look(cx.waker()))
        });
        match look.await {
            Look::Again => {}
            Look::At(until) => {
                future::yield_now().await;
                // Otherwise it was woken early.
                if thread_rng().gen_bool(0.5) {
                    now = until + LATE;
                }
            }
            Look::AtWake => {
                let mut woken = false;
                poll_fn(|_| {
                    if std::mem::replace(&mut woken, true) {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
            }
        }
    }
}

fn start_ticker() -> (Arc<Deadlines>, JoinHandle<()>) {
    let deadlines = Arc::new(Deadlines::new(clock().clone()));
    let ticker = spawn(tick(Ticker::new(Arc::clone(&deadlines)), now()));
    (deadlines, ticker)
}

/// A server that is not run yet, of the runtime of `deadlines`.
fn server_of(deadlines: &Arc<Deadlines>, capacity: usize) -> (ServerRef<Msg>, u64) {
    let (server, number) = begin(capacity);
    let set = server.slot.deadlines.set(Arc::clone(deadlines));
    assert!(set.is_ok());
    (server, number)
}

/// Ends the runtime, and looks whether something of it and of its servers is left.
fn shut_down<M>(ticker: JoinHandle<()>, deadlines: Arc<Deadlines>, servers: Vec<ServerRef<M>>) {
    let slots: Vec<_> = servers
        .iter()
        .map(|server| Arc::downgrade(&server.slot))
        .collect();
    ticker.abort();
    let _ = block_on(ticker);
    drop(servers);
    let left = Arc::downgrade(&deadlines);
    drop(deadlines);
    assert!(
        slots.iter().all(|slot| slot.strong_count() == 0),
        "a server is kept for ever"
    );
    assert_eq!(
        Weak::strong_count(&left),
        0,
        "the deadlines are kept for ever"
    );
}

fn ask(server: &ServerRef<Msg>, timeout: Duration) -> Result<u32, CallError> {
    block_on(server.call_timeout(|reply| Msg::Ask(1, reply), timeout))
}

fn times_out(server: &ServerRef<Msg>, timeout: Duration) {
    assert!(matches!(ask(server, timeout), Err(CallError::Timeout)));
}

/// Nobody answers: each call has to be seen by the ticker, whatever that is about.
fn never_answered(timeout: Duration) {
    let (deadlines, ticker) = start_ticker();
    let (first, second) = (
        server_of(&deadlines, usize::MAX).0,
        server_of(&deadlines, usize::MAX).0,
    );
    let (another, third) = (first.clone(), second.clone());
    let one = thread::spawn(move || times_out(&another, timeout));
    let two = thread::spawn(move || {
        times_out(&third, timeout);
        // The ticker may be about to rest.
        times_out(&third, timeout);
    });
    times_out(&first, timeout);
    one.join().expect("it ends");
    two.join().expect("it ends");
    shut_down(ticker, deadlines, vec![first, second]);
}

#[test]
fn a_call_that_nobody_answers_times_out_whatever_the_ticker_is_about() {
    let name = "a call that nobody answers";
    check(name, || never_answered(SHORT));
    check(&format!("{name} in a short time"), || {
        never_answered(SHORTER);
    });
}

/// A call that is over has left the ticker nothing to wait for: with its next tick it rests, unless
/// there is a call made meanwhile, to the same server or to another.
fn made_while_it_goes_to_rest(same_server: bool) {
    let deadlines = Arc::new(Deadlines::new(clock().clone()));
    let (first, second) = (
        server_of(&deadlines, usize::MAX).0,
        server_of(&deadlines, usize::MAX).0,
    );
    let _ = poll_once(&mut Box::pin(first.call_timeout(Msg::Keep, SHORT)));
    let over = first.slot.inner.lock().queue.pop_front();
    drop(over);
    let mut ticker = Ticker::new(Arc::clone(&deadlines));
    let now = now();
    {
        let _clock = clock().enter();
        ticker.round(now);
    }
    let ticker = spawn(tick(ticker, now + LATE));
    times_out(if same_server { &first } else { &second }, SHORT);
    shut_down(ticker, deadlines, vec![first, second]);
}

#[test]
fn a_call_made_while_the_ticker_goes_to_rest_is_not_forgotten() {
    check(
        "a call to the server that the ticker is about to forget",
        || {
            made_while_it_goes_to_rest(true);
        },
    );
    check(
        "a call to another server while the ticker goes to rest",
        || {
            made_while_it_goes_to_rest(false);
        },
    );
}

/// A server answers, and its calls may time out.
fn answered(timeout: Duration) {
    let (deadlines, ticker) = start_ticker();
    let (server, number) = server_of(&deadlines, usize::MAX);
    let process = run_process(&server, number, Server::new(&Log::default()));
    let asks = [server.clone(), server.clone()].map(|server| {
        thread::spawn(move || match ask(&server, timeout) {
            Ok(2) | Err(CallError::Timeout) => {}
            other => panic!("neither an answer nor a time-out: {other:?}"),
        })
    });
    for asks in asks {
        asks.join().expect("it ends");
    }
    let weak = Arc::downgrade(&server.slot);
    drop(server);
    join(process);
    shut_down::<Msg>(ticker, deadlines, Vec::new());
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn an_answer_and_the_ticker_give_one_outcome() {
    check("an answer and the ticker", || answered(SHORT));
    check("an answer and a deadline of its own", || answered(SHORTER));
}

/// A call may time out while it waits for room, and leaves its place in the line to the next.
fn times_out_in_line() {
    let log = Log::default();
    let (deadlines, ticker) = start_ticker();
    let (server, number) = server_of(&deadlines, 1);
    server.cast(Msg::Pause).expect("there is room");
    let (another, third) = (server.clone(), server.clone());
    let asks = thread::spawn(move || match ask(&another, SHORT) {
        Ok(2) | Err(CallError::Timeout) => {}
        other => panic!("neither an answer nor a time-out: {other:?}"),
    });
    let waits = thread::spawn(move || block_on(third.cast_wait(Msg::from((1, 1)))).is_ok());
    let process = run_process(&server, number, Server::new(&log));
    drop(server);
    asks.join().expect("it ends");
    assert!(waits.join().expect("it ends"));
    join(process);
    assert_eq!(log.of(1), [1]);
    shut_down::<Msg>(ticker, deadlines, Vec::new());
}

#[test]
fn a_call_that_times_out_in_line_leaves_its_place_to_the_next() {
    check("a call that times out in line", times_out_in_line);
}

/// The server ends while it is called and watched.
fn server_ends(end: End) {
    let (deadlines, ticker) = start_ticker();
    let (server, number) = server_of(&deadlines, usize::MAX);
    let process = run_process(&server, number, Server::new(&Log::default()));
    let another = server.clone();
    let asks = thread::spawn(move || {
        for _ in 0..2 {
            match block_on(another.call_timeout(Msg::Keep, SHORT)) {
                Err(CallError::Timeout) => {}
                Err(error) if end.explains(&error) => {}
                other => panic!("{end:?} does not explain {other:?}"),
            }
        }
    });
    end.bring(&server, process);
    asks.join().expect("it ends");
    shut_down(ticker, deadlines, vec![server]);
}

#[test]
fn a_call_to_a_server_that_ends_has_one_outcome() {
    End::check_each("calls, the ticker", server_ends);
}

/// The runtime ends while one of its servers is called for the first time.
fn runtime_ends() {
    let (deadlines, ticker) = start_ticker();
    let (server, _) = server_of(&deadlines, usize::MAX);
    let another = server.clone();
    let asks = thread::spawn(move || {
        for timeout in [SHORT, SHORTER] {
            let mut call = Box::pin(another.call_timeout(Msg::Keep, timeout));
            let _ = poll_once(&mut call);
        }
    });
    let ends = thread::spawn(move || {
        ticker.abort();
        let _ = block_on(ticker);
    });
    asks.join().expect("it ends");
    ends.join().expect("it ends");
    let (ticker, weak) = (spawn(async {}), Arc::downgrade(&server.slot));
    shut_down(ticker, deadlines, vec![server]);
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn a_runtime_that_ends_keeps_no_server_that_is_called_just_then() {
    check(
        "a runtime that ends keeps no server that is called just then",
        runtime_ends,
    );
}
