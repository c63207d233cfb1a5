//! Tasks that work for one owner, who is told of each as it is done, and whose end is theirs.
//!
//! A task leaves its outcome in a list that it shares with the owner, who takes the list whole. So an outcome costs one short lock and no
//! allocation, and the owner looks at those that are done and at no others.
//!
//! Invariants:
//! 1. A task holds its place until it is really gone: until its future is dropped and it has reported. One that is aborted because its
//!    time is over is told of at once, by a second event when it is gone.
//! 2. Each tag comes back exactly once, unless the crew is dropped.
//! 3. Outcomes that are there are told before time-outs: a value that came in time counts.
//! 4. After the drop of the crew nothing is kept for it: what a task still reports is dropped by that task.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use otp_core::contained::drop_contained;
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::task::{JoinHandle, coop};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::caught::Caught;
use crate::deadline::launch;
use crate::error::TaskError;

/// The tasks, each with a tag by which the owner knows it.
pub(crate) struct Crew<T, K> {
    reports: Arc<Mutex<Reports<T>>>,
    members: Vec<Option<Member<K>>>,
    free: Vec<usize>,
    running: usize,
    /// Whether any was begun since the owner last let others have their turn.
    begun: bool,
    /// How many tags are still to be told.
    to_tell: usize,
    /// What was taken from the reports and is not told yet.
    taken: VecDeque<Report<T>>,
    /// Those whose time was over, not told yet.
    late: VecDeque<K>,
    /// No member's time is over before this.
    earliest: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

struct Member<K> {
    work: JoinHandle<()>,
    /// `None` once the owner was told of its time-out.
    tag: Option<K>,
    end: Option<Instant>,
}

/// What a crew tells its owner.
pub(crate) enum Event<T, K> {
    /// What became of a task.
    Done(K, Result<T, TaskError>),
    /// The time of a task was over.
    Late(K),
    /// A task whose time was over is gone now, and its place is free.
    Gone,
}

struct Reports<T> {
    list: VecDeque<Report<T>>,
    /// The owner, if it waits.
    waker: Option<Waker>,
    closed: bool,
}

struct Report<T> {
    place: usize,
    outcome: Result<T, TaskError>,
}

impl<T: Send + 'static, K> Crew<T, K> {
    pub(crate) fn new() -> Self {
        Self {
            reports: Arc::new(Mutex::new(Reports {
                list: VecDeque::new(),
                waker: None,
                closed: false,
            })),
            members: Vec::new(),
            free: Vec::new(),
            running: 0,
            begun: false,
            to_tell: 0,
            taken: VecDeque::new(),
            late: VecDeque::new(),
            earliest: None,
            timer: None,
        }
    }

    /// How many are there, those that are aborted and not known to be gone included.
    pub(crate) fn running(&self) -> usize {
        self.running - self.taken.len()
    }

    /// How many places are taken: by those that run, and by those whose outcome was not told yet.
    pub(crate) fn held(&self) -> usize {
        self.running
    }

    /// How many there are whose outcome was not told yet.
    pub(crate) fn to_tell(&self) -> usize {
        self.to_tell
    }

    /// How many outcomes are known here and not told.
    pub(crate) fn untold(&self) -> usize {
        self.taken.len() + self.late.len()
    }

    /// Has a task begin, that may run until `end`.
    pub(crate) fn spawn<F>(&mut self, work: F, tag: K, end: Option<Instant>)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let place = self.free.pop().unwrap_or_else(|| {
            self.members.push(None);
            self.members.len() - 1
        });
        let task = Reporting {
            work: Caught::new(work),
            reporter: Reporter {
                reports: Some(Arc::clone(&self.reports)),
                place,
            },
        };
        let work = launch(task);
        self.members[place] = Some(Member {
            work,
            tag: Some(tag),
            end,
        });
        self.running += 1;
        self.begun = true;
        self.to_tell += 1;
        if let Some(end) = end {
            self.earliest = Some(self.earliest.map_or(end, |earliest| earliest.min(end)));
        }
    }

    /// Waits for the next event; `None` when all are told.
    pub(crate) async fn next(&mut self) -> Option<Event<T, K>> {
        poll_fn(|cx| {
            let turn = ready!(coop::poll_proceed(cx));
            let next = ready!(self.poll_next(cx));
            turn.made_progress();
            Poll::Ready(next)
        })
        .await
    }

    /// As [`next`](Crew::next), for those who see to it that others have their turn.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<T, K>>> {
        loop {
            if let Some(report) = self.taken.pop_front() {
                return Poll::Ready(Some(self.told(report)));
            }
            if let Some(tag) = self.late.pop_front() {
                self.to_tell -= 1;
                return Poll::Ready(Some(Event::Late(tag)));
            }
            if self.running == 0 {
                return Poll::Ready(None);
            }
            // Only where a time-out could be told instead.
            if self.earliest.is_some() && (self.take_reports(None) || self.expire(cx)) {
                continue;
            }
            if self.begun {
                // Those that were just begun have their turn before anybody waits for them: most of those that are short are done then,
                // and need to wake nobody.
                if self.take_reports(None) {
                    continue;
                }
                self.begun = false;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.take_reports(Some(cx)) {
                return Poll::Pending;
            }
        }
    }

    /// Takes the outcome that is known by now, if there is one.
    pub(crate) fn take_known(&mut self) -> Option<Event<T, K>> {
        if self.taken.is_empty() {
            self.take_reports(None);
        }
        let report = self.taken.pop_front()?;
        Some(self.told(report))
    }

    /// Aborts all, and gives the tags of those that were not told yet.
    pub(crate) fn give_up(&mut self) -> Vec<K> {
        let mut tags: Vec<K> = self.late.drain(..).collect();
        for member in self.members.iter_mut().flatten() {
            member.work.abort();
            tags.extend(member.tag.take());
        }
        self.to_tell = 0;
        tags
    }

    fn told(&mut self, report: Report<T>) -> Event<T, K> {
        let member = self.members[report.place].take();
        let tag = member.and_then(|member| member.tag);
        self.free.push(report.place);
        self.running -= 1;
        let Some(tag) = tag else {
            // A value that came too late after all.
            drop_contained(report.outcome);
            return Event::Gone;
        };
        self.to_tell -= 1;
        Event::Done(tag, report.outcome)
    }

    /// Takes all that was reported; if there is nothing, has the one who asks woken by the next report.
    fn take_reports(&mut self, waiting: Option<&Context<'_>>) -> bool {
        // Cloned, and the one before dropped, outside the lock: both are somebody's code.
        let waker = waiting.map(|cx| cx.waker().clone());
        let mut reports = self.reports.lock();
        if !reports.list.is_empty() {
            mem::swap(&mut self.taken, &mut reports.list);
            return true;
        }
        let before = waker.and_then(|waker| reports.waker.replace(waker));
        drop(reports);
        drop(before);
        false
    }

    /// Aborts those whose time is over; if there are none, has the owner woken when the next one's will be.
    fn expire(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(earliest) = self.earliest else {
            return false;
        };
        let now = Instant::now();
        if now < earliest {
            let timer = match &mut self.timer {
                Some(timer) => timer,
                None => self.timer.insert(Box::pin(sleep_until(earliest))),
            };
            if timer.deadline() != earliest {
                timer.as_mut().reset(earliest);
            }
            // Ready only if the time has come since; then it is looked at once more.
            return timer.as_mut().poll(cx).is_ready();
        }
        self.earliest = None;
        for member in self.members.iter_mut().flatten() {
            let (Some(end), true) = (member.end, member.tag.is_some()) else {
                continue;
            };
            if end <= now {
                member.work.abort();
                self.late.extend(member.tag.take());
            } else if self.earliest.is_none_or(|earliest| end < earliest) {
                self.earliest = Some(end);
            }
        }
        // Also if nobody was late: the next one's time is to be waited for then.
        true
    }
}

impl<T, K> Drop for Crew<T, K> {
    fn drop(&mut self) {
        let (list, waker) = {
            let mut reports = self.reports.lock();
            reports.closed = true;
            (mem::take(&mut reports.list), reports.waker.take())
        };
        for member in self.members.iter().flatten() {
            member.work.abort();
        }
        drop((list, waker));
    }
}

pin_project! {
    /// A task's work, and then the report of it. The work goes first, whatever ends the task.
    struct Reporting<F: Future> {
        #[pin]
        work: Caught<F>,
        reporter: Reporter<F::Output>,
    }
}

impl<F: Future> Future for Reporting<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.work.poll(cx));
        this.reporter.report(outcome);
        Poll::Ready(())
    }
}

/// The duty to report, also of an abort.
struct Reporter<T> {
    reports: Option<Arc<Mutex<Reports<T>>>>,
    place: usize,
}

impl<T> Reporter<T> {
    fn report(&mut self, outcome: Result<T, TaskError>) {
        let Some(reports) = self.reports.take() else {
            return;
        };
        let report = Report {
            place: self.place,
            outcome,
        };
        let mut reports = reports.lock();
        if reports.closed {
            drop(reports);
            drop(report);
            return;
        }
        reports.list.push_back(report);
        let waker = reports.waker.take();
        drop(reports);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Reporter<T> {
    fn drop(&mut self) {
        self.report(Err(TaskError::Aborted));
    }
}
