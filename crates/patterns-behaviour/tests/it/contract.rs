//! The kit itself: rules of one's own, what is skipped, what hangs and panics.

use std::collections::HashSet;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use patterns_behaviour::contract::{
    CONCURRENT, Contract, DROPPED, EMPTY, MEBIBYTE, ONCE, ORDER, REFUSES, Subject, Unmet, Verdict,
};
use tokio::task::{Id, try_id};
use tokio::time::Instant;

use crate::matrix::{Broken, Memory};
use testing::{ms, polled, quiet, secs, settle};

use crate::support::Census;

fn memory() -> Contract<Memory> {
    Contract::new(|| Memory::new(Broken::Nothing))
}

#[tokio::test(start_paused = true)]
async fn rules_of_ones_own_run_after_those_of_the_kit() {
    let contract = memory()
        .rule("is called memory", |memory: Arc<Memory>| async move {
            match memory.name().as_str() {
                "memory" => Ok(()),
                other => Err(other.into()),
            }
        })
        .rule("is never wrong", |_| async { Err("it is".into()) })
        .rule("can fly", |_| async {
            Err(Unmet::NotApplicable("it has no wings".to_owned()))
        })
        .rule("panics", |_| async { panic!("as told") });
    quiet();
    let report = contract.run().await;
    insta::assert_snapshot!(report.to_string().lines().skip(13).collect::<Vec<_>>().join("\n"), @r"
      passed   is called memory
      FAILED   is never wrong: it is
      skipped  can fly: it has no wings
      FAILED   panics: panicked: as told
    ");
    assert_eq!(contract.rules().count(), 16);
    assert_eq!(report.rules.len(), 16);
}

#[tokio::test(start_paused = true)]
async fn each_rule_has_a_subject_of_its_own_and_all_are_dropped() {
    let census = Census::default();
    let made = Arc::new(AtomicUsize::new(0));
    struct Counted(Memory, Census);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    impl Subject for Counted {
        type Error = <Memory as Subject>::Error;
        fn name(&self) -> String {
            self.0.name()
        }
        async fn send(&self, text: &str) -> Result<(), Self::Error> {
            self.0.send(text).await
        }
        async fn received(&self) -> Vec<String> {
            self.0.received().await
        }
    }
    let (one, two) = (census.clone(), Arc::clone(&made));
    let contract = Contract::new(move || {
        one.0.fetch_add(1, Ordering::SeqCst);
        two.fetch_add(1, Ordering::SeqCst);
        Counted(Memory::new(Broken::Nothing), one.clone())
    });
    contract.run().await.assert_passed();
    assert_eq!(
        (made.load(Ordering::SeqCst), census.alive()),
        (13, 0),
        "the rule of names takes two"
    );
    for times in [0, 1, 7, 40] {
        polled(contract.run(), times).await;
        settle().await;
        assert_eq!(census.alive(), 0, "given up after {times} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_skipped_is_not_run_and_says_why() {
    let report = memory()
        .skip(MEBIBYTE, "texts are short")
        .skip("flies", "it is no bird")
        .run()
        .await;
    let found = |rule: &str| {
        report
            .rules
            .iter()
            .find(|report| report.rule == rule)
            .map(|report| report.verdict.clone())
    };
    assert_eq!(
        found(MEBIBYTE),
        Some(Verdict::Skipped("texts are short".to_owned()))
    );
    // A name that no rule has is a mistake, not a wish that is fulfilled.
    let no_rule = "it was to be skipped, but there is no such rule".to_owned();
    assert_eq!(found("flies"), Some(Verdict::Failed(no_rule)));
    assert_eq!(report.failed().collect::<Vec<_>>(), ["flies"]);
}

/// Does something bad with the empty text, and nothing with others.
struct Bad(Memory, fn());

impl Subject for Bad {
    type Error = <Memory as Subject>::Error;

    fn name(&self) -> String {
        "bad".to_owned()
    }

    async fn send(&self, text: &str) -> Result<(), Self::Error> {
        if text.is_empty() {
            (self.1)();
            pending::<()>().await;
        }
        self.0.send(text).await
    }

    async fn received(&self) -> Vec<String> {
        self.0.received().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_hangs_or_panics_fails_that_rule_alone() {
    quiet();
    let hangs = Contract::new(|| Bad(Memory::new(Broken::Nothing), || ())).time_limit(secs(3));
    let begun = Instant::now();
    let report = hangs.run().await;
    assert_eq!(report.failed().collect::<Vec<_>>(), [EMPTY]);
    assert_eq!(begun.elapsed(), secs(3));
    assert!(
        report
            .to_string()
            .contains("FAILED   delivers the empty text: did not end within 3s")
    );
    let panics = Contract::new(|| Bad(Memory::new(Broken::Nothing), || panic!("as told")));
    let report = panics.run().await;
    assert_eq!(report.failed().collect::<Vec<_>>(), [EMPTY]);
    assert!(
        report
            .to_string()
            .contains("delivers the empty text: panicked: as told")
    );
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_panics_among_concurrent_senders_fails_that_rule() {
    struct Crowded(Memory, AtomicUsize);
    impl Subject for Crowded {
        type Error = <Memory as Subject>::Error;
        fn name(&self) -> String {
            "crowded".to_owned()
        }
        async fn send(&self, text: &str) -> Result<(), Self::Error> {
            assert!(self.1.fetch_add(1, Ordering::SeqCst) < 3, "as told");
            let sent = self.0.send(text).await;
            self.1.fetch_sub(1, Ordering::SeqCst);
            sent
        }
        async fn received(&self) -> Vec<String> {
            self.0.received().await
        }
    }
    quiet();
    let contract = Contract::new(|| Crowded(Memory::new(Broken::Nothing), AtomicUsize::new(0)))
        .skip(DROPPED, "it counts");
    let report = contract.run().await;
    assert_eq!(
        report.failed().collect::<Vec<_>>(),
        ["takes concurrent senders"]
    );
    assert!(report.to_string().contains("panicked: as told"));
}

/// Notes the task of each sender, and may panic in one of them.
struct Tasks(Memory, TaskIds, bool);

/// Which texts were sent by which task.
type TaskIds = Arc<Mutex<Vec<(String, Option<Id>)>>>;

impl Subject for Tasks {
    type Error = <Memory as Subject>::Error;

    fn name(&self) -> String {
        "tasks".to_owned()
    }

    async fn send(&self, text: &str) -> Result<(), Self::Error> {
        assert!(!self.2 || text != "task of sender 3 5", "as told");
        self.1.lock().unwrap().push((text.to_owned(), try_id()));
        self.0.send(text).await
    }

    async fn received(&self) -> Vec<String> {
        self.0.received().await
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_senders_take_turns_in_one_task_and_then_have_tasks_of_their_own() {
    let ids = TaskIds::default();
    let noted = Arc::clone(&ids);
    let contract =
        Contract::new(move || Tasks(Memory::new(Broken::Nothing), Arc::clone(&noted), false));
    contract.run().await.assert_passed();
    let ids = ids.lock().unwrap().clone();
    let tasks = |what: &str| {
        let sent = ids.iter().filter(|(text, _)| text.starts_with(what));
        sent.map(|(_, id)| *id).collect::<HashSet<_>>().len()
    };
    assert_eq!((tasks("turn of sender"), tasks("task of sender")), (1, 8));
    let place = |of: &str| ids.iter().position(|(text, _)| text == of).unwrap();
    assert!(
        place("turn of sender 7 0") < place("turn of sender 0 1"),
        "the next one has its turn wherever one waits"
    );

    quiet();
    let contract = Contract::new(|| Tasks(Memory::new(Broken::Nothing), TaskIds::default(), true));
    let report = contract.run().await;
    assert_eq!(report.failed().collect::<Vec<_>>(), [CONCURRENT]);
    assert!(report.to_string().contains("panicked: as told"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_hangs_and_panics_in_its_drop_fails_that_rule_alone() {
    struct Bomb(Bad, bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.1, "as told");
        }
    }
    impl Subject for Bomb {
        type Error = <Memory as Subject>::Error;
        fn name(&self) -> String {
            "bomb".to_owned()
        }
        async fn send(&self, text: &str) -> Result<(), Self::Error> {
            self.0.send(text).await
        }
        async fn received(&self) -> Vec<String> {
            self.0.received().await
        }
    }
    quiet();
    let made = AtomicUsize::new(0);
    // The one for the empty text.
    let contract = Contract::new(move || {
        let is_bomb = made.fetch_add(1, Ordering::SeqCst) == 8;
        Bomb(Bad(Memory::new(Broken::Nothing), || ()), is_bomb)
    });
    let report = contract.run().await;
    assert_eq!(report.failed().collect::<Vec<_>>(), [EMPTY]);
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_cannot_be_made_fails_every_rule_with_the_reason() {
    let report = Contract::<Memory>::new_async(|| async { Err("no such port") })
        .run()
        .await;
    assert_eq!(report.failed().count(), 12);
    assert!(
        report
            .to_string()
            .starts_with("contract of what could not be made: 0 passed, 12 failed, 0 skipped\n")
    );
    assert!(
        report
            .to_string()
            .contains("delivers each text once: no subject could be made: no such port")
    );
    quiet();
    let report = Contract::<Memory>::new(|| panic!("as told")).run().await;
    assert_eq!(report.failed().count(), 12);
    let made = Contract::new_async(|| async {
        settle().await;
        Ok::<_, String>(Memory::new(Broken::Nothing))
    });
    made.run().await.assert_complete();
}

/// What it is sent arrives a little later.
struct Slow(Arc<Memory>);

impl Subject for Slow {
    type Error = <Memory as Subject>::Error;

    fn name(&self) -> String {
        "slow".to_owned()
    }

    async fn send(&self, text: &str) -> Result<(), Self::Error> {
        let (memory, text) = (Arc::clone(&self.0), text.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(ms(500)).await;
            memory.send(&text).await
        });
        Ok(())
    }

    async fn received(&self) -> Vec<String> {
        self.0.received().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_waited_for_as_long_as_patience_lasts() {
    let slow = || Contract::new(|| Slow(Arc::new(Memory::new(Broken::Nothing))));
    slow()
        .skip(ORDER, "timers of the same moment go off in any order")
        .run()
        .await
        .assert_passed();
    let report = slow().patience(ms(100)).run().await;
    assert!(report.failed().any(|rule| rule == ONCE));
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_and_arrives_a_little_later_is_seen() {
    struct Queued(Arc<Memory>, Arc<Memory>);
    impl Subject for Queued {
        type Error = <Memory as Subject>::Error;
        fn name(&self) -> String {
            "queued".to_owned()
        }
        async fn send(&self, text: &str) -> Result<(), Self::Error> {
            // The task that delivers does not ask whether it is closed.
            let (behind, late) = (Arc::clone(&self.1), text.to_owned());
            tokio::spawn(async move { behind.send(&late).await });
            self.0.send(text).await
        }
        async fn received(&self) -> Vec<String> {
            self.1.received().await
        }
        async fn close(&self) -> bool {
            self.0.close().await
        }
    }
    let memory = || Arc::new(Memory::new(Broken::Nothing));
    let report = Contract::new(move || Queued(memory(), memory()))
        .run()
        .await;
    assert_eq!(report.failed().collect::<Vec<_>>(), [REFUSES], "{report}");
}

#[tokio::test(start_paused = true)]
async fn an_assertion_that_fails_shows_the_table() {
    let report = Contract::new(|| Memory::new(Broken::Once)).run().await;
    assert!(!report.has_passed());
    let panic = catch_unwind(AssertUnwindSafe(|| report.assert_passed())).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.starts_with(
        "contract of memory: 11 passed, 1 failed, 0 skipped\n  FAILED   delivers each text once"
    ));
}
