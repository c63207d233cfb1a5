//! Time-outs of calls on the clock of one runtime: never early, hardly late, whatever the clock does.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use otp_core::{CallError, ServerRef};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, advance, sleep};

use crate::support::{Log, Msg, Outcome, Probe, block_on, ms, poll_now, secs, shown};

/// How late a time-out may come.
const LATE: Duration = ms(20);

/// Makes a call that nobody answers; gives how long it took to fail.
fn times_out(server: &ServerRef<Msg>, timeout: Duration) -> JoinHandle<Duration> {
    let server = server.clone();
    tokio::spawn(async move {
        let begun = Instant::now();
        assert_eq!(
            shown(&server.call_timeout(Msg::Keep, timeout).await),
            "Err(Timeout)"
        );
        begun.elapsed()
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_five_seconds() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let begun = Instant::now();
    assert_eq!(shown(&server.call(Msg::Keep).await), "Err(Timeout)");
    let waited = begun.elapsed();
    assert!(waited >= secs(5) && waited <= secs(5) + LATE, "{waited:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_never_early_and_hardly_late() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let timeouts = [
        0,
        1,
        2,
        9,
        10,
        11,
        99,
        100,
        101,
        109,
        110,
        119,
        1_000,
        86_400_000,
        864_000_000,
    ];
    // Again and again, so that the calls meet the ticker at rest and at work.
    for _ in 0..3 {
        for timeout in timeouts.map(ms) {
            let waited = times_out(&server, timeout).await?;
            assert!(
                waited >= timeout && waited <= timeout + LATE,
                "{waited:?} for {timeout:?}"
            );
        }
        sleep(secs(1)).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_runs_from_the_first_poll() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let call = server.call_timeout(Msg::Keep, secs(1));
    sleep(secs(10)).await;
    let begun = Instant::now();
    assert_eq!(shown(&call.await), "Err(Timeout)");
    assert!(begun.elapsed() >= secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_just_in_time_counts() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    for timeout in [ms(50), secs(5)] {
        let asked = server.clone();
        let asked = tokio::spawn(async move { asked.call_timeout(Msg::Keep, timeout).await });
        tokio::task::yield_now().await;
        sleep(timeout - ms(1)).await;
        server.cast(Msg::Answer(3))?;
        assert_eq!(asked.await??, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_without_limit_waits_for_ever() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    for limit in [
        Duration::MAX,
        Duration::MAX - Duration::from_nanos(1),
        secs(86_400 * 365 * 100),
    ] {
        let mut call = pin!(server.call_timeout(Msg::Keep, limit));
        assert!(
            tokio::time::timeout(secs(86_400 * 365), call.as_mut())
                .await
                .is_err()
        );
        server.cast(Msg::Answer(3))?;
        assert_eq!(call.await?, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_past_the_deadline_ends_the_call() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    for timeout in [ms(50), secs(5), secs(3_599)] {
        let waiting = times_out(&server, timeout);
        tokio::task::yield_now().await;
        let before = Instant::now();
        advance(secs(3_600)).await;
        // Late by no more than this after the jump.
        assert!(waiting.await? >= timeout);
        assert!(
            before.elapsed() <= secs(3_600) + LATE,
            "{:?}",
            before.elapsed()
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_short_of_the_deadline_does_not_end_the_call() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let waiting = times_out(&server, secs(3_601));
    tokio::task::yield_now().await;
    advance(secs(3_600)).await;
    sleep(ms(999)).await;
    assert!(!waiting.is_finished());
    let waited = waiting.await?;
    assert!(
        waited >= secs(3_601) && waited <= secs(3_601) + LATE,
        "{waited:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_by_milliseconds_ends_the_call_in_time() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    for timeout in [ms(7), ms(50), ms(100), ms(250)] {
        let begun = Instant::now();
        let waiting = times_out(&server, timeout);
        while !waiting.is_finished() {
            assert!(begun.elapsed() <= timeout + LATE);
            advance(ms(1)).await;
        }
        assert!(waiting.await? >= timeout);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn thousands_of_calls_time_out_in_the_order_of_their_deadlines() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut calls = JoinSet::new();
    // A generator of Knuth's: the same numbers each time, in no order.
    let mut number = 1_u64;
    for _ in 0..5_000 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (server, timeout) = (server.clone(), ms((number >> 33) % 10_000));
        calls.spawn(async move {
            let begun = Instant::now();
            assert_eq!(
                shown(&server.call_timeout(Msg::Keep, timeout).await),
                "Err(Timeout)"
            );
            (timeout, begun.elapsed())
        });
    }
    let mut last = Duration::ZERO;
    while let Some(ended) = calls.join_next().await {
        let (timeout, waited) = ended?;
        assert!(
            waited >= timeout && waited <= timeout + LATE,
            "{waited:?} for {timeout:?}"
        );
        assert!(timeout >= last, "{timeout:?} after {last:?}");
        last = timeout;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_made_at_any_time_time_out_in_time() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut calls = Vec::new();
    for step in 0..2_000 {
        let timeout = ms(80 + step % 150);
        calls.push((timeout, times_out(&server, timeout)));
        // Pauses of all lengths: some let the ticker go to rest.
        sleep(ms(step % 41)).await;
    }
    for (timeout, waited) in calls {
        let waited = waited.await?;
        assert!(
            waited >= timeout && waited <= timeout + LATE,
            "{waited:?} for {timeout:?}"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn answered_calls_do_not_disturb_those_that_wait() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    for burst in 1..=3 {
        let waiting = times_out(&server, secs(2));
        for number in 0..1_000 {
            assert_eq!(server.call(|reply| Msg::Echo(number, reply)).await?, number);
            if number % 100 == 0 {
                sleep(ms(burst)).await;
            }
        }
        let waited = waiting.await?;
        assert!(waited >= secs(2) && waited <= secs(2) + LATE, "{waited:?}");
        // The ticker goes to rest.
        sleep(secs(60)).await;
    }
    Ok(())
}

#[test]
fn a_clock_that_is_paused_midway_makes_no_call_early() -> Outcome {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let server = Probe::new(&Log::default()).start().await?;
        // By the end of this the ticker knows the clock for the machine's.
        assert!(times_out(&server, ms(120)).await? >= ms(120));
        let across = times_out(&server, secs(5));
        tokio::task::yield_now().await;
        tokio::time::pause();
        let after = times_out(&server, secs(5));
        tokio::task::yield_now().await;
        advance(secs(3)).await;
        let after_jump = times_out(&server, secs(5));
        assert!(!across.is_finished() && !after.is_finished());
        for waiting in [across, after, after_jump] {
            assert!(waiting.await? >= secs(5));
        }
        tokio::time::resume();
        assert!(times_out(&server, ms(120)).await? >= ms(120));
        Ok(())
    })
}

#[test]
fn many_calls_on_many_threads_are_never_early() -> Outcome {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let server = Probe::new(&Log::default()).start().await?;
        for wave in 0..4 {
            let waiting: Vec<_> = (0..200)
                .map(|number| (ms(60 + (wave * 37 + number) % 90), server.clone()))
                .map(|(timeout, server)| (timeout, times_out(&server, timeout)))
                .collect();
            for (timeout, waited) in waiting {
                let waited = waited.await?;
                assert!(waited >= timeout, "{waited:?} for {timeout:?}");
            }
        }
        Ok(())
    })
}

type Calling = Pin<Box<dyn Future<Output = Result<u32, CallError>> + Send>>;

/// Where a call that was made goes, with when it was made.
type Made = oneshot::Sender<(std::time::Instant, Calling)>;

/// A waker that takes its time, and may make a call before it lets go.
struct Slow {
    takes: Duration,
    call: Option<(ServerRef<Msg>, Mutex<Option<Made>>)>,
}

impl Wake for Slow {
    fn wake(self: Arc<Self>) {
        let begun = std::time::Instant::now();
        while begun.elapsed() < self.takes {
            std::hint::spin_loop();
        }
        let Some((server, made)) = &self.call else {
            return;
        };
        if let Some(made) = made.lock().unwrap().take() {
            let server = server.clone();
            let begun = std::time::Instant::now();
            let mut call: Calling =
                Box::pin(async move { server.call_timeout(Msg::Keep, ms(120)).await });
            assert!(poll_now(call.as_mut()).is_pending());
            assert!(made.send((begun, call)).is_ok());
        }
    }
}

#[test]
fn a_waker_that_takes_its_time_makes_no_call_early() -> Outcome {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let server = runtime.block_on(Probe::new(&Log::default()).start())?;
    // Calls all the time, so that the ticker never rests.
    let asked = server.clone();
    let traffic = runtime.spawn(async move {
        while asked.call(|reply| Msg::Echo(1, reply)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let (made, is_made) = oneshot::channel();
    let first = Arc::new(Slow {
        takes: ms(30),
        call: None,
    });
    let call = Some((server.clone(), Mutex::new(Some(made))));
    let second = Arc::new(Slow {
        takes: ms(40),
        call,
    });
    let mut waiting = [
        (
            Box::pin(server.call_timeout(Msg::Keep, ms(150))),
            Waker::from(first),
        ),
        (
            Box::pin(server.call_timeout(Msg::Keep, ms(160))),
            Waker::from(second),
        ),
    ];
    for (call, waker) in &mut waiting {
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    let (begun, call) = block_on(is_made)?;
    assert_eq!(shown(&block_on(call)), "Err(Timeout)");
    let waited = begun.elapsed();
    traffic.abort();
    assert!(waited >= ms(120), "{waited:?}");
    Ok(())
}

/// A waker that panics.
struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_does_not_stop_the_clock() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut call = pin!(server.call_timeout(Msg::Keep, secs(1)));
    let broken = Waker::from(Arc::new(Broken));
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(&broken))
            .is_pending()
    );
    let waiting = times_out(&server, secs(2));
    let waited = tokio::time::timeout(secs(60), waiting).await??;
    assert!(waited >= secs(2));
    Ok(())
}
