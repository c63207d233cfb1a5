//! Pipelines whose steps are chosen at run time.

use patterns_pipeline::{BoxPipeline, Chain, Pipeline, RetryConfig, SyncChain};

use crate::support::{Log, fail};

type Numbers = BoxPipeline<u64, u64, &'static str>;

fn add(by: u64) -> Numbers {
    Pipeline::new()
        .step(format!("add {by}"), move |n| Ok(n + by))
        .boxed()
}

#[tokio::test]
async fn steps_chosen_at_run_time_are_typed_at_every_joint() {
    async fn chosen(words: &[&str]) -> Result<String, &'static str> {
        let mut numbers: Numbers = Pipeline::new().boxed();
        for word in words {
            numbers = match *word {
                "double" => numbers.step("double", |n| Ok(n * 2)).boxed(),
                "wait" => numbers
                    .step_async("wait", |n| async move { Ok(n) })
                    .retry(RetryConfig::default())
                    .boxed(),
                "five" => numbers.then(add(5)).boxed(),
                _ => numbers.step("bad", |_| Err("no such word")).boxed(),
            };
        }
        let texts: BoxPipeline<u64, String, _> =
            numbers.step("show", |n| Ok(n.to_string())).boxed();
        let copy = texts.clone();
        drop(texts);
        copy.run(3).await
    }
    assert_eq!(chosen(&[]).await.as_deref(), Ok("3"));
    assert_eq!(
        chosen(&["double", "five", "wait", "double"])
            .await
            .as_deref(),
        Ok("22")
    );
    assert_eq!(chosen(&["double", "x", "five"]).await, Err("no such word"));
}

#[tokio::test]
async fn a_boxed_pipeline_fits_into_a_struct() {
    struct Service {
        import: BoxPipeline<u64, String, &'static str>,
    }
    let service = Service {
        import: add(1).step("show", |n| Ok(n.to_string())).boxed(),
    };
    assert_eq!(service.import.run(1).await.as_deref(), Ok("2"));
}

#[tokio::test]
async fn what_cannot_be_named_can_be_returned_as_a_chain() {
    fn pipeline()
    -> Pipeline<u64, &'static str, impl SyncChain<In = u64, Out = String, Error = &'static str>>
    {
        Pipeline::new().step("show", |n: u64| Ok(n.to_string()))
    }
    fn other() -> Pipeline<u64, &'static str, impl Chain<In = u64, Out = u64, Error = &'static str>>
    {
        Pipeline::new().step_async("wait", |n| async move { Ok(n) })
    }
    assert_eq!(pipeline().run_sync(4).as_deref(), Ok("4"));
    assert_eq!(other().then(pipeline()).run(4).await.as_deref(), Ok("4"));
}

#[tokio::test]
async fn a_list_of_a_million_steps_is_a_loop() {
    let pipeline: Numbers = std::iter::repeat_with(|| add(1)).take(1_000_000).collect();
    assert_eq!(pipeline.run(0).await, Ok(1_000_000));
    let copy = pipeline.clone();
    drop(pipeline);
    let fails: Numbers = [copy, Pipeline::new().step("end", |_| Err("no")).boxed()]
        .into_iter()
        .collect();
    assert_eq!(fails.run_tagged(0).await.unwrap_err().step, "end");
    let none: Numbers = std::iter::empty().collect();
    assert_eq!(none.run(7).await, Ok(7));
}

#[tokio::test]
async fn a_million_undos_are_a_loop_as_well() {
    let undone = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let one = {
        let undone = std::sync::Arc::clone(&undone);
        Pipeline::new()
            .step("add", |n: u64| Ok(n + 1))
            .undo(move |n| {
                let before = undone.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                assert_eq!(before + n, 1_000_000);
            })
            .boxed()
    };
    let steps = std::iter::repeat_n(one, 1_000_000);
    let end = Pipeline::new().step("end", |_| Err("no")).boxed();
    let pipeline: Numbers = steps.chain([end]).collect();
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(undone.load(std::sync::atomic::Ordering::Relaxed), 1_000_000);
    assert_eq!(pipeline.stats().undone, 1_000_000);
}

/// The documentation says that a thousand are fine.
#[test]
fn boxes_in_boxes_may_be_a_thousand_deep_on_a_small_stack() {
    let deep = || {
        let mut pipeline: Numbers = Pipeline::new().boxed();
        for _ in 0..1_000 {
            pipeline = pipeline.step("add", |n| Ok(n + 1)).boxed();
        }
        assert_eq!(
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(pipeline.run(0)),
            Ok(1_000)
        );
    };
    let thread = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(deep)
        .unwrap();
    thread.join().unwrap();
}

#[tokio::test]
async fn a_boxed_pipeline_undoes_tells_and_counts_as_it_did_before() {
    let log = Log::default();
    let lines = log.clone();
    let pipeline = Pipeline::new()
        .step("a", log.step("a"))
        .undo(log.undo("a"))
        .on_undone(move |undone| lines.write(undone.to_string()))
        .step("b", fail)
        .boxed();
    let copy = pipeline.clone();
    assert_eq!(pipeline.run(0).await, Err("no"));
    assert_eq!(copy.run(0).await, Err("no"));
    assert_eq!(
        log.take(),
        "a, undo a 1, undo of `a`: done, a, undo a 1, undo of `a`: done"
    );
    assert_eq!((pipeline.stats().undone, copy.stats().undone), (2, 2));
    // What grows out of it counts together with it, unless it has a hook of its own.
    let grown = pipeline.clone().step("c", fail);
    assert_eq!(grown.run(0).await, Err("no"));
    assert_eq!(pipeline.stats().undone, 3);
    let apart = pipeline.clone().on_undone(|_| ());
    assert_eq!(apart.run(0).await, Err("no"));
    assert_eq!((pipeline.stats().undone, apart.stats().undone), (3, 1));
}
