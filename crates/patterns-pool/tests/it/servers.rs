//! Pools of servers: jobs, crashes, and workers that are not done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_pool::{
    Backoff, CallError, CheckoutError, CreateError, ExitReason, Guard, Manager, Pid, Pool,
    PoolConfig, ProcessError, ServerOptions, Servers, WaitedFor, WarmUp,
};
use testing::{advance, ms, quiet, secs, settle};

use crate::support::{Job, assert_at_rest, polled, sized, workers};

#[tokio::test(start_paused = true)]
async fn jobs_are_done_and_counted() {
    let (_census, pool) = workers(2).await;
    assert_eq!(
        pool.process(|reply| Job::Echo("hello", reply))
            .await
            .unwrap(),
        "hello"
    );
    assert_eq!(
        pool.process(|reply| Job::Add(2, 3, reply)).await.unwrap(),
        5
    );
    pool.process(|reply| Job::Delay(ms(20), reply))
        .await
        .unwrap();
    assert_at_rest(&pool, 2);
    assert_eq!(
        pool.info()
            .members
            .iter()
            .map(|member| member.jobs)
            .sum::<u64>(),
        3
    );
    let worker = pool.checkout().await.unwrap();
    assert_eq!(worker.call(Job::Id).await.unwrap(), worker.id());
    assert_eq!(worker.id(), Guard::id(&worker));
    worker
        .cast(Job::Echo("nobody waits", reply_to_nobody()))
        .unwrap();
    assert!(worker.server_ref().is_alive());
    assert_eq!(
        pool.info()
            .members
            .iter()
            .filter(|member| member.pid.is_some())
            .count(),
        2
    );
}

/// An answer for which nobody waits.
fn reply_to_nobody() -> patterns_pool::ReplyTo<&'static str> {
    let (server, mut inbox) = otp_core::inbox::<patterns_pool::ReplyTo<&'static str>>();
    let mut call = Box::pin(server.call(|reply| reply));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    inbox.try_recv().unwrap()
}

#[tokio::test(start_paused = true)]
async fn as_many_jobs_are_done_at_the_same_time_as_there_are_workers() {
    let (_census, pool) = workers(2).await;
    let begun = tokio::time::Instant::now();
    let jobs: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.process(|reply| Job::Delay(secs(1), reply)).await })
        })
        .collect();
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert!((secs(2)..secs(2) + ms(20)).contains(&begun.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_crashes_over_a_job_is_an_error_and_is_replaced_with_the_next_id() {
    quiet();
    let (census, pool) = workers(1).await;
    let error = pool.process(Job::CrashOver).await.unwrap_err();
    assert!(
        matches!(&error, ProcessError::WorkerCrashed(ExitReason::Panic(_))),
        "{error:?}"
    );
    assert_eq!(pool.process(Job::Id).await.unwrap(), 2);
    assert_at_rest(&pool, 1);
    assert_eq!((census.alive(), pool.stats().crashed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_that_ends_is_replaced_whatever_the_reason() {
    quiet();
    for reason in [ExitReason::Normal, ExitReason::boxed("out of memory")] {
        let (census, pool) = workers(3).await;
        let worker = pool.checkout().await.unwrap();
        let server = worker.server_ref().clone();
        drop(worker);
        server.cast(Job::End(reason)).unwrap();
        drop(server);
        settle().await;
        assert_eq!((census.alive(), pool.stats().crashed), (3, 1));
        assert_at_rest(&pool, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_serves_the_waiter_that_waits_for_a_member() {
    quiet();
    let (_census, pool) = workers(1).await;
    let worker = pool.checkout().await.unwrap();
    let other = pool.clone();
    let waiter = tokio::spawn(async move { other.checkout().await.unwrap().id() });
    settle().await;
    worker.cast(Job::Crash).unwrap();
    // The borrower still has the dead one.
    assert_eq!(waiter.await.unwrap(), 2);
    assert!(matches!(
        worker.call(Job::Id).await,
        Err(CallError::Exited(_) | CallError::NoProc)
    ));
    drop(worker);
    settle().await;
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_worker_is_never_lent_even_if_its_end_was_not_told_yet() {
    quiet();
    let (_census, pool) = workers(2).await;
    for round in 0..20 {
        let worker = pool.checkout().await.unwrap();
        let pid = worker.pid().clone();
        drop(worker);
        pid.kill();
        // Until the process has ended, it may be lent; from then on it is not.
        while pid.is_alive() {
            tokio::task::yield_now().await;
        }
        if let Ok(worker) = pool.try_checkout() {
            assert!(worker.pid().is_alive(), "round {round}");
        }
        settle().await;
    }
    assert_at_rest(&pool, 2);
    assert_eq!(pool.stats().crashed, 20);
}

#[tokio::test(start_paused = true)]
async fn a_worker_given_to_a_waiter_that_dies_before_it_is_fetched_is_not_lost_on_the_waiter() {
    quiet();
    let (_census, pool) = workers(1).await;
    let worker = pool.checkout().await.unwrap();
    let mut waiter = Box::pin(pool.checkout_timeout(secs(3)));
    assert!(!polled(&mut waiter, 1).await);
    let pid = worker.pid().clone();
    drop(worker);
    pid.kill();
    settle().await;
    let worker = waiter.await.unwrap();
    assert_eq!(worker.id(), 2);
    // And one whose time is over is told so.
    let mut waiter = Box::pin(pool.checkout_timeout(secs(3)));
    assert!(!polled(&mut waiter, 1).await);
    drop(worker);
    pool.resize(1).unwrap();
    assert!(waiter.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_call_timed_out_is_not_lent_again() {
    let (census, pool) = workers(1).await;
    let error = pool
        .process(|reply| Job::Delay(secs(7), reply))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ProcessError::Call(CallError::Timeout)),
        "{error:?}"
    );
    // The next one does not wait for it.
    let begun = tokio::time::Instant::now();
    assert_eq!(pool.process(Job::Id).await.unwrap(), 2);
    assert!(begun.elapsed() < ms(20));
    // It finishes its job, and ends in order.
    assert_eq!((census.alive(), census.terminated()), (2, 0));
    advance(secs(3)).await;
    assert_eq!((census.alive(), census.terminated()), (1, 1));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_caller_gave_up_is_not_lent_again() {
    let (census, pool) = workers(1).await;
    let task = tokio::spawn({
        let pool = pool.clone();
        async move { pool.process(|reply| Job::Delay(secs(60), reply)).await }
    });
    settle().await;
    task.abort();
    settle().await;
    assert_eq!(pool.process(Job::Id).await.unwrap(), 2);
    // It does not finish within `close_timeout`, and is killed.
    advance(secs(6)).await;
    assert_eq!((census.alive(), census.terminated()), (1, 0));
    assert_at_rest(&pool, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_never_sent_costs_no_worker() {
    let (_census, pool) = workers(1).await;
    let worker = pool.checkout().await.unwrap();
    drop(worker.call(Job::Id));
    drop(worker);
    assert_eq!(pool.process(Job::Id).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_with_a_timeout_takes_no_longer_with_checkout_and_all() {
    let (_census, pool) = workers(1).await;
    let busy = tokio::spawn({
        let pool = pool.clone();
        async move { pool.process(|reply| Job::Delay(secs(1), reply)).await }
    });
    settle().await;
    let begun = tokio::time::Instant::now();
    let error = pool
        .process_timeout(|reply| Job::Delay(secs(9), reply), secs(2))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ProcessError::Call(CallError::Timeout)),
        "{error:?}"
    );
    let took = begun.elapsed();
    assert!((secs(2)..secs(2) + ms(30)).contains(&took), "{took:?}");
    busy.await.unwrap().unwrap();
    let _out = pool.checkout().await.unwrap();
    let error = pool.process_timeout(Job::Id, ms(100)).await.unwrap_err();
    assert!(matches!(error, ProcessError::Checkout(error) if error.is_timeout()));
}

#[tokio::test(start_paused = true)]
async fn workers_that_end_before_they_are_used_are_made_again_after_a_rest() {
    quiet();
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let servers = Servers::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Doomed
    });
    let config = PoolConfig {
        backoff: Backoff::exponential(ms(100), secs(1)),
        ..sized(1)
    };
    let pool = Pool::start(config, servers).await.unwrap();
    settle().await;
    // Each lives for 1 ms, and the rests are 100 and 200 ms.
    for (step, wanted) in [(2, 1), (98, 1), (4, 2), (2, 2), (198, 2), (4, 3)] {
        advance(ms(step)).await;
        assert_eq!(made.load(Ordering::SeqCst), wanted);
    }
    advance(ms(5)).await;
    let error = pool.checkout_timeout(ms(1)).await.unwrap_err();
    assert!(
        matches!(
            &error,
            CheckoutError::Timeout {
                cause: WaitedFor::Create(CreateError::Ended(_)),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ends_as_soon_as_it_has_started_does_not_get_into_the_pool_unseen() {
    let config = PoolConfig {
        warm_up: WarmUp::Background,
        ..sized(1)
    };
    let pool = Pool::start(config, Servers::new(|_| Stillborn))
        .await
        .unwrap();
    let error = pool.checkout().await.map(drop).unwrap_err();
    assert!(
        matches!(
            &error,
            CheckoutError::Timeout {
                cause: WaitedFor::Create(_),
                ..
            }
        ),
        "{error:?}"
    );
}

/// Ends as soon as it has started.
struct Stillborn;

impl patterns_pool::GenServer for Stillborn {
    type Msg = ();

    async fn init(&mut self, ctx: &mut patterns_pool::Context<()>) -> Result<(), ExitReason> {
        ctx.continue_with(());
        Ok(())
    }

    async fn handle(
        &mut self,
        (): (),
        _: &mut patterns_pool::Context<()>,
    ) -> Result<(), ExitReason> {
        Err(ExitReason::boxed("no database"))
    }
}

/// Ends soon after it has started.
struct Doomed;

impl patterns_pool::GenServer for Doomed {
    type Msg = ();

    async fn init(&mut self, ctx: &mut patterns_pool::Context<()>) -> Result<(), ExitReason> {
        ctx.send_after(ms(1), ());
        Ok(())
    }

    async fn handle(
        &mut self,
        (): (),
        _: &mut patterns_pool::Context<()>,
    ) -> Result<(), ExitReason> {
        Err(ExitReason::boxed("no database"))
    }
}

#[tokio::test(start_paused = true)]
async fn workers_are_started_with_the_options_given() {
    let servers = Servers::with_options(
        |id| ServerOptions::default().name(format!("mailer {id}")),
        |_| Idle,
    );
    let pool = Pool::start(sized(2), servers).await.unwrap();
    let info = pool.info();
    let names: Vec<_> = info
        .members
        .iter()
        .filter_map(|member| member.pid.as_ref()?.name())
        .collect();
    assert_eq!(names, ["mailer 1", "mailer 2"]);
    let bad = Servers::with_options(|_| ServerOptions::default().bounded(0), |_| Idle);
    let error = Pool::start(sized(1), bad).await.unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        text,
        "creating a member failed: option `bounded` must be 1 or more"
    );
}

struct Idle;

impl patterns_pool::GenServer for Idle {
    type Msg = ();

    async fn handle(
        &mut self,
        (): (),
        _: &mut patterns_pool::Context<()>,
    ) -> Result<(), ExitReason> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_is_a_member_that_cannot_be_made() {
    quiet();
    let servers = Servers::new(|id| {
        assert!(id < 2, "as told");
        Idle
    });
    let error = Pool::start(sized(2), servers).await.unwrap_err();
    assert!(format!("{error:?}").contains("as told"), "{error:?}");
}

/// Members that are processes of another runtime: they end while the pool's process does not get to run.
struct Elsewhere(tokio::runtime::Handle);

impl Manager for Elsewhere {
    type Member = Pid;
    type Error = std::convert::Infallible;

    async fn create(&self, _: u64) -> Result<Pid, Self::Error> {
        let _inside = self.0.enter();
        Ok(otp_core::spawn(std::future::pending()).unwrap())
    }

    fn pid(&self, member: &Pid) -> Option<Pid> {
        Some(member.clone())
    }
}

/// Runs `test` with a pool of such members.
fn with_members_elsewhere(size: usize, test: impl AsyncFn(Pool<Elsewhere>)) {
    let other = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    own.block_on(async {
        let pool = Pool::start(sized(size), Elsewhere(other.handle().clone()));
        test(pool.await.unwrap()).await;
    });
}

/// Kills a process and does not let this thread's runtime go on until it has ended.
fn kill(pid: &Pid) {
    pid.kill();
    while pid.is_alive() {
        std::thread::yield_now();
    }
}

#[test]
fn an_idle_member_whose_end_was_not_told_yet_is_not_lent() {
    with_members_elsewhere(2, async |pool| {
        let next = pool.info().members[1].pid.clone().unwrap();
        kill(&next);
        let guard = pool.try_checkout().unwrap();
        assert!(guard.is_alive());
        assert_eq!((Guard::id(&guard), pool.stats().crashed), (1, 1));
        drop(guard);
        settle().await;
        assert_at_rest(&pool, 2);
    });
}

#[test]
fn a_member_that_comes_back_dead_is_given_to_nobody() {
    with_members_elsewhere(1, async |pool| {
        let guard = pool.checkout().await.unwrap();
        let mut waiter = Box::pin(pool.checkout());
        assert!(!polled(&mut waiter, 1).await);
        kill(&guard);
        drop(guard);
        let info = pool.info();
        assert_eq!((info.in_use, info.available, info.waiting), (0, 0, 1));
        assert_eq!(Guard::id(&waiter.await.unwrap()), 2);
        // One that is discarded has crashed as well, and is not closed.
        let guard = pool.checkout().await.unwrap();
        kill(&guard);
        Guard::discard(guard);
        settle().await;
        assert_at_rest(&pool, 1);
        assert_eq!((pool.stats().crashed, pool.stats().closed), (2, 0));
    });
}

/// Lets the others run until the worker is dead, and no longer: the pool has not been told. To be called in a task, for
/// what wakes in the same turn comes after the task then.
async fn dead_and_not_told(pid: &Pid) {
    std::future::poll_fn(|cx| {
        if pid.is_alive() {
            // At once, and not by `yield_now`, which comes after all that the others wake.
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_has_just_died_is_not_lent() {
    let in_turn = tokio::spawn(async {
        let (_census, pool) = workers(1).await;
        let pid = pool.checkout().await.unwrap().server_ref().pid().unwrap();
        pid.kill();
        dead_and_not_told(&pid).await;
        assert!(pool.try_checkout().is_err(), "it is dead, told or not");
        settle().await;
        let next = pool.checkout().await.unwrap();
        assert_ne!(next.server_ref().pid(), Some(pid));
        drop(next);
        assert_at_rest(&pool, 1);
    });
    in_turn.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_has_just_died_is_not_taken_back() {
    let in_turn = tokio::spawn(async {
        let (_census, pool) = workers(1).await;
        let guard = pool.checkout().await.unwrap();
        let pid = guard.server_ref().pid().unwrap();
        pid.kill();
        dead_and_not_told(&pid).await;
        drop(guard);
        assert_eq!(pool.info().available, 0, "it is dead, told or not");
        settle().await;
        assert_at_rest(&pool, 1);
    });
    in_turn.await.unwrap();
}
