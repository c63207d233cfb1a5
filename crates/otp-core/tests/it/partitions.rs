//! Partition supervisors, by what Elixir's own tests say of theirs.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use otp_core::{
    Child, ChildState, PartitionSupervisor, Partitions, ServerRef, Strategy, Supervisor,
    SupervisorRef,
};

use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn plan(partitions: usize) -> PartitionSupervisor<Msg> {
    let child = |_, id| Child::server(id, || Probe::new(&Log::default()));
    PartitionSupervisor::new(child).partitions(number(partitions))
}

async fn ids(tree: &SupervisorRef) -> Vec<String> {
    let children = tree.which_children().await.unwrap();
    // Last started first.
    children
        .iter()
        .rev()
        .map(|child| child.id.to_string())
        .collect()
}

fn place(partitions: &Partitions<Msg>, server: &ServerRef<Msg>) -> usize {
    partitions.iter().position(|one| one == server).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_partition_gets_its_number_and_an_id() -> Outcome {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let plan = PartitionSupervisor::new(move |number, id: Arc<str>| {
        noted.lock().unwrap().push((number, id.to_string()));
        Child::server(id, || Probe::new(&Log::default()))
    });
    let (tree, partitions) = plan.partitions(number(12)).start().await?;
    let expected: Vec<_> = (0..12).map(|number| (number, number.to_string())).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    let names: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids(&tree).await, names);
    let counts = tree.count_children().await?;
    assert_eq!((counts.specs, counts.active, counts.workers), (12, 12, 12));
    assert_eq!((partitions.count(), partitions.iter().len()), (12, 12));
    for (number, server) in partitions.iter().enumerate() {
        assert_eq!(partitions.get(number), Some(server));
        assert_eq!(server.pid().ok_or("none")?.name(), Some(&*names[number]));
    }
    assert_eq!(partitions.get(12), None);
    assert_eq!(partitions.get(usize::MAX), None);
    tree.stop().await?;
    assert!(partitions.iter().all(|server| !server.is_alive()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn there_are_as_many_as_the_machine_runs_threads_unless_told_otherwise() -> Outcome {
    let plan = PartitionSupervisor::new(|_, id| Child::server(id, || Probe::new(&Log::default())));
    let (_tree, partitions) = plan.start().await?;
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    assert_eq!(partitions.count(), threads);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn numbers_are_routed_by_their_absolute_value() -> Outcome {
    let (_tree, partitions) = plan(3).start().await?;
    for (number, expected) in [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 0),
        (10, 1),
        (-1, 1),
        (-2, 2),
        (-3, 0),
        (-10, 1),
        (i64::MAX, 1),
        (i64::MIN, 2),
        (i64::MIN + 1, 1),
    ] {
        let server = partitions.of_number(number);
        assert_eq!(place(&partitions, server), expected, "{number}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_always_served_by_the_same_partition_and_keys_are_spread() -> Outcome {
    let (_tree, partitions) = plan(4).start().await?;
    let (_other_tree, others) = plan(4).start().await?;
    let mut served = [0; 4];
    for key in 0..1_000 {
        let key = format!("key {key}");
        let at = place(&partitions, partitions.of(&key));
        assert_eq!(
            place(&partitions, partitions.clone().of(key.as_str())),
            at,
            "a borrowed form too"
        );
        assert_eq!(place(&others, others.of(&key)), at);
        served[at] += 1;
    }
    assert!(served.iter().all(|served| *served > 150), "{served:?}");
    let (_tree, one) = plan(1).start().await?;
    assert_eq!(one.of("any"), one.of_number(-7));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_that_of_one_partition_and_its_address_stays() -> Outcome {
    let (tree, partitions) = plan(3).start().await?;
    let pids: Vec<_> = partitions.iter().map(ServerRef::pid).collect();
    let server = partitions.of_number(1);
    crash(server).await;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    for (at, server) in partitions.iter().enumerate() {
        assert_eq!(server.pid() == pids[at], at != 1);
    }
    assert!(matches!(
        tree.which_children().await?[1].state,
        ChildState::Running(_)
    ));
    assert!(tree.terminate_child("3").await.is_err());
    tree.terminate_child("0").await?;
    assert!(partitions.of_number(0).cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_by_its_own_intensity_and_is_named() -> Outcome {
    let (tree, partitions) = plan(2)
        .name("counters")
        .intensity(1, secs(5))
        .start()
        .await?;
    assert!(tree.snapshot().await?.to_string().starts_with("counters <"));
    crash(partitions.of_number(0)).await;
    assert!(tree.is_alive());
    crash(partitions.of_number(1)).await;
    assert!(!tree.is_alive());
    assert!(partitions.of("any").cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn as_a_child_it_keeps_its_addresses_over_its_own_restarts() -> Outcome {
    let (child, partitions) = plan(3).into_child("counters");
    let below = child.supervisor_ref();
    partitions
        .of_number(2)
        .cast(Msg::Note("waits for the start"))?;
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await?;
    assert_eq!(ids(&below).await, ["0", "1", "2"]);
    let pids: Vec<_> = partitions.iter().map(ServerRef::pid).collect();
    below.stop_with(boom()).await?;
    for (server, pid) in partitions.iter().zip(pids) {
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
        assert_ne!(server.pid(), pid);
    }
    tree.stop().await?;
    assert!(
        partitions
            .iter()
            .all(|server| server.cast(Msg::Note("refused")).is_err())
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn addresses_do_not_keep_it_running() -> Outcome {
    let (tree, partitions) = plan(2).start().await?;
    let end = tree.pid().ok_or("none")?.monitor();
    drop(tree);
    assert!(end.await.is_normal());
    quiet().await;
    assert!(partitions.iter().all(|server| !server.is_alive()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_start_fails_the_whole() -> Outcome {
    let plan = PartitionSupervisor::new(|number, id| {
        Child::server(id, move || {
            Probe::new(&Log::default()).on_init(move |_, _| {
                Box::pin(async move { if number == 1 { Err(boom()) } else { Ok(()) } })
            })
        })
    });
    let text = plan
        .partitions(number(3))
        .start()
        .await
        .err()
        .ok_or("it started")?
        .to_string();
    assert!(text.contains("child `1` did not start: boom"), "{text}");
    // Two children with one id are no partitions.
    let plan =
        PartitionSupervisor::new(|_, _| Child::server("same", || Probe::new(&Log::default())));
    assert!(plan.partitions(number(2)).start().await.is_err());
    Ok(())
}
