//! Entries are gone before anybody is told that their owner has ended.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};

use otp_core::{CallError, ReplyTo, ServerOptions};
use tokio::sync::mpsc::unbounded_channel;

use super::{Names, register, server};
use crate::cancel::ByHand;
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, quiet};

/// Counts the entries at each wake.
struct Looks(Names, Mutex<Vec<usize>>);

impl Looks {
    fn at(names: &Names) -> (Arc<Self>, Waker) {
        let looks = Arc::new(Self(names.clone(), Mutex::default()));
        (Arc::clone(&looks), Waker::from(looks))
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.1.lock().unwrap())
    }
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0.count());
    }
}

#[tokio::test(start_paused = true)]
async fn callers_and_monitors_and_stops_are_told_after_the_entries_are_gone() -> Outcome {
    for killed in [true, false] {
        let names = Names::new();
        let server = server().await;
        register(&names, &server, "key", 1).await?;
        let (looks, waker) = Looks::at(&names);
        let pid = server.pid().ok_or("none")?;
        let mut call = ByHand::woken(server.call(Msg::Keep), waker.clone());
        let mut monitor = ByHand::woken(pid.monitor(), waker.clone());
        assert!(call.poll().is_pending() && monitor.poll().is_pending());
        quiet().await;
        let mut stop = ByHand::woken(server.stop(), waker);
        if killed {
            pid.kill();
        }
        assert!(stop.poll().is_pending());
        quiet().await;
        assert_eq!(looks.take(), [0, 0, 0]);
        let told = call.poll();
        assert!(
            matches!(told, Poll::Ready(Err(CallError::Exited(_)))),
            "{told:?}"
        );
        assert!(monitor.poll().is_ready() && stop.poll().is_ready());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_failed_start_is_told_after_the_name_is_free() -> Outcome {
    let names = Names::new();
    let (looks, waker) = Looks::at(&names);
    let via = names.via("key");
    let fails = Probe::new(&Log::default()).on_init(|_, _| {
        Box::pin(async {
            tokio::time::sleep(ms(5)).await;
            Err(otp_core::ExitReason::boxed("boom"))
        })
    });
    let mut start = ByHand::woken(via.start(fails), waker);
    assert!(start.poll().is_pending());
    assert_eq!(names.count(), 1);
    tokio::time::sleep(ms(10)).await;
    assert_eq!(looks.take(), [0]);
    assert!(matches!(start.poll(), Poll::Ready(Err(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_told_after_the_entries_are_gone() -> Outcome {
    let names = Names::new();
    let (looks, waker) = Looks::at(&names);
    let server = Probe::new(&Log::default()).start_bounded(1).await?;
    register(&names, &server, "key", 1).await?;
    server.cast(Msg::hang())?;
    quiet().await;
    server.cast(Msg::Note("fills it"))?;
    let mut send = ByHand::woken(server.cast_wait(Msg::Note("waits")), waker);
    assert!(send.poll().is_pending());
    server.pid().ok_or("none")?.kill();
    quiet().await;
    assert_eq!(looks.take(), [0]);
    assert!(matches!(send.poll(), Poll::Ready(Err(_))));
    Ok(())
}

/// The end of a process, told on another thread by its exit signal, its DOWN and the future.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linked_and_monitoring_processes_find_no_entry_when_they_are_told() -> Outcome {
    let names = Names::new();
    let (tell, mut told) = unbounded_channel();
    for _ in 0..300 {
        let dying = server().await;
        register(&names, &dying, "key", 1).await?;
        for links in [true, false] {
            let (looks, tell) = (names.clone(), tell.clone());
            let pid = dying.pid().ok_or("none")?;
            let told = Probe::new(&Log::default()).on_told(move |_, ctx| {
                let _ = tell.send((looks.count(), looks.keys(&pid).len()));
                ctx.stop(otp_core::ExitReason::Normal);
                Box::pin(async { Ok(()) })
            });
            let told = told.start().await?;
            let pid = dying.pid().ok_or("none")?;
            inside(&told, move |_, ctx| {
                ctx.trap_exit();
                if links {
                    ctx.link(&pid).unwrap();
                } else {
                    ctx.monitor(&pid);
                }
            })
            .await;
            let _ = told.detach();
        }
        dying.pid().ok_or("none")?.kill();
        assert_eq!(told.recv().await, Some((0, 0)));
        assert_eq!(told.recv().await, Some((0, 0)));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_no_entry_either() -> Outcome {
    let names = Names::new();
    for ends in [Msg::panic as fn() -> Msg, || {
        Msg::Run(Box::new(|_, ctx| {
            ctx.stop(otp_core::ExitReason::Shutdown);
            Box::pin(async { Ok(()) })
        }))
    }] {
        let server = server().await;
        register(&names, &server, "key", 1).await?;
        let end = server.pid().ok_or("none")?.monitor();
        server.cast(ends())?;
        end.await;
        assert_eq!(names.count(), 0);
    }
    Ok(())
}

#[test]
fn a_dropped_runtime_leaves_no_entry() -> Outcome {
    for multi in [true, false] {
        let names = Names::new();
        let mut builder = if multi {
            tokio::runtime::Builder::new_multi_thread()
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        let runtime = builder.enable_time().build()?;
        let (kept, starting) = (names.clone(), names.via("starts"));
        let servers = runtime.block_on(async {
            let hangs = Probe::new(&Log::default()).on_init(|_, _| Box::pin(pending()));
            tokio::spawn(async move { starting.start(hangs).await.map(drop) });
            let servers = [server().await, server().await];
            for (server, key) in servers.iter().zip(["one", "two"]) {
                register(&kept, server, key, 0).await.unwrap();
            }
            while kept.count() < 3 {
                tokio::task::yield_now().await;
            }
            servers
        });
        drop(runtime);
        assert_eq!(names.count(), 0);
        assert!(servers.iter().all(|server| !server.is_alive()));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_registry_may_go_before_its_processes() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let value = Arc::new(());
    let weak = Arc::downgrade(&value);
    inside(&server, move |_, ctx| {
        let names = otp_core::Registry::<&str, Msg, Arc<()>>::new();
        let again = otp_core::DuplicateRegistry::<&str, Msg, Arc<()>>::new();
        names.register(ctx, "key", Arc::clone(&value)).unwrap();
        again.register(ctx, "key", value);
    })
    .await;
    assert_eq!(weak.strong_count(), 0);
    // Another one is no successor of it.
    let names = Names::new();
    assert!(names.keys(&server.pid().ok_or("none")?).is_empty());
    register(&names, &server, "key", 1).await?;
    server.stop().await?;
    assert_eq!(names.count(), 0);
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_leaves_all_its_registries_at_once() -> Outcome {
    let server = Probe::new(&Log::default())
        .start_with(ServerOptions::default().name("many"))
        .await?;
    let all: Vec<Names> = (0..50).map(|_| Names::new()).collect();
    let topics = otp_core::DuplicateRegistry::<u32, Msg>::new();
    for names in &all {
        register(names, &server, "one", 1).await?;
        register(names, &server, "two", 2).await?;
    }
    let registered = topics.clone();
    server
        .call(|reply: ReplyTo<()>| {
            Msg::act(move |_, ctx| {
                (0..50).for_each(|key| registered.register(ctx, key, ()));
                reply.send(());
                Ok(())
            })
        })
        .await?;
    assert_eq!(topics.count(), 50);
    let pid = server.pid().ok_or("none")?;
    assert!(all.iter().all(|names| names.keys(&pid) == ["one", "two"]));
    let end = pid.monitor();
    pid.kill();
    end.await;
    assert!(all.iter().all(|names| names.count() == 0));
    assert_eq!(topics.count(), 0);
    Ok(())
}
