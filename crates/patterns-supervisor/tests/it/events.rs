//! The stream of what happens.

use std::future::poll_fn;
use std::task::Poll;

use patterns_supervisor::{Strategy, SupervisionTree, SupervisorEvent};
use testing::{advance, secs, settle};

use crate::support::{Log, Outcome, Pids, Probe, deep_tree, happened, idle, plan, start};

#[tokio::test(start_paused = true)]
async fn everything_in_the_tree_is_told_from_the_asking_on() -> Outcome {
    let tree = deep_tree().await;
    tree.crash_child("a").await?;
    settle().await;
    let mut events = tree.events().await?;
    tree.crash_child("mid/deep/leaf").await?;
    settle().await;
    tree.crash_child("mid").await?;
    settle().await;
    tree.stop_child("z").await?;
    insta::assert_snapshot!(happened(&mut events, &mut Pids::default()), @r"
    mid/deep/leaf: <1> exited: panicked: crashed on purpose
    mid/deep/leaf: starting
    mid/deep/leaf: started as <2>, restart 1
    mid/deep: stopping <3>
    mid/deep/leaf: stopping <2>
    mid/deep/leaf: <2> exited: shutdown
    mid/deep: <3> exited: shutdown
    mid/task: stopping <4>
    mid/task: <4> exited: normal
    mid: <5> exited: panicked: crashed on purpose
    mid: starting
    mid/task: starting
    mid/task: started as <6>
    mid/deep: starting
    mid/deep/leaf: starting
    mid/deep/leaf: started as <7>
    mid/deep: started as <8>
    mid: started as <9>, restart 1
    z: stopping <10>
    z: <10> exited: normal
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_subtree_tells_of_itself_only() -> Outcome {
    let tree = deep_tree().await;
    let mut events = tree.subtree("mid/deep").await?.events().await?;
    for path in ["a", "mid/task", "mid/deep/leaf", "z"] {
        tree.crash_child(path).await?;
        settle().await;
    }
    let mut pids = Pids::default();
    insta::assert_snapshot!(happened(&mut events, &mut pids), @r"
    leaf: <1> exited: panicked: crashed on purpose
    leaf: starting
    leaf: started as <2>, restart 1
    ");
    // Also of its end and its next start, and of what goes on then.
    tree.crash_child("mid").await?;
    settle().await;
    insta::assert_snapshot!(happened(&mut events, &mut pids), @r"
    deep: stopping <3>
    leaf: stopping <2>
    leaf: <2> exited: shutdown
    deep: <3> exited: shutdown
    deep: starting
    leaf: starting
    leaf: started as <4>
    deep: started as <5>
    ");
    tree.crash_child("mid/deep/leaf").await?;
    settle().await;
    insta::assert_snapshot!(happened(&mut events, &mut pids), @r"
    leaf: <4> exited: panicked: crashed on purpose
    leaf: starting
    leaf: started as <6>, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_id_that_begins_like_the_subtrees_is_another_one() -> Outcome {
    let tree = start([
        plan("a", Strategy::OneForOne, [idle("x").into()]).into(),
        plan("a/x", Strategy::OneForOne, [idle("y").into()]).into(),
        plan("ab", Strategy::OneForOne, [idle("x").into()]).into(),
    ])
    .await;
    let mut events = tree.subtree("a").await?.events().await?;
    tree.crash_child("a/x/y").await?;
    tree.crash_child("ab/x").await?;
    settle().await;
    assert_eq!(happened(&mut events, &mut Pids::default()), "");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_event_has_its_time() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let mut events = tree.events().await?;
    let begun = tokio::time::Instant::now();
    advance(secs(2)).await;
    tree.crash_child("a").await?;
    settle().await;
    advance(secs(2)).await;
    while let Some(event) = events.try_recv() {
        assert_eq!(event.at - begun, secs(2), "{event}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_tree_though_handles_are_left() -> Outcome {
    let child = Probe::child("a", &Log::default());
    let address = child.server_ref();
    let tree = start([child.into()]).await;
    let mut events = tree.events().await?;
    tree.stop().await?;
    let mut last = None;
    while let Some(event) = events.recv().await {
        last = Some(event.event);
    }
    assert!(matches!(last, Some(SupervisorEvent::Exited { .. })));
    assert!(events.try_recv().is_none());
    assert!(address.pid().is_none() && !tree.supervisor_ref().is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_later_is_waited_for_and_lost_by_nobody() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let mut events = tree.events().await?;
    assert!(events.try_recv().is_none());
    for _ in 0..3 {
        let waited = tokio::time::timeout(secs(1), events.recv()).await;
        assert!(waited.is_err(), "nothing happens");
    }
    let crash = async {
        tokio::time::sleep(secs(1)).await;
        tree.crash_child("a").await
    };
    let (event, crashed) = tokio::join!(events.recv(), crash);
    crashed?;
    assert!(matches!(
        event.unwrap().event,
        SupervisorEvent::Exited { .. }
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn listeners_come_and_go_without_disturbing() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let (first, mut second) = (tree.events().await?, tree.events().await?);
    drop(first);
    tree.crash_child("a").await?;
    settle().await;
    insta::assert_snapshot!(happened(&mut second, &mut Pids::default()), @r"
    a: <1> exited: panicked: crashed on purpose
    a: starting
    a: started as <2>, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_does_not_keep_the_tree() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let mut events = tree.events().await?;
    drop(tree);
    let mut told = String::new();
    let mut pids = Pids::default();
    while let Some(event) = events.recv().await {
        told += &format!("{}\n", pids.plain(&event.to_string()));
    }
    insta::assert_snapshot!(told, @r"
    root: stopping <1>
    a: stopping <2>
    a: <2> exited: normal
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tree_built_with_the_core_alone_tells_the_same() -> Outcome {
    let supervisor = plan("shop", Strategy::OneForOne, [idle("a").into()]).into_supervisor();
    let tree = SupervisionTree::from(supervisor.start().await?);
    let mut events = tree.events().await?;
    tree.crash_child("a").await?;
    settle().await;
    insta::assert_snapshot!(happened(&mut events, &mut Pids::default()), @r"
    a: <1> exited: panicked: crashed on purpose
    a: starting
    a: started as <2>, restart 1
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_polled_by_hand_and_says_when_it_is_finished() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let mut events = tree.events().await?;
    let polled = poll_fn(|cx| Poll::Ready(events.poll_recv(cx))).await;
    assert!(polled.is_pending());

    tree.crash_child("a").await?;
    let event = poll_fn(|cx| events.poll_recv(cx)).await.unwrap();
    assert_eq!(event.path, "a");
    tree.stop().await?;
    // What has not been read yet is there all the same.
    assert!(!events.is_finished());
    while events.try_recv().is_some() {}
    assert!(!events.is_finished());
    assert!(poll_fn(|cx| events.poll_recv(cx)).await.is_none());
    assert!(events.is_finished());
    assert!(events.recv().await.is_none());
    Ok(())
}
