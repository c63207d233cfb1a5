//! What a server does that implements neither `handle_exit` nor `handle_down`.

use otp_core::{Context, ExitReason, GenServer, Pid, ServerRef, start};

use super::{End, Kind, Subject, boom};
use crate::support::{Done, Log, Outcome, quiet};

/// Traps exits and monitors somebody, and leaves the rest to the defaults.
struct Plain {
    log: Log,
    whom: Pid,
}

impl GenServer for Plain {
    type Msg = &'static str;

    async fn init(&mut self, ctx: &mut Context<Self::Msg>) -> Done {
        ctx.trap_exit();
        ctx.monitor(&self.whom);
        ctx.link(&self.whom)?;
        Ok(())
    }

    async fn handle(&mut self, msg: Self::Msg, _: &mut Context<Self::Msg>) -> Done {
        self.log.note(msg);
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self::Msg>) {
        self.log.note(format!("terminate: {reason}"));
    }
}

async fn bound() -> (Log, ServerRef<&'static str>, Subject) {
    let (log, whom) = (Log::default(), Subject::new(Kind::Server).await);
    let server = Plain {
        log: log.clone(),
        whom: whom.pid.clone(),
    };
    (log, start(server).await.unwrap(), whom)
}

#[tokio::test(start_paused = true)]
async fn a_normal_exit_signal_is_ignored_and_so_is_a_report() -> Outcome {
    let (log, server, whom) = bound().await;
    whom.end(End::With(ExitReason::Normal)).await;
    server.pid().ok_or("no pid")?.exit(ExitReason::Normal);
    server.cast("goes on")?;
    quiet().await;
    assert_eq!(log.take(), ["goes on"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn any_other_exit_signal_ends_the_server_in_order() -> Outcome {
    for by_link in [true, false] {
        let (log, server, whom) = bound().await;
        let end = server.pid().ok_or("no pid")?.monitor();
        server.cast("before")?;
        if by_link {
            whom.end(End::With(boom())).await;
        } else {
            server.pid().ok_or("no pid")?.exit(boom());
        }
        assert_eq!(end.await.to_string(), "boom");
        assert_eq!(log.take(), ["before", "terminate: boom"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_one_ends_the_server_in_order_too() -> Outcome {
    let (log, server, whom) = bound().await;
    let end = server.pid().ok_or("no pid")?.monitor();
    whom.end(End::Killed).await;
    assert!(matches!(end.await, ExitReason::Killed));
    assert_eq!(log.take(), ["terminate: killed"]);
    Ok(())
}
