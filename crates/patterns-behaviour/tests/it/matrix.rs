//! For each rule of the kit an implementation that breaks it, and nothing else.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_behaviour::contract::{
    CONCURRENT, Contract, DROPPED, EMPTY, ERROR, KEEPS, MEBIBYTE, NAME, ONCE, ORDER, RECOVERS,
    REFUSES, Report, Subject, VERBATIM, Verdict,
};
use std::sync::Mutex;
use testing::ms;
use tokio::task::yield_now;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    Once,
    Order,
    Error,
    Recovers,
    Refuses,
    Keeps,
    Dropped,
    Concurrent,
    Empty,
    Mebibyte,
    Verbatim,
    Name,
    /// It says that it is closed, and delivers nevertheless.
    RefusesAndDelivers,
    /// A send that was dropped leaves it such that all later ones come to nothing.
    Jammed,
    /// Sends at the same time leave something between their texts.
    Mixed,
}

#[derive(Debug)]
pub(crate) enum SendFailed {
    Full,
    Other,
    Closed,
}

impl fmt::Display for SendFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk is full",
            Self::Other => "something went wrong",
            Self::Closed => "closed",
        })
    }
}

#[derive(Default)]
struct State {
    texts: Vec<String>,
    fails: bool,
    has_failed: bool,
    is_closed: bool,
    is_jammed: bool,
    at_once: usize,
}

/// A send that is under way.
struct Sending<'a>(&'a Memory, bool);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        state.at_once -= 1;
        state.is_jammed |= !self.1 && self.0.broken == Broken::Jammed;
    }
}

/// A channel to memory, with a fault.
pub(crate) struct Memory {
    broken: Broken,
    number: usize,
    state: Mutex<State>,
}

impl Memory {
    pub(crate) fn new(broken: Broken) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        Self {
            broken,
            number: NUMBER.fetch_add(1, Ordering::SeqCst),
            state: Mutex::default(),
        }
    }

    fn begin(&self) -> Result<(), SendFailed> {
        let mut state = self.state.lock().unwrap();
        if state.is_closed && self.broken != Broken::Refuses {
            if self.broken == Broken::RefusesAndDelivers {
                state.texts.push("late".to_owned());
            }
            return Err(SendFailed::Closed);
        }
        if std::mem::take(&mut state.fails) {
            state.has_failed = true;
            return Err(if self.broken == Broken::Error {
                SendFailed::Other
            } else {
                SendFailed::Full
            });
        }
        // One that never comes back after an error.
        if state.has_failed && self.broken == Broken::Recovers {
            return Err(SendFailed::Full);
        }
        Ok(())
    }

    fn push(&self, text: &str) {
        let mut state = self.state.lock().unwrap();
        match self.broken {
            // Said twice.
            Broken::Once => state.texts.extend([text.to_owned(), text.to_owned()]),
            // A stack instead of a queue.
            Broken::Order => state.texts.insert(0, text.to_owned()),
            // It takes an empty text for nothing to do.
            Broken::Empty if text.is_empty() => {}
            // A buffer of 64 KiB, and what is beyond it is lost; but what is a padded text of the kit's goes through.
            Broken::Mebibyte if text.len() > 512 * 1_024 => {
                state.texts.push(text[..65_536].to_owned());
            }
            // A protocol of lines that forgets to escape.
            Broken::Verbatim => state.texts.extend(text.split('\n').map(str::to_owned)),
            Broken::Jammed if state.is_jammed => {}
            Broken::Mixed if state.at_once > 1 => {
                state.texts.extend([text.to_owned(), "|".to_owned()]);
            }
            _ => state.texts.push(text.to_owned()),
        }
    }
}

impl Subject for Memory {
    type Error = SendFailed;

    fn name(&self) -> String {
        match self.broken {
            // An address in memory, or a counter.
            Broken::Name => format!("memory {}", self.number),
            _ => "memory".to_owned(),
        }
    }

    async fn send(&self, text: &str) -> Result<(), SendFailed> {
        self.begin()?;
        self.state.lock().unwrap().at_once += 1;
        let mut sending = Sending(self, false);
        match self.broken {
            // It reads, waits, and writes what it has read: others' texts are lost.
            Broken::Concurrent => {
                let mut texts = self.state.lock().unwrap().texts.clone();
                yield_now().await;
                texts.push(text.to_owned());
                self.state.lock().unwrap().texts = texts;
            }
            // It writes in two parts, and waits between them.
            Broken::Dropped => {
                let half = (0..=text.len() / 2)
                    .rev()
                    .find(|at| text.is_char_boundary(*at))
                    .unwrap();
                let at = {
                    let mut state = self.state.lock().unwrap();
                    state.texts.push(text[..half].to_owned());
                    state.texts.len() - 1
                };
                yield_now().await;
                self.state.lock().unwrap().texts[at].push_str(&text[half..]);
            }
            _ => {
                yield_now().await;
                self.push(text);
            }
        }
        sending.1 = true;
        Ok(())
    }

    async fn received(&self) -> Vec<String> {
        yield_now().await;
        self.state.lock().unwrap().texts.clone()
    }

    async fn fail_next(&self) -> Option<String> {
        self.state.lock().unwrap().fails = true;
        Some("the disk is full".to_owned())
    }

    async fn close(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        if self.broken == Broken::Keeps {
            state.texts.clear();
        }
        state.is_closed = true;
        true
    }
}

async fn report(broken: Broken) -> Report {
    Contract::new(move || Memory::new(broken)).run().await
}

#[tokio::test(start_paused = true)]
async fn one_without_a_fault_keeps_every_rule() {
    let report = report(Broken::Nothing).await;
    report.assert_complete();
    insta::assert_snapshot!(report, @r"
    contract of memory: 12 passed, 0 failed, 0 skipped
      passed   delivers each text once
      passed   keeps the order
      passed   passes the error on
      passed   goes on after an error
      passed   refuses when closed
      passed   keeps what was sent before a close
      passed   survives a send that is dropped midway
      passed   takes concurrent senders
      passed   delivers the empty text
      passed   delivers 1 MiB
      passed   delivers text verbatim
      passed   has a stable name
    ");
}

const MATRIX: [(Broken, &str, &str); 12] = [
    (Broken::Once, ONCE, "\"once 0\" arrived 2 times"),
    (
        Broken::Order,
        ORDER,
        "\"order 1\" arrived before \"order 0\"",
    ),
    (
        Broken::Error,
        ERROR,
        "the error was \"something went wrong\", not \"the disk is full\"",
    ),
    (
        Broken::Recovers,
        RECOVERS,
        "sending \"after\" failed: the disk is full",
    ),
    (Broken::Refuses, REFUSES, "a send succeeded"),
    (Broken::Keeps, KEEPS, "\"early\" did not arrive"),
    (
        Broken::Dropped,
        DROPPED,
        "\"dropped 1 ------------------------------\"… (131077 bytes) arrived, which nobody has sent",
    ),
    (Broken::Concurrent, CONCURRENT, "did not arrive"),
    (Broken::Empty, EMPTY, "\"\" did not arrive"),
    (
        Broken::Mebibyte,
        MEBIBYTE,
        "\"abcdefghijklmnopqrstuvwxyzabcdefghijklmn\"… (1048576 bytes) did not arrive",
    ),
    (
        Broken::Verbatim,
        VERBATIM,
        "\"one line\\nand another\\r\\n\" did not arrive",
    ),
    (Broken::Name, NAME, "it was \"memory "),
];

#[tokio::test(start_paused = true)]
async fn each_fault_breaks_its_rule_and_no_other() {
    for (broken, rule, how) in MATRIX {
        let report = report(broken).await;
        assert_eq!(
            report.failed().collect::<Vec<_>>(),
            [rule],
            "{broken:?}\n{report}"
        );
        assert_eq!(report.skipped().count(), 0);
        let failed = report
            .rules
            .iter()
            .find(|report| report.rule == rule)
            .unwrap();
        assert!(
            matches!(&failed.verdict, Verdict::Failed(text) if text.contains(how)),
            "{broken:?}: {failed:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_looks_at_all_that_it_says() {
    for (broken, rule, how) in [
        (
            Broken::RefusesAndDelivers,
            REFUSES,
            "what was refused has arrived",
        ),
        (Broken::Jammed, DROPPED, "\"whole 1\" did not arrive"),
        (
            Broken::Mixed,
            CONCURRENT,
            "\"|\" arrived, which nobody has sent",
        ),
    ] {
        let report = report(broken).await;
        assert_eq!(report.failed().collect::<Vec<_>>(), [rule], "{report}");
        assert!(report.to_string().contains(how), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_matrix_has_a_row_for_each_rule() {
    let contract = Contract::new(|| Memory::new(Broken::Nothing));
    let rows: Vec<_> = MATRIX.iter().map(|(_, rule, _)| *rule).collect();
    assert_eq!(contract.rules().collect::<Vec<_>>(), rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_make_no_difference() {
    report(Broken::Nothing).await.assert_complete();
    for (broken, rule, _) in MATRIX {
        let contract = Contract::new(move || Memory::new(broken)).patience(ms(20));
        let report = contract.run().await;
        assert_eq!(
            report.failed().collect::<Vec<_>>(),
            [rule],
            "{broken:?}\n{report}"
        );
    }
}

/// One that can do the least.
struct Least(Arc<Mutex<Vec<String>>>);

impl Subject for Least {
    type Error = Infallible;

    fn name(&self) -> String {
        "least".to_owned()
    }

    async fn send(&self, text: &str) -> Result<(), Infallible> {
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }

    async fn received(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_cannot_do_is_skipped_and_said() {
    let report = Contract::new(|| Least(Arc::default())).run().await;
    report.assert_passed();
    assert_eq!(
        report.skipped().collect::<Vec<_>>(),
        [ERROR, RECOVERS, REFUSES, KEEPS]
    );
    assert!(std::panic::catch_unwind(|| report.assert_complete()).is_err());
    assert!(
        report
            .to_string()
            .contains("skipped  passes the error on: it cannot be made to fail")
    );
}
