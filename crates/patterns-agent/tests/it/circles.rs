//! Closures that look at other agents while they change their own: they wait, and never for each other.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;

use patterns_agent::{Agent, AgentError, Pid, Reader};
use testing::secs;
use tokio::runtime::{Builder, Runtime};

use crate::support::{agent, restoring};

/// An agent on a thread of its own, so that its closures may block.
struct Own {
    runtime: Runtime,
    agent: Agent<u64>,
    reader: Reader<u64>,
}

fn own(number: u64, restores: bool) -> Own {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_time().build().unwrap();
    let agent = runtime.block_on(async {
        match restores {
            true => restoring(number).await,
            false => agent(number).await,
        }
    });
    let reader = runtime.block_on(agent.reader()).unwrap();
    Own {
        runtime,
        agent,
        reader,
    }
}

type Looked = Result<u64, AgentError>;

impl Own {
    /// Has the agent look at another one in the middle of a change, when all have come so far.
    fn look_at(&self, other: &Self, meet: &Arc<Barrier>, answers: &Sender<(Pid, Looked)>) {
        let (reader, meet, answers) = (other.reader.clone(), Arc::clone(meet), answers.clone());
        let pid = self.agent.pid().unwrap();
        self.agent
            .cast(move |number| {
                *number += 100;
                meet.wait();
                let looked = reader.snapshot().map(|number| *number);
                answers.send((pid, looked)).unwrap();
                *number += 1;
            })
            .unwrap();
    }

    fn number(&self) -> u64 {
        self.runtime.block_on(self.agent.get(|n| *n)).unwrap()
    }
}

fn next<T>(answers: &Receiver<T>) -> T {
    answers.recv_timeout(secs(60)).expect("they hang")
}

#[test]
fn closures_that_look_at_each_other_in_a_circle_are_told_and_go_on() {
    for count in [2, 3, 5] {
        let agents: Vec<_> = (0..count).map(|number| own(number, false)).collect();
        for round in 1..=20 {
            let (meet, (send, answers)) = (Arc::new(Barrier::new(agents.len())), mpsc::channel());
            for (index, one) in agents.iter().enumerate() {
                one.look_at(&agents[(index + 1) % agents.len()], &meet, &send);
            }
            let mut circles = 0;
            for _ in &agents {
                match next(&answers) {
                    (pid, Err(AgentError::Deadlock { cycle })) => {
                        circles += 1;
                        let from = agents
                            .iter()
                            .position(|one| one.agent.pid() == Some(pid.clone()));
                        let from = from.unwrap();
                        let expected: Vec<_> = (0..agents.len())
                            .map(|step| agents[(from + step) % agents.len()].agent.pid().unwrap())
                            .collect();
                        assert_eq!(&*cycle, &*expected, "the one that asked, and so on");
                    }
                    // Whole: as it was, or with all that this round adds.
                    (_, Ok(seen)) => assert!(seen % 101 < count, "{seen}"),
                    (_, Err(other)) => panic!("{other}"),
                }
            }
            assert_eq!(
                circles, 1,
                "one of them opens the circle, and the others wait"
            );
            for (number, one) in (0..).zip(&agents) {
                assert_eq!(one.number(), number + round * 101);
            }
        }
    }
}

#[test]
fn closures_that_look_at_each_other_on_copies_wait_for_nobody() {
    let agents = [own(0, true), own(1, true)];
    let (meet, (send, answers)) = (Arc::new(Barrier::new(2)), mpsc::channel());
    agents[0].look_at(&agents[1], &meet, &send);
    agents[1].look_at(&agents[0], &meet, &send);
    for _ in 0..2 {
        assert!(next(&answers).1.unwrap() <= 102);
    }
}

#[test]
fn a_closure_that_waits_for_another_one_without_a_circle_is_never_told_of_one() {
    let (left, right) = (own(0, false), own(0, false));
    let (send, answers) = mpsc::channel();
    let looking = thread::spawn({
        let (left, reader) = (left.agent.clone(), right.reader.clone());
        move || {
            for _ in 0..5_000 {
                let (reader, send) = (reader.clone(), send.clone());
                left.cast(move |number| {
                    *number += 1;
                    send.send(reader.snapshot().map(|number| *number)).unwrap();
                })
                .unwrap();
            }
        }
    });
    // It looks at nobody while it changes, and only then at the one that looks at it.
    for round in 1..=5_000 {
        right.agent.cast(|number| *number += 1).unwrap();
        if round % 10 == 0 {
            let _ = left.reader.snapshot().unwrap();
        }
    }
    looking.join().unwrap();
    let mut last = 0;
    for _ in 0..5_000 {
        let seen = next(&answers).unwrap();
        assert!(seen >= last, "a snapshot went back");
        last = seen;
    }
    assert_eq!((left.number(), right.number()), (5_000, 5_000));
}

#[test]
fn a_closure_below_a_closure_in_one_thread_is_told_too() {
    let (outer, (done, end)) = (own(1, false), mpsc::channel());
    let reader = outer.reader.clone();
    outer
        .agent
        .cast(move |_| {
            // A runtime of its own in the middle of the closure, whose agent looks at the one that is being changed.
            let looked = tokio::task::block_in_place(|| {
                let runtime = Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async {
                    let inner = agent(2).await;
                    let _shared = inner.reader().await.unwrap();
                    let look = inner.get_and_update(move |_| reader.snapshot());
                    look.await.unwrap()
                })
            });
            done.send(looked).unwrap();
        })
        .unwrap();
    assert!(matches!(next(&end), Err(AgentError::CallingSelf)));
}

#[test]
fn on_one_thread_no_task_ever_finds_the_state_out() {
    let (done, end) = mpsc::channel();
    // In a thread of its own, so that a hang would be a failure.
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let agent = agent(0_u64).await;
            let reader = agent.reader().await.unwrap();
            let looking = tokio::spawn({
                let reader = reader.clone();
                async move {
                    let (mut last, mut looks) = (0, 0_u64);
                    while last < 3_000 {
                        let seen = *reader.snapshot().unwrap();
                        assert!(seen >= last);
                        (last, looks) = (seen, looks + 1);
                        tokio::task::yield_now().await;
                    }
                    looks
                }
            });
            for round in 0..3_000 {
                match round % 3 {
                    0 => agent.update(|number| *number += 1).await.unwrap(),
                    1 => agent.cast(|number| *number += 1).unwrap(),
                    // It stops in the middle: whoever looks meanwhile sees the state before.
                    _ => agent
                        .update_async(|number| async move {
                            tokio::task::yield_now().await;
                            number + 1
                        })
                        .await
                        .unwrap(),
                }
            }
            assert!(looking.await.unwrap() > 1);
        });
        done.send(()).unwrap();
    });
    assert_eq!(end.recv_timeout(secs(60)), Ok(()), "a hang or a panic");
}
