//! A run as a future: it goes through the steps, undoes what was done when one fails, and hands the undos over when it is dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use otp_core::contained;
use pin_project_lite::pin_project;

use crate::chain::{Run, after_its_end};
use crate::error::{Cause, Panicked, StepError};
use crate::journal::Journal;
use crate::shared::{Counted, Shared};
use crate::trace::{Outcome, Trace, Traced};
use crate::undoing::Undoing;
use crate::undone::Name;

pin_project! {
    /// A run.
    pub(crate) struct Drive<'a, R, F>
    where
        R: Run,
    {
        #[pin]
        run: Option<R>,
        journal: Journal,
        undoes: bool,
        // Whether a panic is caught. If nothing is to be undone and nobody wants to be told, it just goes on.
        catches: bool,
        // Boxed, for most runs have none.
        failure: Option<Box<Failure<R::Error>>>,
        counted: Option<Counted<&'a Arc<Shared>>>,
        shared: &'a Arc<Shared>,
        // What is told of it in the end.
        conclude: F,
    }

    impl<'a, R, F> PinnedDrop for Drive<'a, R, F>
    where
        R: Run,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.run.is_some() {
                // The step in hand ends before what was done before it is undone.
                contained::contain(|| this.run.set(None));
            }
            if let Some(failure) = this.failure.take() {
                failure.undoing.hand_over();
                contained::drop_contained(failure.cause);
            } else if !this.journal.undos.is_empty() {
                this.journal.undos.take(this.shared).hand_over();
            }
        }
    }
}

/// Where and why it ended, while what was done is being undone.
struct Failure<E> {
    step: Name,
    cause: Cause<E>,
    undoing: Undoing,
}

/// What a run is to write down and to tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The error alone; a panic goes on.
    Plain,
    /// The step, too.
    Tagged,
    /// All steps.
    Traced,
}

impl<'a, R: Run, F> Drive<'a, R, F> {
    #[inline]
    pub(crate) fn new(
        run: R,
        undoes: bool,
        shared: &'a Arc<Shared>,
        detail: Detail,
        conclude: F,
    ) -> Self {
        Self {
            run: Some(run),
            journal: match detail {
                Detail::Traced => Journal::recording(),
                Detail::Plain | Detail::Tagged => Journal::new(),
            },
            undoes,
            catches: undoes || detail != Detail::Plain,
            failure: None,
            counted: None,
            shared,
            conclude,
        }
    }
}

impl<R: Run, O, F: Fn(Traced<R::Out, R::Error>) -> O> Future for Drive<'_, R, F> {
    type Output = O;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let mut this = self.project();
        if let Some(run) = this.run.as_mut().as_pin_mut() {
            if *this.undoes && this.counted.is_none() {
                *this.counted = Some(Counted::run(this.shared));
            }
            let polled = if *this.catches {
                contained::catch(|| run.poll(cx, this.journal))
                    .unwrap_or_else(|panic| Poll::Ready(Err(Cause::Panicked(Panicked::new(panic)))))
            } else {
                run.poll(cx, this.journal)
            };
            match ready!(polled) {
                Ok(out) => {
                    this.run.set(None);
                    if *this.undoes {
                        this.journal.undos.discard();
                        *this.counted = None;
                    }
                    let trace = Trace {
                        steps: this.journal.take_steps(),
                        undone: Vec::new(),
                    };
                    return Poll::Ready((this.conclude)(Traced {
                        result: Ok(out),
                        trace,
                    }));
                }
                Err(cause) => {
                    let run = this.run.as_ref().as_pin_ref();
                    let step = run.and_then(|run| run.get_ref().at().cloned());
                    let step = step.unwrap_or_default();
                    this.journal.close(&step, Outcome::of(&cause));
                    contained::contain(|| this.run.set(None));
                    *this.failure = Some(Box::new(Failure {
                        step,
                        cause,
                        undoing: this.journal.undos.take(this.shared),
                    }));
                }
            }
        }
        let Some(failure) = this.failure else {
            after_its_end();
        };
        let undone = ready!(Pin::new(&mut failure.undoing).poll(cx));
        *this.counted = None;
        let Some(failure) = this.failure.take() else {
            unreachable!("it was there a moment ago");
        };
        let Failure { step, cause, .. } = *failure;
        let trace = Trace {
            steps: this.journal.take_steps(),
            undone: undone.clone(),
        };
        let error = StepError {
            step,
            cause,
            undone,
        };
        Poll::Ready((this.conclude)(Traced {
            result: Err(error),
            trace,
        }))
    }
}
