//! The rules that come with the kit. Each looks at its own matter only, so that a fault breaks one of them and says which.

use std::sync::Arc;
use std::time::Duration;

use super::driving::{Patience, drive_in_turns, polled, settle, side_by_side};
use super::subject::{Subject, Unmet};
use crate::BoxFuture;

/// The rule that each text arrives, and does so once.
pub const ONCE: &str = "delivers each text once";
/// The rule that texts arrive in the order in which one sender has sent them.
pub const ORDER: &str = "keeps the order";
/// The rule that the error of a failed send is the one that happened.
pub const ERROR: &str = "passes the error on";
/// The rule that a send after a failed one works.
pub const RECOVERS: &str = "goes on after an error";
/// The rule that a send after a close fails, and does not arrive.
pub const REFUSES: &str = "refuses when closed";
/// The rule that what was sent before a close has arrived.
pub const KEEPS: &str = "keeps what was sent before a close";
/// The rule that a send whose future is dropped arrives whole or not at all, and does not harm the next one.
pub const DROPPED: &str = "survives a send that is dropped midway";
/// The rule that texts of many senders at the same time all arrive, unmixed.
pub const CONCURRENT: &str = "takes concurrent senders";
/// The rule that a text of no length arrives.
pub const EMPTY: &str = "delivers the empty text";
/// The rule that a text of 1 MiB arrives as it was.
pub const MEBIBYTE: &str = "delivers 1 MiB";
/// The rule that line breaks, control characters, blanks at the ends and letters beyond ASCII arrive as they were.
pub const VERBATIM: &str = "delivers text verbatim";
/// The rule that the name is not empty, and always the same.
pub const NAME: &str = "has a stable name";

/// All of them, in the order in which they run.
pub(super) const ALL: [&str; 12] = [
    ONCE, ORDER, ERROR, RECOVERS, REFUSES, KEEPS, DROPPED, CONCURRENT, EMPTY, MEBIBYTE, VERBATIM,
    NAME,
];

/// One of several senders.
type Sending = BoxFuture<'static, Result<(), String>>;

/// What a rule comes to.
pub(super) type Kept = Result<(), Unmet>;

/// How a rule sees the subject.
pub(super) struct Stage<S> {
    pub(super) subject: Arc<S>,
    /// A second one of the same kind.
    pub(super) another: Option<Arc<S>>,
    pub(super) patience: Duration,
}

impl<S: Subject> Stage<S> {
    /// Tries a rule of the kit.
    pub(super) async fn judge(&self, rule: &str) -> Kept {
        match rule {
            ONCE => self.once().await,
            ORDER => self.order().await,
            ERROR => self.error().await,
            RECOVERS => self.recovers().await,
            REFUSES => self.refuses().await,
            KEEPS => self.keeps().await,
            DROPPED => self.dropped().await,
            CONCURRENT => self.concurrent().await,
            EMPTY => self.empty().await,
            MEBIBYTE => self.mebibyte().await,
            VERBATIM => self.verbatim().await,
            _ => self.name().await,
        }
    }

    async fn send(&self, text: &str) -> Kept {
        self.subject
            .send(text)
            .await
            .map_err(|error| format!("sending {} failed: {error}", short(text)).into())
    }

    /// Waits until `text` has arrived.
    async fn arrives(&self, text: &str) -> Kept {
        self.all_arrive(&[text.to_owned()]).await
    }

    async fn all_arrive(&self, texts: &[String]) -> Kept {
        let mut patience = Patience::new(self.patience);
        loop {
            let received = self.subject.received().await;
            let Some(missing) = texts.iter().find(|text| !received.contains(text)) else {
                return Ok(());
            };
            if !patience.waits().await {
                return Err(format!("{} did not arrive", short(missing)).into());
            }
        }
    }

    /// Sends texts one after the other and waits until the last one has arrived, or none more do.
    async fn send_all(&self, texts: &[String]) -> Result<Vec<String>, Unmet> {
        for text in texts {
            self.send(text).await?;
        }
        // Which of them are missing is for the rule to judge.
        let _ = self.all_arrive(texts).await;
        Ok(self.subject.received().await)
    }

    async fn fails_next(&self) -> Result<String, Unmet> {
        self.subject
            .fail_next()
            .await
            .ok_or_else(|| Unmet::NotApplicable("it cannot be made to fail".to_owned()))
    }

    async fn close(&self) -> Kept {
        match self.subject.close().await {
            true => Ok(()),
            false => Err(Unmet::NotApplicable("it cannot be closed".to_owned())),
        }
    }

    async fn once(&self) -> Kept {
        let texts = numbered("once", 8);
        let received = self.send_all(&texts).await?;
        for text in &texts {
            let times = received.iter().filter(|other| *other == text).count();
            if times != 1 {
                return Err(format!("{} arrived {times} times", short(text)).into());
            }
        }
        Ok(())
    }

    async fn order(&self) -> Kept {
        let texts = numbered("order", 32);
        let received = self.send_all(&texts).await?;
        let places = texts
            .iter()
            .filter_map(|text| Some((text, received.iter().position(|other| other == text)?)));
        let places: Vec<_> = places.collect();
        for pair in places.windows(2) {
            if let [(first, place), (second, next)] = pair
                && place > next
            {
                let (first, second) = (short(first), short(second));
                return Err(format!("{second} arrived before {first}").into());
            }
        }
        Ok(())
    }

    async fn error(&self) -> Kept {
        let expected = self.fails_next().await?;
        match self.subject.send("doomed").await {
            Ok(()) => Err("the send succeeded".into()),
            Err(error) => {
                let error = error.to_string();
                let same = error.contains(&expected);
                let broken =
                    || format!("the error was {}, not {}", short(&error), short(&expected));
                if same { Ok(()) } else { Err(broken().into()) }
            }
        }
    }

    async fn recovers(&self) -> Kept {
        self.fails_next().await?;
        // What that says is another rule's matter.
        let _ = self.subject.send("doomed").await;
        self.send("after").await?;
        self.arrives("after").await
    }

    async fn refuses(&self) -> Kept {
        self.close().await?;
        if self.subject.send("late").await.is_ok() {
            return Err("a send succeeded".into());
        }
        // It may be on its way to a task of the implementation's own.
        settle().await;
        match self
            .subject
            .received()
            .await
            .iter()
            .any(|text| text == "late")
        {
            true => Err("what was refused has arrived".into()),
            false => Ok(()),
        }
    }

    async fn keeps(&self) -> Kept {
        self.send("early").await?;
        self.close().await?;
        self.arrives("early").await
    }

    async fn dropped(&self) -> Kept {
        // Long enough that a socket takes it in more than one piece.
        let padding = "-".repeat(256 * 1_024);
        let (mut dropped, mut whole) = (Vec::new(), Vec::new());
        for times in 0..24 {
            let text = format!("dropped {times} {padding}");
            let is_done = polled(self.subject.send(&text), times).await;
            dropped.push(text);
            let text = format!("whole {times}");
            self.send(&text).await?;
            whole.push(text);
            if is_done {
                break;
            }
        }
        self.all_arrive(&whole).await?;
        let received = self.subject.received().await;
        match received
            .iter()
            .find(|text| !dropped.contains(text) && !whole.contains(text))
        {
            None => Ok(()),
            Some(torn) => Err(format!("{} arrived, which nobody has sent", short(torn)).into()),
        }
    }

    async fn concurrent(&self) -> Kept {
        // In turns, each interrupted wherever it waits; then in tasks, which threads may run at the same time.
        let in_turns = self.crowd("turn");
        let mut texts = in_turns.0;
        for sent in drive_in_turns(in_turns.1).await {
            sent?;
        }
        let in_tasks = self.crowd("task");
        texts.extend(in_tasks.0);
        for sent in side_by_side(in_tasks.1).await {
            sent?;
        }
        self.all_arrive(&texts).await?;
        let received = self.subject.received().await;
        match received.iter().find(|text| !texts.contains(text)) {
            None => Ok(()),
            Some(mixed) => Err(format!("{} arrived, which nobody has sent", short(mixed)).into()),
        }
    }

    /// Senders, and what they send together.
    fn crowd(&self, what: &str) -> (Vec<String>, Vec<Sending>) {
        let texts: Vec<Vec<String>> = (0..8)
            .map(|sender| numbered(&format!("{what} of sender {sender}"), 8))
            .collect();
        let sends = texts.iter().cloned().map(|texts| {
            let subject = Arc::clone(&self.subject);
            Box::pin(async move {
                for text in texts {
                    if let Err(error) = subject.send(&text).await {
                        return Err(format!("sending {} failed: {error}", short(&text)));
                    }
                }
                Ok(())
            }) as Sending
        });
        let sends = sends.collect();
        (texts.concat(), sends)
    }

    async fn empty(&self) -> Kept {
        self.send("").await?;
        self.arrives("").await
    }

    async fn mebibyte(&self) -> Kept {
        let text: String = ('a'..='z').cycle().take(1_024 * 1_024).collect();
        self.send(&text).await?;
        self.arrives(&text).await
    }

    async fn verbatim(&self) -> Kept {
        let texts = [
            "one line\nand another\r\n",
            "a tab\t, a NUL \0, an escape \u{1b}[0m",
            "  blanks at both ends  ",
            "\\n is no line break, %0A and &#10; are none",
            "Grüße, 你好, مرحبا, e\u{301}, 🦀",
        ];
        for text in texts {
            self.send(text).await?;
            self.arrives(text).await?;
        }
        Ok(())
    }

    async fn name(&self) -> Kept {
        let name = self.subject.name();
        if name.is_empty() {
            return Err("it is empty".into());
        }
        // What these say is the matter of other rules.
        let _ = self.subject.send("x").await;
        let _ = self.subject.fail_next().await;
        let _ = self.subject.send("x").await;
        let _ = self.subject.close().await;
        let others = [Some(&self.subject), self.another.as_ref()];
        for other in others.into_iter().flatten() {
            let other = other.name();
            if other != name {
                return Err(format!("it was {}, then {}", short(&name), short(&other)).into());
            }
        }
        Ok(())
    }
}

fn numbered(what: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{what} {number}"))
        .collect()
}

/// A text as a report shows it.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return format!("{text:?}");
    }
    let begin: String = text.chars().take(MOST).collect();
    format!("{begin:?}… ({} bytes)", text.len())
}
