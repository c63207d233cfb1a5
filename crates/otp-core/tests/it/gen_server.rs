//! OTP's own rules for `gen_server`, one by one, as far as they mean something here.
//
// | OTP's rule | where it is shown |
// |---|---|
// | a name is registered before init runs; a taken one: already_started | none: there are no registered names yet |
// | the caller blocks until init is done | start::start_returns_when_init_has_returned |
// | start timeout, by default infinite; the process is killed | start::init_may_take_as_long_as_it_likes, ::an_init_that_takes_too_long_is_killed |
// | init: ok with a time-out, or with continue | what_init_continues_with_comes_before_any_message, an_idle_timeout_may_be_set_in_init |
// | init: stop R, also R = normal | start::a_failed_init_is_an_error_and_leaves_nothing, ::an_init_that_ends_normally_has_failed_too |
// | init: ignore | start::a_server_may_decline_to_start |
// | init: exit and error | start::a_server_killed_in_init_has_failed, ::a_panic_in_init_is_an_error |
// | init: throw, bad return values, wrong arguments, missing callbacks | none: the types leave no room for them |
// | a failed start leaves nothing behind and can be repeated at once | start::a_failed_start_can_be_repeated_at_once, ::nothing_is_left_when_a_start_has_timed_out |
// | terminate is not called for a failed init | start::a_failed_init_is_an_error_and_leaves_nothing |
// | start_link: the caller's exit signal of a failed start | parents::a_failed_start_is_only_an_error (here none) |
// | continue: at once, before any queued message; from itself; stop from it | a_continue_comes_before_any_queued_message, a_continue_may_continue, a_continue_may_stop_the_server |
// | continue after a call with a reply: the reply comes first | a_reply_is_out_before_the_continue |
// | idle time-out: only idle time, cancelled by any message, set anew | an_idle_timeout_counts_idle_time_alone, any_message_cancels_an_idle_timeout, the_last_idle_timeout_counts |
// | idle time-out of 0: only if the queue is empty | a_zero_idle_timeout_waits_for_an_empty_queue |
// | system messages do not cancel it | inspect::looking_in_does_not_count_as_activity |
// | the parent's exit, trapping: terminate, also for normal | parents::who_traps_ends_in_order_with_its_parent_also_a_normal_one, ::a_parents_end_takes_its_turn_in_who_traps |
// | the parent's exit, not trapping: dies at once, normal does nothing | parents::who_does_not_trap_dies_at_once_with_its_parent, ::a_parents_normal_end_does_nothing_to_who_does_not_trap |
// | exits of others are told, if trapped | parents::the_ends_of_others_are_told_to_handle_exit, exits::defaults::* |
// | stop R: terminate(R), then exit R | an_error_of_a_handler_ends_the_server |
// | stop R with a reply: terminate first, then the reply | a_reply_does_not_wait_for_terminate (here replies are sent at once) |
// | an error in a callback: terminate, then exit | a_panic_of_a_handler_ends_the_server |
// | an error in terminate replaces the reason | stop::a_panic_in_terminate_takes_the_place_of_the_reason, a_panic_in_terminate_takes_the_place_of_a_panic |
// | terminate runs on stops, errors, stop/1; not on kill, nor on exit signals when not trapping | these, stop::*, exits::sent::*, a_killed_server_does_not_terminate (the stops here also without trapping exits) |
// | default callbacks | a_server_needs_no_more_than_handle |
// | call: the reply, delayed, from another process | call::a_call_returns_the_reply, reply::a_kept_call_is_answered_later, ::anybody_may_answer |
// | call: noproc for a dead server; the reason of its end; also normal | call::a_call_to_an_ended_server_fails_at_once, unanswered::* |
// | call: calling_self | call::a_server_cannot_call_itself |
// | call: 5000 ms by default; zero; infinity | deadline::a_call_waits_for_five_seconds, ::a_timeout_is_never_early_and_hardly_late, ::a_call_without_limit_waits_for_ever |
// | call: killed while it waits | call::the_caller_of_a_killed_server_is_told_at_once |
// | time-out: the server is not told and works on, its late reply is dropped | call::the_server_is_not_told_of_a_timeout_and_works_on, reply::a_late_reply_is_dropped |
// | time-out: a reply that arrives just then counts | deadline::a_reply_just_in_time_counts |
// | a second reply | none: `ReplyTo::send` takes the `ReplyTo` |
// | a huge mailbox of the caller does not slow a call | none: a caller has no mailbox, the reply has a cell of its own |
// | send_request, request collections, abandoned requests | requests_may_be_collected, call::a_call_given_up_may_still_be_handled |
// | cast: returns at once; ok without a receiver | a_cast_to_an_ended_server_gives_the_message_back (here an error) |
// | stop(Ref, R): waits; ok, another reason, noproc | stop::* |
// | stop: its time-out; the server goes on stopping | stop::a_stop_that_is_given_up_goes_on |
// | info | none: what a server is sent is one type |
// | crash reports only for reasons other than normal and shutdown | events::only_a_crash_is_an_error_in_the_log |
// | get_state, suspend | inspect::* |

use otp_core::{CallError, Context, ExitReason, GenServer, ReplyTo, StartError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{Done, Log, Msg, Outcome, Probe, ms, panic_message, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn what_init_continues_with_comes_before_any_message() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).on_init(|probe, ctx| {
        ctx.self_ref().cast(Msg::Note("queued")).unwrap();
        ctx.continue_with(Msg::Note("continued"));
        probe.log.note("init");
        Box::pin(async { Ok(()) })
    });
    let _server = server.start().await?;
    quiet().await;
    assert_eq!(log.take(), ["init", "continued", "queued"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_continue_comes_before_any_queued_message() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::run(|probe, ctx| {
        Box::pin(async {
            ctx.continue_with(Msg::Note("first"));
            ctx.continue_with(Msg::Note("second"));
            sleep(secs(1)).await;
            probe.log.note("handled");
            Ok(())
        })
    }))?;
    server.cast(Msg::Note("queued"))?;
    quiet().await;
    server.cast(Msg::Note("queued later"))?;
    sleep(secs(2)).await;
    assert_eq!(
        log.take(),
        ["handled", "first", "second", "queued", "queued later"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_continue_may_continue() -> Outcome {
    fn again(left: u32) -> Msg {
        Msg::act(move |probe, ctx| {
            probe.log.note(format!("{left} left"));
            if left > 0 {
                ctx.continue_with(again(left - 1));
            }
            Ok(())
        })
    }
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(again(2))?;
    server.cast(Msg::Note("queued"))?;
    quiet().await;
    assert_eq!(log.take(), ["2 left", "1 left", "0 left", "queued"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_continue_may_stop_the_server() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().ok_or("no pid")?.monitor();
    server.cast(Msg::act(|_, ctx| {
        ctx.continue_with(Msg::end(ExitReason::Shutdown));
        Ok(())
    }))?;
    server.cast(Msg::Note("queued"))?;
    assert_eq!(shown(&end.await), "Shutdown");
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_out_before_the_continue() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let answered = server.call(|reply| {
        Msg::act(|_, ctx| {
            ctx.continue_with(Msg::hang());
            reply.send(1);
            Ok(())
        })
    });
    assert_eq!(answered.await?, 1);
    quiet().await;
    assert_eq!(log.take(), ["hangs"]);
    Ok(())
}

fn idle(after: std::time::Duration, note: &'static str) -> Msg {
    Msg::act(move |_, ctx| {
        ctx.idle_after(after, Msg::Note(note));
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_may_be_set_in_init() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).on_init(|_, ctx| {
        ctx.idle_after(secs(1), Msg::Note("idle"));
        Box::pin(async { Ok(()) })
    });
    let _server = server.start().await?;
    sleep(ms(990)).await;
    assert_eq!(log.take(), [""; 0]);
    sleep(ms(30)).await;
    assert_eq!(log.take(), ["idle"]);
    // Once.
    sleep(secs(60)).await;
    assert_eq!(log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_counts_idle_time_alone() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::run(|_, ctx| {
        Box::pin(async {
            ctx.idle_after(secs(10), Msg::Note("idle"));
            sleep(secs(60)).await;
            Ok(())
        })
    }))?;
    while !log.has("idle") {
        sleep(ms(1)).await;
    }
    assert!(
        begun.elapsed() >= secs(70) && begun.elapsed() <= secs(70) + ms(20),
        "{:?}",
        begun.elapsed()
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn any_message_cancels_an_idle_timeout() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let wake_ups = [
        Msg::Note("message"),
        Msg::act(|_, ctx| {
            ctx.continue_with(Msg::Note("continued"));
            Ok(())
        }),
    ];
    for wake_up in wake_ups {
        server.cast(idle(secs(10), "idle"))?;
        sleep(secs(9)).await;
        server.cast(wake_up)?;
        sleep(secs(60)).await;
    }
    assert_eq!(log.take(), ["message", "continued"]);
    server.cast(Msg::act(|_, ctx| {
        ctx.send_after(secs(9), Msg::Note("timer"));
        ctx.idle_after(secs(10), Msg::Note("idle"));
        Ok(())
    }))?;
    sleep(secs(60)).await;
    assert_eq!(log.take(), ["timer"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_last_idle_timeout_counts() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.idle_after(secs(1), Msg::Note("first"));
        ctx.idle_after(secs(2), Msg::Note("second"));
        Ok(())
    }))?;
    sleep(secs(60)).await;
    assert_eq!(log.take(), ["second"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_zero_idle_timeout_waits_for_an_empty_queue() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let zero = std::time::Duration::ZERO;
    server.cast(idle(zero, "idle"))?;
    server.cast(Msg::Note("queued"))?;
    quiet().await;
    assert_eq!(log.take(), ["queued"]);
    let begun = Instant::now();
    server.cast(idle(zero, "idle"))?;
    while !log.has("idle") {
        tokio::task::yield_now().await;
    }
    assert_eq!(begun.elapsed(), zero);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_handler_ends_the_server() -> Outcome {
    for reason in [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::boxed("why"),
    ] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let end = server.pid().ok_or("no pid")?.monitor();
        server.cast(Msg::end(reason.clone()))?;
        assert_eq!(shown(&end.await), shown(&reason));
        assert_eq!(
            log.take(),
            [format!("terminate: {reason}"), "state dropped".to_owned()]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_handler_ends_the_server() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).on_terminate(|probe, _| {
        // On the state as it was left.
        probe.log.note(format!("kept {}", probe.kept.len()));
        Box::pin(async { Ok(()) })
    });
    let server = server.start().await?;
    let end = server.pid().ok_or("no pid")?.monitor();
    let torn = server.call(|reply| {
        Msg::act(|probe, _| {
            probe.kept.push(reply);
            panic!("boom")
        })
    });
    match torn.await {
        Err(CallError::Exited(reason)) => assert_eq!(panic_message(&reason), Some("boom")),
        other => panic!("{other:?}"),
    }
    assert_eq!(panic_message(&end.await), Some("boom"));
    let log = log.take();
    assert!(log[0].starts_with("terminate: panicked"), "{log:?}");
    assert_eq!(log[1..], ["kept 1", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_terminate_takes_the_place_of_a_panic() -> Outcome {
    let server = Probe::new(&Log::default())
        .on_terminate(|_, _| panic!("in terminate"))
        .start()
        .await?;
    let end = server.pid().ok_or("no pid")?.monitor();
    server.cast(Msg::panic())?;
    assert_eq!(panic_message(&end.await), Some("in terminate"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn callbacks_that_panic_before_their_future_is_made_are_caught_too() -> Outcome {
    #[derive(PartialEq)]
    enum Panics {
        Init,
        Handle,
        Terminate,
    }

    impl GenServer for Panics {
        type Msg = ();

        fn init(&mut self, _: &mut Context<()>) -> impl Future<Output = Done> + Send {
            assert!(*self != Self::Init, "in init");
            async { Ok(()) }
        }

        fn handle(&mut self, (): (), _: &mut Context<()>) -> impl Future<Output = Done> + Send {
            assert!(*self != Self::Handle, "in handle");
            async { Err(ExitReason::Normal) }
        }

        fn terminate(
            &mut self,
            _: &ExitReason,
            _: &mut Context<()>,
        ) -> impl Future<Output = ()> + Send {
            assert!(*self != Self::Terminate, "in terminate");
            async {}
        }
    }

    match otp_core::start(Panics::Init).await {
        Err(StartError::Failed(reason)) => assert_eq!(panic_message(&reason), Some("in init")),
        other => panic!("{other:?}"),
    }
    for (server, message) in [
        (Panics::Handle, "in handle"),
        (Panics::Terminate, "in terminate"),
    ] {
        let server = otp_core::start(server).await?;
        let end = server.pid().ok_or("no pid")?.monitor();
        server.cast(()).unwrap();
        let end = end.await;
        assert_eq!(panic_message(&end), Some(message), "{end:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_does_not_wait_for_terminate() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log)
        .on_terminate(|_, _| Box::pin(std::future::pending()))
        .start()
        .await?;
    let bye = server.call(|reply| {
        Msg::act(|_, _| {
            reply.send("bye");
            Err(ExitReason::Normal)
        })
    });
    assert_eq!(bye.await?, "bye");
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_server_does_not_terminate() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let end = pid.monitor();
    server.cast(Msg::Note("never handled"))?;
    pid.kill();
    assert_eq!(shown(&end.await), "Killed");
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_needs_no_more_than_handle() -> Outcome {
    struct Doubler;

    impl GenServer for Doubler {
        type Msg = (u32, ReplyTo<u32>);

        async fn handle(&mut self, (number, reply): Self::Msg, _: &mut Context<Self::Msg>) -> Done {
            reply.send(2 * number);
            Ok(())
        }
    }

    let doubler = otp_core::start(Doubler).await?;
    assert_eq!(doubler.call(|reply| (4, reply)).await?, 8);
    doubler.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cast_to_an_ended_server_gives_the_message_back() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.stop().await?;
    match server
        .cast(Msg::Note("note"))
        .map_err(otp_core::CastError::into_message)
    {
        Err(Msg::Note(note)) => assert_eq!(note, "note"),
        _ => panic!("another message, or none"),
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn requests_may_be_collected() -> Outcome {
    let steady = Probe::new(&Log::default()).start().await?;
    let failing = Probe::new(&Log::default()).start().await?;
    let (ended, mut requests) = (failing.clone(), JoinSet::new());
    let asked = steady.clone();
    requests.spawn(async move { asked.call_timeout(Msg::Keep, secs(1)).await });
    let asked = steady.clone();
    requests.spawn(async move { asked.call(|reply| Msg::Echo(1, reply)).await });
    requests.spawn(async move {
        let fails = |reply: ReplyTo<u32>| {
            Msg::act(|probe, _| {
                probe.kept.push(reply);
                Err(ExitReason::Shutdown)
            })
        };
        failing.call(fails).await
    });
    // An outcome for each, in the order in which they come.
    let mut outcomes = Vec::new();
    while let Some(outcome) = requests.join_next().await {
        outcomes.push(shown(&outcome?));
    }
    outcomes[..2].sort();
    assert_eq!(outcomes, ["Err(Exited(Shutdown))", "Ok(1)", "Err(Timeout)"]);
    assert!(!ended.is_alive() && steady.is_alive());
    Ok(())
}
