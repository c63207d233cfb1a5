//! Any pipeline, against a plain list of what has to happen.

use patterns_pipeline::{Backoff, BoxPipeline, Pipeline, RetryConfig, TimedOut};
use proptest::prelude::{
    ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Just;
use testing::{ms, quiet, secs};
use tokio::time::sleep;

use crate::support::{Log, polled};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    Done,
    Slow,
    Fails,
    Panics,
    Late,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Undoing {
    None,
    Sync,
    Slow,
    Fails,
    Panics,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    work: Work,
    undoing: Undoing,
    retries: bool,
}

#[derive(Debug, PartialEq)]
enum Failure {
    No,
    Late,
}

impl From<TimedOut> for Failure {
    fn from(_: TimedOut) -> Self {
        Self::Late
    }
}

type Numbers = BoxPipeline<usize, usize, Failure>;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let work = prop_oneof![
        6 => Just(Work::Done), 6 => Just(Work::Slow), 1 => Just(Work::Fails), 1 => Just(Work::Panics), 1 => Just(Work::Late)
    ];
    let undoing = prop_oneof![
        Just(Undoing::None),
        Just(Undoing::Sync),
        Just(Undoing::Slow),
        Just(Undoing::Fails),
        Just(Undoing::Panics)
    ];
    let step = (work, undoing, any::<bool>());
    proptest::collection::vec(
        step.prop_map(|(work, undoing, retries)| Step {
            work,
            undoing,
            retries,
        }),
        0..8,
    )
}

/// Adds a step to a pipeline, and all that is around it.
fn add(log: &Log, before: Numbers, at: usize, step: Step) -> Numbers {
    let lines = log.clone();
    let work = move |n: usize| {
        let log = lines.clone();
        async move {
            match step.work {
                Work::Done => {}
                Work::Slow => sleep(ms(7)).await,
                Work::Fails => return Err(Failure::No),
                Work::Panics => panic!("as told"),
                Work::Late => sleep(secs(9)).await,
            }
            log.write(format!("did {at}"));
            Ok(n + 1)
        }
    };
    let attempts = RetryConfig {
        backoff: Backoff::constant(ms(1)),
        ..RetryConfig::default()
    };
    let name = format!("{at}");
    let pipeline = before.step_async(name, work).timeout(secs(1));
    match step.retries {
        true => pipeline.retry(attempts).boxed_step(log, at, step),
        false => pipeline.boxed_step(log, at, step),
    }
}

/// Adds the undo.
trait BoxedStep {
    fn boxed_step(self, log: &Log, at: usize, step: Step) -> Numbers;
}

impl<C, S> BoxedStep for Pipeline<usize, Failure, patterns_pipeline::Then<C, S>>
where
    C: patterns_pipeline::Chain<In = usize, Error = Failure> + 'static,
    S: patterns_pipeline::Step<C::Out, Out = usize, Error = Failure> + 'static,
{
    fn boxed_step(self, log: &Log, at: usize, step: Step) -> Numbers {
        let log = log.clone();
        match step.undoing {
            Undoing::None => self.boxed(),
            Undoing::Sync => self
                .undo(move |n| log.write(format!("undid {at} {n}")))
                .boxed(),
            Undoing::Slow => self
                .undo_async(move |n| {
                    let log = log.clone();
                    async move {
                        sleep(ms(7)).await;
                        log.write(format!("undid {at} {n}"));
                    }
                })
                .boxed(),
            Undoing::Fails => self
                .undo(move |n| {
                    log.write(format!("undid {at} {n}"));
                    Err("stuck")
                })
                .boxed(),
            Undoing::Panics => self
                .undo_async(move |n| {
                    log.write(format!("undid {at} {n}"));
                    assert!(n > 1_000, "as told");
                    async {}
                })
                .boxed(),
        }
    }
}

/// One in the other, or one after the other.
fn build(log: &Log, steps: &[Step], nested: bool) -> Numbers {
    let told = log.clone();
    let steps = steps.iter().enumerate();
    let none = || Pipeline::new().boxed();
    let pipeline: Numbers = if nested {
        steps.fold(none(), |before, (at, step)| add(log, before, at, *step))
    } else {
        steps
            .map(|(at, step)| add(log, none(), at, *step))
            .collect()
    };
    pipeline
        .on_undone(move |undone| told.write(format!("told {} {}", undone.step, undone.is_done())))
}

/// What the log has to be when the steps before `done` were done, and then no more.
fn expected(steps: &[Step], done: usize, is_undone: bool) -> Vec<String> {
    let did = (0..done).map(|at| format!("did {at}"));
    let undone = (0..done)
        .rev()
        .filter(|_| is_undone)
        .filter(|at| steps[*at].undoing != Undoing::None);
    let undone = undone.flat_map(|at| {
        let is_done = matches!(steps[at].undoing, Undoing::Sync | Undoing::Slow);
        [
            format!("undid {at} {}", at + 1),
            format!("told {at} {is_done}"),
        ]
    });
    did.chain(undone).collect()
}

fn in_paused_time<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_run_does_and_undoes_what_it_should(steps in steps(), nested in any::<bool>()) {
        quiet();
        let log = Log::default();
        let pipeline = build(&log, &steps, nested);
        let run = in_paused_time(pipeline.run_traced(0));
        let bad = steps.iter().position(|step| !matches!(step.work, Work::Done | Work::Slow));
        let done = bad.unwrap_or(steps.len());
        prop_assert_eq!(log.lines(), expected(&steps, done, bad.is_some()));
        prop_assert_eq!(run.trace.steps.len(), done + usize::from(bad.is_some()));
        match (run.result, bad) {
            (Ok(n), None) => prop_assert_eq!(n, steps.len()),
            (Err(error), Some(bad)) => {
                prop_assert_eq!(&*error.step, bad.to_string());
                let attempts = run.trace.steps[bad].attempts;
                prop_assert_eq!(attempts, if steps[bad].retries { 3 } else { 1 });
                let told = steps[..bad].iter().filter(|step| step.undoing != Undoing::None).count();
                prop_assert_eq!((error.undone.len(), run.trace.undone.len()), (told, told));
                let is_as_told = match steps[bad].work {
                    Work::Fails => error.cause.error() == Some(&Failure::No),
                    Work::Late => error.cause.error() == Some(&Failure::Late),
                    _ => error.cause.error().is_none(),
                };
                prop_assert!(is_as_told, "{}", error.step);
            }
            (result, bad) => prop_assert!(false, "{result:?} {bad:?}"),
        }
    }

    #[test]
    fn a_run_that_is_dropped_undoes_what_it_has_done(steps in steps(), nested in any::<bool>(), times in 0..12_usize) {
        quiet();
        let log = Log::default();
        let pipeline = build(&log, &steps, nested);
        let is_done = in_paused_time(async {
            let is_done = polled(pipeline.run_tagged(0), times).await;
            pipeline.settled().await;
            is_done
        });
        let lines = log.lines();
        let done = lines.iter().filter(|line| line.starts_with("did")).count();
        let has_succeeded = is_done && done == steps.len();
        prop_assert_eq!(lines, expected(&steps, done, !has_succeeded));
        let stats = pipeline.stats();
        prop_assert_eq!((stats.running, stats.undoing, stats.not_undone), (0, 0, 0));
    }
}
