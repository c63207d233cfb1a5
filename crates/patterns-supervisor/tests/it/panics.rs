//! Panics in the program's own code, and code that uses the tree it is in: whom that reaches, and that nothing is the worse for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use patterns_supervisor::{Child, ChildState, StartError, StopToken, SupervisionTree, TreeConfig};
use testing::{ms, quiet, secs, settle};
use tokio::time::{Instant, sleep};

use crate::support::{Log, Outcome, child, idle, pid, start};

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_child_is_its_own_end_and_nobody_elses() -> Outcome {
    quiet();
    let task = Child::task("a", |_| async {
        sleep(secs(10)).await;
        panic!("as told")
    });
    let tree = start([task.into(), idle("b").into()]).await;
    let b = pid(&tree, "b").await;
    for restarts in 1..4 {
        sleep(secs(10) + ms(1)).await;
        settle().await;
        assert_eq!(child(&tree, "a").await.restarts, restarts);
    }
    assert_eq!(pid(&tree, "b").await, b);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_makes_a_child_is_a_start_that_failed() -> Outcome {
    quiet();
    let starts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&starts);
    // The first and the third of its starts are well.
    let make = move |stop: StopToken| {
        assert!(
            counted.fetch_add(1, Ordering::SeqCst).is_multiple_of(2),
            "as told"
        );
        async move {
            stop.requested().await;
            Ok(())
        }
    };
    let tree = start([Child::task("a", make).into(), idle("b").into()]).await;
    let b = pid(&tree, "b").await;
    tree.crash_child("a").await?;
    settle().await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    assert!(matches!(
        child(&tree, "a").await.state,
        ChildState::Running(_)
    ));
    assert_eq!(pid(&tree, "b").await, b);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_first_start_is_the_end_of_the_start() {
    quiet();
    let make = |_| -> std::future::Pending<_> { panic!("as told") };
    let config = TreeConfig {
        children: vec![idle("a").into(), Child::task("b", make).into()],
        ..Default::default()
    };
    let error = SupervisionTree::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Failed(_)), "{error:?}");
    insta::assert_snapshot!(error, @"init failed: shutdown: child `b` did not start: panicked: as told");
}

#[tokio::test(start_paused = true)]
async fn a_child_may_use_its_tree_and_even_stop_it() -> Outcome {
    let here: Arc<OnceLock<SupervisionTree>> = Arc::default();
    let there = Arc::clone(&here);
    let seen = Log::default();
    let log = seen.clone();
    let task = Child::task("a", move |_| {
        let (there, log) = (Arc::clone(&there), log.clone());
        async move {
            sleep(secs(1)).await;
            let tree = there.get().unwrap();
            log.note(format!("{} run", tree.info().await?.running));
            tree.crash_child("b").await?;
            sleep(secs(1)).await;
            log.note(format!(
                "{} restart",
                tree.info().await?.children[1].restarts
            ));
            // It waits for its own end by that, and is killed when its time is over.
            let stopped = tree.stop().await;
            log.note(format!("{stopped:?}"));
            Ok(())
        }
    });
    let tree = start([task.into(), idle("b").into()]).await;
    here.set(tree.clone()).unwrap();
    let begun = Instant::now();
    assert!(tree.wait().await.is_normal());
    assert!((secs(7)..secs(8)).contains(&begun.elapsed()));
    assert_eq!(seen.take(), ["2 run", "1 restart"]);
    Ok(())
}
