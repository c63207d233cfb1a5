//! Many crashes and many children: nothing is left of them.

use std::sync::Arc;

use otp_core::{Child, ChildError, Restart, StartChildError, Strategy};

use crate::supervisor::{boom, child, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_thousand_crashes_leave_nothing_behind() -> Outcome {
    let name: Arc<str> = Arc::from("crashes");
    let states: Arc<()> = Arc::default();
    let made = Arc::clone(&states);
    let server = Child::server(Arc::clone(&name), move || {
        let held = Arc::clone(&made);
        Probe::new(&Log::default()).on_terminate(move |_, _| {
            drop(held);
            Box::pin(async { Ok(()) })
        })
    });
    let address = server.server_ref();
    let tree = patient(Strategy::OneForOne).child(server).start().await?;
    quiet().await;
    let before = Arc::strong_count(&name);
    for number in 0..1_000 {
        // Every second one while a call waits behind it.
        address.cast(Msg::end(boom()))?;
        if number % 2 == 0 {
            assert_eq!(
                address.call(|reply| Msg::Echo(number, reply)).await?,
                number
            );
        }
    }
    quiet().await;
    assert_eq!(
        child(&tree, "crashes").await.ok_or("no child")?.restarts,
        1_000
    );
    // The one that lives and the factory's own.
    assert_eq!(Arc::strong_count(&states), 3);
    assert_eq!(Arc::strong_count(&name), before);
    assert_eq!(address.info().handled, 1_500);
    assert_eq!(address.info().monitors, 0);
    tree.stop().await?;
    drop((tree, address));
    // The clock of the calls lets go of the server with the last of their deadlines.
    tokio::time::sleep(secs(10)).await;
    assert_eq!(
        (Arc::strong_count(&states), Arc::strong_count(&name)),
        (1, 1)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_children_are_started_and_stopped() -> Outcome {
    let log = Log::default();
    let mut plan = patient(Strategy::OneForOne);
    for number in 0..10_000 {
        let log = log.clone();
        plan = plan.child(Child::server(format!("{number}"), move || Probe::new(&log)));
    }
    let tree = plan.start().await?;
    let counts = tree.count_children().await?;
    assert_eq!(
        (counts.specs, counts.active, counts.workers),
        (10_000, 10_000, 10_000)
    );
    tree.stop().await?;
    let seen = log.take();
    let ended = seen
        .iter()
        .filter(|line| *line == "terminate: shutdown")
        .count();
    assert_eq!((ended, seen.len()), (10_000, 20_000));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_that_come_and_go_leave_nothing_behind() -> Outcome {
    let tree = patient(Strategy::OneForOne).start().await?;
    let name: Arc<str> = Arc::from("guest");
    for number in 0..1_000 {
        let log = Log::default();
        let own = log.clone();
        let guest = Child::server(Arc::clone(&name), move || Probe::new(&own));
        let address = tree.start_child(guest.restart(Restart::Temporary)).await?;
        match number % 3 {
            0 => tree.terminate_child("guest").await?,
            1 => address.stop().await?,
            _ => address.pid().ok_or("no pid")?.kill(),
        }
        quiet().await;
        assert!(log.has("state dropped"));
        assert!(!address.is_alive());
    }
    assert!(tree.which_children().await?.is_empty());
    assert_eq!(Arc::strong_count(&name), 1);
    let last = tree.start_child(probe("guest", &Log::default())).await?;
    assert!(last.is_alive());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_children_are_added_refused_a_second_time_and_deleted() -> Outcome {
    const COUNT: usize = 10_000;
    let tree = patient(Strategy::OneForOne).start().await?;
    let log = Log::default();
    let guest = |number: usize| {
        let log = log.clone();
        Child::server(format!("{number}"), move || Probe::new(&log))
    };
    let mut addresses = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        addresses.push(tree.start_child(guest(number)).await?);
    }
    for (number, address) in addresses.iter().enumerate() {
        let again = tree.start_child(guest(number)).await;
        assert!(
            matches!(&again, Err(StartChildError::AlreadyStarted(pid)) if address.pid().as_ref() == Some(pid)),
            "{again:?}"
        );
    }
    let children = tree.which_children().await?;
    let last_first = (0..COUNT).rev().map(|number| number.to_string());
    assert!(children.iter().map(|child| &*child.id).eq(last_first));
    let counts = tree.count_children().await?;
    assert_eq!((counts.specs, counts.active), (COUNT, COUNT));
    for number in 0..COUNT {
        let id = number.to_string();
        assert!(matches!(
            tree.delete_child(&id).await,
            Err(ChildError::Running)
        ));
        tree.terminate_child(&id).await?;
        if number % 2 == 0 {
            tree.delete_child(&id).await?;
        }
    }
    let counts = tree.count_children().await?;
    assert_eq!((counts.specs, counts.active), (COUNT / 2, 0));
    for number in (1..COUNT).step_by(2) {
        tree.delete_child(&number.to_string()).await?;
    }
    assert!(tree.which_children().await?.is_empty());
    assert!(addresses.iter().all(|address| !address.is_alive()));
    let dropped = log
        .take()
        .iter()
        .filter(|line| *line == "state dropped")
        .count();
    assert_eq!(dropped, COUNT);
    tree.stop().await?;
    Ok(())
}
