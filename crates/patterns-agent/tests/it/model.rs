//! Any history of operations, against a plain value with a version.

use patterns_agent::{Agent, AgentConfig, AgentError, Change, OnPanic, Reader, Validator, View};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Get,
    Update(i64),
    GetAndUpdate(i64),
    Cast(i64),
    UpdateAsync(i64),
    /// Compares with the version, or with one beside it.
    Compare(u64, i64),
    Panic,
    AddReader,
    DropReader,
    Hold,
    Release,
    Recv,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let amount = || -20_i64..40;
    let op = prop_oneof![
        3 => Just(Op::Get),
        6 => amount().prop_map(Op::Update),
        3 => amount().prop_map(Op::GetAndUpdate),
        4 => amount().prop_map(Op::Cast),
        3 => amount().prop_map(Op::UpdateAsync),
        3 => (0_u64..2, amount()).prop_map(|(off, amount)| Op::Compare(off, amount)),
        2 => Just(Op::Panic),
        2 => Just(Op::AddReader),
        1 => Just(Op::DropReader),
        3 => Just(Op::Hold),
        2 => Just(Op::Release),
        3 => Just(Op::Recv),
    ];
    prop::collection::vec(op, 0..80)
}

/// The plain value.
#[derive(Debug, Clone, Copy)]
struct Model {
    value: i64,
    version: u64,
    /// What a validator lets be.
    most: i64,
    refused: u64,
    panicked: u64,
}

impl Model {
    /// Tells whether the update takes effect.
    fn add(&mut self, amount: i64) -> bool {
        if self.value + amount > self.most {
            self.refused += 1;
            return false;
        }
        self.value += amount;
        self.version += 1;
        true
    }
}

/// What was taken from the agent, and what it must be.
struct Held(Change<i64>, i64, u64);

async fn agrees(restores: bool, most: Option<i64>, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let limit = most.unwrap_or(i64::MAX);
    let config = AgentConfig {
        on_panic: if restores {
            OnPanic::Restore(Clone::clone)
        } else {
            OnPanic::Stop
        },
        validator: most.map(|most| {
            Validator::new(move |value: &i64| {
                if *value <= most {
                    Ok(())
                } else {
                    Err("too much")
                }
            })
        }),
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config, || 0_i64).await.unwrap();
    let view: View<i64> = agent.view(|value| *value).await.unwrap();
    let mut model = Model {
        value: 0,
        version: 1,
        most: limit,
        refused: 0,
        panicked: 0,
    };
    let (mut readers, mut held): (Vec<(Reader<i64>, u64)>, Vec<Held>) = (Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Get => {}
            Op::Update(amount) => {
                let done = agent.update(move |value| *value += amount).await;
                prop_assert_eq!(done.is_ok(), model.add(amount));
            }
            Op::GetAndUpdate(amount) => {
                let before = model.value;
                let done =
                    agent.get_and_update(move |value| std::mem::replace(value, *value + amount));
                let done = done.await;
                prop_assert_eq!(done.ok(), model.add(amount).then_some(before));
            }
            Op::Cast(amount) => {
                agent.cast(move |value| *value += amount).unwrap();
                model.add(amount);
            }
            Op::UpdateAsync(amount) => {
                let done = agent.update_async(move |value| async move {
                    tokio::task::yield_now().await;
                    value + amount
                });
                prop_assert_eq!(done.await.is_ok(), model.add(amount));
            }
            Op::Compare(off, amount) => {
                let (version, _) = agent.get_versioned(|value| *value).await.unwrap();
                prop_assert_eq!(version, model.version);
                let done = agent
                    .compare_and_update(version - off, move |value| *value += amount)
                    .await;
                if off == 0 {
                    prop_assert_eq!(done.is_ok(), model.add(amount));
                } else {
                    let current = model.version;
                    let told = match done {
                        Err(AgentError::Conflict { current }) => Some(current),
                        _ => None,
                    };
                    prop_assert_eq!(told, Some(current));
                }
            }
            Op::Panic => {
                if restores {
                    let done = agent
                        .update(|value| {
                            *value = -1_000;
                            std::panic::resume_unwind(Box::new("on purpose"));
                        })
                        .await;
                    prop_assert!(matches!(done, Err(AgentError::Panicked(_))));
                    model.panicked += 1;
                }
            }
            Op::AddReader => readers.push((agent.reader().await.unwrap(), model.version)),
            Op::DropReader => drop(readers.pop()),
            Op::Hold => {
                agent.get(|_| ()).await.unwrap();
                held.extend(
                    readers.first().map(|(reader, _)| {
                        Held(reader.latest().unwrap(), model.value, model.version)
                    }),
                );
            }
            Op::Release => held.clear(),
            Op::Recv => {
                agent.get(|_| ()).await.unwrap();
                if let Some((reader, seen)) = readers.last_mut()
                    && *seen < model.version
                {
                    let change = reader.recv().await.unwrap();
                    prop_assert_eq!(
                        (change.version, *change.state),
                        (model.version, model.value)
                    );
                    *seen = model.version;
                }
            }
        }
        let now = agent.get_versioned(|value| *value).await.unwrap();
        prop_assert_eq!(now, (model.version, model.value));
        prop_assert_eq!((agent.version(), *view.get()), (model.version, model.value));
        for (reader, _) in &readers {
            prop_assert_eq!(*reader.snapshot().unwrap(), model.value);
        }
        for Held(change, value, version) in &held {
            prop_assert_eq!(
                (*change.state, change.version),
                (*value, *version),
                "a snapshot never changes"
            );
        }
        let info = agent.info();
        prop_assert_eq!(
            (info.refused, info.panicked),
            (model.refused, model.panicked)
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_agent_is_a_value_with_a_version(
        restores in any::<bool>(),
        most in prop::option::of(0_i64..200),
        ops in ops(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(agrees(restores, most, ops))?;
    }
}
