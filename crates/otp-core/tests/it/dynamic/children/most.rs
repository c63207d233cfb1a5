//! How many children there may be.

use std::sync::atomic::Ordering;

use otp_core::{ChildState, DynamicSupervisor, StartChildError};

use crate::dynamic::{assert_closed, both, counted, hangs, numbers, plain, states};
use crate::supervisor::crash;
use crate::support::{Log, Outcome, quiet, secs};

#[tokio::test(start_paused = true)]
async fn no_more_children_than_allowed() -> Outcome {
    for at in 0..2 {
        let plan = || both()[at].clone();
        let none = plan().max_children(0).start().await?;
        let refused = none.start_child(plain("a")).await;
        assert!(
            matches!(refused, Err(StartChildError::MaxChildren)),
            "{refused:?}"
        );
        let two = plan().max_children(2).start().await?;
        let a = two.start_child(plain("a")).await?;
        let _b = two.start_child(plain("b")).await?;
        let (child, made) = counted("c", |_| Ok(()));
        let c = child.server_ref();
        assert!(matches!(
            two.start_child(child).await,
            Err(StartChildError::MaxChildren)
        ));
        assert_eq!(made.load(Ordering::SeqCst), 0);
        assert_closed(&c);
        two.terminate_child(&a.pid().ok_or("none")?).await?;
        let _c = two.start_child(plain("c")).await?;
        assert!(matches!(
            two.start_child(plain("d")).await,
            Err(StartChildError::MaxChildren)
        ));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_restart_counts_as_one() -> Outcome {
    for plan in both() {
        let supervisor = plan.max_children(1).start().await?;
        let backoff = otp_core::backoff::Backoff::constant(secs(10));
        let a = supervisor.start_child(plain("a").backoff(backoff)).await?;
        let pid = a.pid().ok_or("none")?;
        crash(&a).await;
        assert_eq!(
            states(&supervisor).await,
            [("a".to_owned(), ChildState::Restarting)]
        );
        assert_eq!(numbers(&supervisor).await, (1, 0));
        assert!(matches!(
            supervisor.start_child(plain("b")).await,
            Err(StartChildError::MaxChildren)
        ));
        supervisor.terminate_child(&pid).await?;
        assert_closed(&a);
        let _b = supervisor.start_child(plain("b")).await?;
        tokio::time::sleep(secs(20)).await;
        assert_eq!(numbers(&supervisor).await, (1, 1));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_still_starts_counts_as_one_and_is_not_active() -> Outcome {
    let supervisor = DynamicSupervisor::new()
        .at_once()
        .max_children(1)
        .start()
        .await?;
    let child = hangs("a", &Log::default());
    let starts = child.server_ref();
    let asks = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.start_child(child).await }
    });
    quiet().await;
    assert!(matches!(
        supervisor.start_child(plain("b")).await,
        Err(StartChildError::MaxChildren)
    ));
    assert_eq!(numbers(&supervisor).await, (1, 0));
    let pid = starts.pid().ok_or("none")?;
    assert_eq!(
        states(&supervisor).await,
        [("a".to_owned(), ChildState::Starting(pid.clone()))]
    );
    pid.kill();
    assert!(asks.await?.is_err());
    let _b = supervisor.start_child(plain("b")).await?;
    Ok(())
}
