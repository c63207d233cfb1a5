//! Errors and traces as a person reads them.

use std::error::Error;
use std::io;

use futures_util::stream;
use insta::assert_snapshot;
use patterns_pipeline::{
    Backoff, Cause, FlowExt, Pipeline, RetryConfig, StageConfig, StageError, StepError, TimedOut,
};
use testing::{ms, quiet, secs};
use tokio::time::sleep;

/// An order's error, as a program would have it.
#[derive(Debug)]
enum OrderError {
    SoldOut,
    Late(TimedOut),
    Disk(io::Error),
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SoldOut => f.write_str("sold out"),
            Self::Late(late) => late.fmt(f),
            Self::Disk(_) => f.write_str("the order could not be written"),
        }
    }
}

impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Disk(error) => Some(error),
            Self::SoldOut | Self::Late(_) => None,
        }
    }
}

impl From<TimedOut> for OrderError {
    fn from(late: TimedOut) -> Self {
        Self::Late(late)
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Good,
    SoldOut,
    Disk,
    Hangs,
    Panics,
}

fn order() -> patterns_pipeline::BoxPipeline<End, End, OrderError> {
    Pipeline::new()
        .step("validate", Ok)
        .step_async("reserve", |end| async move {
            sleep(ms(3)).await;
            Ok(end)
        })
        .undo_async(|_| sleep(ms(12)))
        .step("charge", Ok)
        .undo(|_| Err::<(), _>("the bank is closed"))
        .step_async("ship", |end| async move {
            match end {
                End::Good => Ok(end),
                End::SoldOut => Err(OrderError::SoldOut),
                End::Disk => Err(OrderError::Disk(io::Error::other("disk full"))),
                End::Hangs => std::future::pending().await,
                End::Panics => panic!("as told"),
            }
        })
        .timeout(ms(500))
        .retry_if(
            RetryConfig {
                backoff: Backoff::constant(ms(100)),
                ..RetryConfig::default()
            },
            |cause| matches!(cause, Cause::Timeout { .. }),
        )
        .boxed()
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text += &format!("\n  {error}");
        next = error.source();
    }
    text
}

#[tokio::test(start_paused = true)]
async fn an_error_names_its_step_and_what_was_not_undone() {
    quiet();
    let mut texts = Vec::new();
    for end in [End::SoldOut, End::Disk, End::Hangs, End::Panics] {
        texts.push(chain(&order().run_tagged(end).await.unwrap_err()));
    }
    assert_snapshot!(texts.join("\n"), @r"
    step `ship`: sold out; undo of `charge`: the bank is closed
    step `ship`: the order could not be written; undo of `charge`: the bank is closed
      disk full
    step `ship`: no result after 500ms; undo of `charge`: the bank is closed
    step `ship`: panicked: as told; undo of `charge`: the bank is closed
    ");
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_a_table() {
    quiet();
    let mut tables = Vec::new();
    for end in [End::Good, End::Hangs, End::Panics] {
        tables.push(order().run_traced(end).await.trace.to_string());
    }
    assert_snapshot!(tables.join("\n"), @r"
    step      outcome  attempts   took
    validate  done            1  0.0ns
    reserve   done            1  3.0ms
    charge    done            1  0.0ns
    ship      done            1  0.0ns

    step      outcome                         attempts    took
    validate  done                                   1   0.0ns
    reserve   done                                   1   3.0ms
    charge    done                                   1   0.0ns
    ship      timed out                              3    1.7s
    charge    not undone: the bank is closed             0.0ns
    reserve   undone                                    12.0ms

    step      outcome                         attempts    took
    validate  done                                   1   0.0ns
    reserve   done                                   1   3.0ms
    charge    done                                   1   0.0ns
    ship      panicked                               1   0.0ns
    charge    not undone: the bank is closed             0.0ns
    reserve   undone                                    12.0ms
    ");
    let nothing = Pipeline::<u8, ()>::new().run_traced(1).await.trace;
    assert_eq!(nothing.to_string(), "step  outcome  attempts  took\n");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_flow_names_item_stage_and_step() {
    quiet();
    let mut flow = stream::iter([End::Good, End::Disk, End::Hangs])
        .flow()
        .through("orders", StageConfig::default(), &order())
        .stage("file", StageConfig::default(), |_| async {
            Err::<(), _>(OrderError::SoldOut)
        });
    let mut texts = Vec::new();
    while let Some(result) = flow.next().await {
        texts.push(chain(&result.unwrap_err()));
    }
    assert_snapshot!(texts.join("\n"), @r"
    item 0, stage `file`: sold out
    item 1, stage `orders`: step `ship`: the order could not be written; undo of `charge`: the bank is closed
      disk full
    item 2, stage `orders`: step `ship`: no result after 500ms; undo of `charge`: the bank is closed
    ");
}

#[tokio::test(start_paused = true)]
async fn errors_go_where_errors_go() {
    fn boxed(error: impl Error + Send + Sync + 'static) -> Box<dyn Error + Send + Sync> {
        error.into()
    }
    quiet();
    let error = boxed(order().run_tagged(End::Panics).await.unwrap_err());
    assert!(error.is::<StepError<OrderError>>());
    let error: StepError<OrderError> = *error.downcast().unwrap();
    assert!(
        matches!(&error.cause, Cause::Panicked(panic) if panic.to_string() == "panicked: as told")
    );
    let cause = boxed(error.cause);
    assert_eq!(cause.to_string(), "panicked: as told");
    let mut flow = stream::iter([1])
        .flow()
        .stage("a", StageConfig::default(), |_: i32| async {
            sleep(secs(1)).await;
            Err::<(), _>(io::Error::other("full"))
        });
    let error: Box<StageError<io::Error>> = boxed(flow.next().await.unwrap().unwrap_err())
        .downcast()
        .unwrap();
    assert_eq!(
        (error.index, &*error.stage, error.to_string()),
        (0, "a", "item 0, stage `a`: full".into())
    );
}
