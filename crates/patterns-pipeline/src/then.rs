//! One after the other: a named step after a chain, and a chain after a chain.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::chain::{Chain, Run, SyncChain, after_its_end, sealed::Sealed};
use crate::error::Cause;
use crate::journal::Journal;
use crate::step::{Step, SyncStep};
use crate::undone::Name;

/// A chain `C` and then the step `S` with its name.
#[derive(Clone)]
pub struct Then<C, S> {
    pub(crate) before: C,
    pub(crate) name: Name,
    pub(crate) step: S,
}

impl<C, S> Then<C, S> {
    /// Puts something around the step.
    pub(crate) fn around<T>(self, around: impl FnOnce(S) -> T) -> Then<C, T> {
        Then {
            before: self.before,
            name: self.name,
            step: around(self.step),
        }
    }
}

impl<C: fmt::Debug, S> fmt::Debug for Then<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} → {}", self.before, self.name)
    }
}

impl<C, S> Sealed for Then<C, S> {}

impl<C, S> Chain for Then<C, S>
where
    C: Chain,
    S: Step<C::Out, Error = C::Error>,
{
    type In = C::In;
    type Out = S::Out;
    type Error = C::Error;
    type Run<'a>
        = ThenRun<'a, C, S>
    where
        Self: 'a;

    #[inline]
    fn start(&self, input: C::In) -> ThenRun<'_, C, S> {
        ThenRun {
            name: &self.name,
            step: &self.step,
            state: ThenState::Before {
                run: self.before.start(input),
            },
        }
    }

    fn undoes(&self) -> bool {
        self.before.undoes() || self.step.undoes()
    }
}

impl<C, S> SyncChain for Then<C, S>
where
    C: SyncChain,
    S: SyncStep<C::Out, Error = C::Error>,
{
    #[inline]
    fn call(&self, input: C::In) -> Result<S::Out, C::Error> {
        self.before
            .call_then(input, |between| self.step.call(between))
    }

    #[inline]
    fn call_then<R>(
        &self,
        input: C::In,
        next: impl FnOnce(S::Out) -> Result<R, C::Error>,
    ) -> Result<R, C::Error> {
        self.before
            .call_then(input, |between| next(self.step.call(between)?))
    }
}

pin_project! {
    /// A run of a chain and then a step.
    pub struct ThenRun<'a, C, S>
    where
        C: Chain,
        C: 'a,
        S: Step<C::Out>,
        S: 'a,
    {
        name: &'a Name,
        step: &'a S,
        #[pin]
        state: ThenState<C::Run<'a>, S::Run<'a>>,
    }
}

pin_project! {
    /// Which half of a run is in hand. Only one of them is there at a time, so a run is as large as its largest half.
    #[project = ThenProjection]
    enum ThenState<B, S> {
        Before { #[pin] run: B },
        Step { #[pin] run: S },
        Over,
    }
}

impl<'a, C, S> Run for ThenRun<'a, C, S>
where
    C: Chain,
    S: Step<C::Out, Error = C::Error>,
{
    type Out = S::Out;
    type Error = C::Error;

    #[inline]
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<S::Out, Cause<C::Error>>> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                ThenProjection::Before { run } => {
                    let between = match ready!(run.poll(cx, journal)) {
                        Ok(between) => between,
                        Err(cause) => return Poll::Ready(Err(cause)),
                    };
                    journal.begin();
                    let run = this.step.start(this.name, between);
                    this.state.set(ThenState::Step { run });
                }
                ThenProjection::Step { run } => {
                    let out = match ready!(run.poll(cx, journal)) {
                        Ok(out) => out,
                        // The state stays, for it says which step it was.
                        Err(cause) => return Poll::Ready(Err(cause)),
                    };
                    journal.done(this.name);
                    this.state.set(ThenState::Over);
                    return Poll::Ready(Ok(out));
                }
                ThenProjection::Over => after_its_end(),
            }
        }
    }

    fn at(&self) -> Option<&Name> {
        match &self.state {
            ThenState::Before { run } => Some(run.at().unwrap_or(self.name)),
            ThenState::Step { .. } => Some(self.name),
            ThenState::Over => None,
        }
    }
}

/// A chain `C` and then the chain `D`; see [`Pipeline::then`](crate::Pipeline::then).
#[derive(Clone)]
pub struct Joined<C, D> {
    pub(crate) first: C,
    pub(crate) second: D,
}

impl<C: fmt::Debug, D: fmt::Debug> fmt::Debug for Joined<C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} → ({:?})", self.first, self.second)
    }
}

impl<C, D> Sealed for Joined<C, D> {}

impl<C, D> Chain for Joined<C, D>
where
    C: Chain,
    D: Chain<In = C::Out, Error = C::Error>,
{
    type In = C::In;
    type Out = D::Out;
    type Error = C::Error;
    type Run<'a>
        = JoinedRun<'a, C, D>
    where
        Self: 'a;

    fn start(&self, input: C::In) -> JoinedRun<'_, C, D> {
        JoinedRun {
            second: &self.second,
            state: JoinedState::First {
                run: self.first.start(input),
            },
        }
    }

    fn undoes(&self) -> bool {
        self.first.undoes() || self.second.undoes()
    }
}

impl<C, D> SyncChain for Joined<C, D>
where
    C: SyncChain,
    D: SyncChain<In = C::Out, Error = C::Error>,
{
    #[inline]
    fn call(&self, input: C::In) -> Result<D::Out, C::Error> {
        self.first
            .call_then(input, |between| self.second.call(between))
    }

    #[inline]
    fn call_then<R>(
        &self,
        input: C::In,
        next: impl FnOnce(D::Out) -> Result<R, C::Error>,
    ) -> Result<R, C::Error> {
        self.first
            .call_then(input, |between| self.second.call_then(between, next))
    }
}

pin_project! {
    /// A run of a chain and then another.
    pub struct JoinedRun<'a, C, D>
    where
        C: Chain,
        C: 'a,
        D: Chain,
        D: 'a,
    {
        second: &'a D,
        #[pin]
        state: JoinedState<C::Run<'a>, D::Run<'a>>,
    }
}

pin_project! {
    /// Which chain is in hand.
    #[project = JoinedProjection]
    enum JoinedState<F, S> {
        First { #[pin] run: F },
        Second { #[pin] run: S },
    }
}

impl<'a, C, D> Run for JoinedRun<'a, C, D>
where
    C: Chain,
    D: Chain<In = C::Out, Error = C::Error>,
{
    type Out = D::Out;
    type Error = C::Error;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<D::Out, Cause<C::Error>>> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                JoinedProjection::First { run } => match ready!(run.poll(cx, journal)) {
                    Ok(between) => {
                        let run = this.second.start(between);
                        this.state.set(JoinedState::Second { run });
                    }
                    Err(cause) => return Poll::Ready(Err(cause)),
                },
                JoinedProjection::Second { run } => return run.poll(cx, journal),
            }
        }
    }

    fn at(&self) -> Option<&Name> {
        match &self.state {
            JoinedState::First { run } => run.at(),
            JoinedState::Second { run } => run.at(),
        }
    }
}
