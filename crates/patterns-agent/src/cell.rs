//! The state where readers see it. An agent without readers keeps its state to itself, and this is empty.
//!
//! Invariants:
//! 1. Only the agent's process changes the state, and it does one thing at a time.
//! 2. A state that others can see is never changed. The process changes it in place only after it has taken
//!    it out of the cell and found that nobody else holds it; otherwise it works on a copy.
//! 3. While the state is out, whoever asks for it waits, and for nothing else. The state comes back, or is gone, before
//!    the thread that took it out does anything but run the closure.
//! 4. No code of the user runs under the lock: no closure, no drop of a state, no wake.
//! 5. Every reader has left the function that copies the state: a state that somebody holds can be copied.
//! 6. While there is a reader, a running agent's state is here or out. Once there is none, only the process can make
//!    one again, so it may take the state for itself.
//! 7. The version of a state that readers see is written under the lock, together with the state: neither is ever
//!    seen to be ahead of the other.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use otp_core::Pid;
use otp_core::contained::drop_contained;
use otp_core::wakers::{Ticket, Wakers};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::circle::{self, Thread, Wait};
use crate::error::AgentError;
use crate::observer::Observer;

/// How a state is copied: `T::clone`, from where `T: Clone` is known.
pub(crate) type Copier<T> = fn(&T) -> T;

pub(crate) struct Cell<T> {
    inner: Mutex<Inner<T>>,
    /// Told when a state comes back for which somebody waits.
    back: Condvar,
    /// How many readers there are. Only the process makes the first one, or it was there before the process.
    readers: AtomicUsize,
    /// Written by the process alone.
    version: AtomicU64,
}

struct Inner<T> {
    state: State<T>,
    copier: Option<Copier<T>>,
    /// How many threads wait for a state that is out.
    blocked: usize,
    watchers: Wakers,
    /// Views, while there is no process that keeps them.
    views: Vec<Box<dyn Observer<T>>>,
    /// There will never be a state again.
    closed: bool,
    /// The process that runs the agent, or did so last.
    agent: Option<Pid>,
}

enum State<T> {
    /// The process has one for itself, or there is none.
    Absent,
    Here(Arc<T>),
    /// The process has it, to change it in place, and does so in this thread.
    Out(Thread),
}

impl<T> Cell<T> {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::Absent,
                copier: None,
                blocked: 0,
                watchers: Wakers::default(),
                views: Vec::new(),
                closed: false,
                agent: None,
            }),
            back: Condvar::new(),
            readers: AtomicUsize::new(0),
            version: AtomicU64::new(0),
        }
    }

    /// One more reader. The first one comes from the process itself, or before there is one.
    pub(crate) fn add_reader(&self, copier: Copier<T>) {
        self.readers.fetch_add(1, Ordering::Relaxed);
        self.inner.lock().copier = Some(copier);
    }

    pub(crate) fn remove_reader(&self) {
        // What the reader did comes before the process finds that nobody reads.
        self.readers.fetch_sub(1, Ordering::Release);
    }

    #[inline]
    pub(crate) fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) > 0
    }

    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The state and its version, for somebody who may keep it.
    #[inline]
    pub(crate) fn snapshot(&self) -> Result<(u64, Arc<T>), AgentError> {
        let inner = self.inner.lock();
        match &inner.state {
            State::Here(state) => Ok((self.version(), Arc::clone(state))),
            State::Absent => Err(AgentError::NoProc),
            State::Out(_) => self.snapshot_when_back(inner),
        }
    }

    /// Waits for the closure that is changing the state, unless that is in this thread, or waits for it itself.
    #[cold]
    fn snapshot_when_back(
        &self,
        mut inner: MutexGuard<'_, Inner<T>>,
    ) -> Result<(u64, Arc<T>), AgentError> {
        let thread = Thread::current();
        loop {
            let holder = match &inner.state {
                State::Here(state) => return Ok((self.version(), Arc::clone(state))),
                State::Absent => return Err(AgentError::NoProc),
                State::Out(holder) if *holder == thread => return Err(AgentError::CallingSelf),
                State::Out(holder) => *holder,
            };
            let wait = Wait {
                thread,
                holder,
                cell: self.address(),
                agent: inner.agent.clone(),
            };
            if let Err(cycle) = circle::begin(wait) {
                let cycle = cycle.into();
                return Err(AgentError::Deadlock { cycle });
            }
            inner.blocked += 1;
            self.back.wait(&mut inner);
            inner.blocked -= 1;
        }
    }

    /// The first state that is newer than `seen`, and its version.
    pub(crate) fn poll_newer(
        &self,
        seen: u64,
        ticket: &mut Ticket,
        cx: &Context<'_>,
    ) -> Poll<Result<(u64, Arc<T>), AgentError>> {
        // Cloned without the lock: a waker's code is not ours.
        let waker = cx.waker().clone();
        let mut inner = self.inner.lock();
        let answer = match &inner.state {
            State::Here(state) if self.version() > seen => Ok((self.version(), Arc::clone(state))),
            _ if inner.closed => Err(AgentError::NoProc),
            _ => {
                let before = inner.watchers.wait(ticket, waker);
                drop(inner);
                drop(before);
                return Poll::Pending;
            }
        };
        drop(inner);
        Poll::Ready(answer)
    }

    /// Takes one who waits in `poll_newer` out.
    pub(crate) fn leave(&self, ticket: Ticket) {
        if ticket.is_given() {
            let waker = self.inner.lock().watchers.leave(ticket);
            drop(waker);
        }
    }

    /// There will be no process any more: all who wait are told.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let (views, woken) = (mem::take(&mut inner.views), inner.watchers.take());
        drop(inner);
        woken.wake();
        views.into_iter().for_each(drop_contained);
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// What only the agent's process may do.
impl<T> Cell<T> {
    /// A process begins, or goes on: this one.
    pub(crate) fn run_by(&self, agent: Pid) {
        let before = self.inner.lock().agent.replace(agent);
        drop(before);
    }

    /// Counts the version of a state that no reader sees.
    #[inline]
    pub(crate) fn count(&self, version: u64) {
        self.version.store(version, Ordering::Release);
    }

    /// The state, to be read.
    pub(crate) fn read(&self) -> Option<Arc<T>> {
        match &self.inner.lock().state {
            State::Here(state) => Some(Arc::clone(state)),
            State::Absent | State::Out(_) => None,
        }
    }

    /// The state, to be changed in place if nobody else holds it. Until it is back, readers wait.
    pub(crate) fn take_out(&self) -> Option<Arc<T>> {
        let mut inner = self.inner.lock();
        match mem::replace(&mut inner.state, State::Out(Thread::current())) {
            State::Here(state) => Some(state),
            other => {
                inner.state = other;
                None
            }
        }
    }

    /// Puts the state back as it was, for somebody holds it. Returns how it is copied.
    pub(crate) fn put_back(&self, state: Arc<T>) -> Option<Copier<T>> {
        let mut inner = self.inner.lock();
        inner.state = State::Here(state);
        let copier = inner.copier;
        // Who polled while it was out may have seen none of its versions yet.
        let woken = inner.watchers.take();
        self.let_readers_go_on(&inner);
        drop(inner);
        woken.wake();
        copier
    }

    /// Lets everybody see a new state. Returns the one that it replaces.
    pub(crate) fn publish(&self, state: Arc<T>, version: u64) -> Option<Arc<T>> {
        let mut inner = self.inner.lock();
        let before = mem::replace(&mut inner.state, State::Here(state));
        self.version.store(version, Ordering::Release);
        let woken = inner.watchers.take();
        self.let_readers_go_on(&inner);
        drop(inner);
        woken.wake();
        before.into_arc()
    }

    /// Shows no state any more: it is torn, or gone, or the process has it for itself.
    pub(crate) fn clear(&self) -> Option<Arc<T>> {
        let mut inner = self.inner.lock();
        let before = mem::replace(&mut inner.state, State::Absent);
        self.let_readers_go_on(&inner);
        drop(inner);
        before.into_arc()
    }

    fn let_readers_go_on(&self, inner: &Inner<T>) {
        if inner.blocked > 0 {
            circle::end(self.address());
            self.back.notify_all();
        }
    }

    /// Keeps the views for the next incarnation. What comes back has no next one.
    pub(crate) fn keep_views(
        &self,
        mut views: Vec<Box<dyn Observer<T>>>,
    ) -> Vec<Box<dyn Observer<T>>> {
        let mut inner = self.inner.lock();
        if !inner.closed {
            inner.views.append(&mut views);
        }
        drop(inner);
        views
    }

    pub(crate) fn take_views(&self) -> Vec<Box<dyn Observer<T>>> {
        mem::take(&mut self.inner.lock().views)
    }
}

impl<T> State<T> {
    fn into_arc(self) -> Option<Arc<T>> {
        match self {
            Self::Here(state) => Some(state),
            Self::Absent | Self::Out(_) => None,
        }
    }
}
