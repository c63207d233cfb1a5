//! A chain whose steps are not in its type.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::chain::{Chain, Run, sealed::Sealed};
use crate::error::Cause;
use crate::journal::Journal;
use crate::pipeline::Pipeline;
use crate::undone::Name;

/// A pipeline of which only input, output and error show in its type; made by [`Pipeline::boxed`].
///
/// It is for struct fields, and for pipelines whose steps are chosen at run time. It can be cloned, which copies two pointers. All that a
/// pipeline can do, it can: `step` and the like return a pipeline with one more static step, and `boxed` once more hides that as well. A list
/// of them with the same type on both ends can be collected into one.
///
/// Each `boxed` costs a run one allocation. Runs of boxed pipelines in boxed pipelines call each other as deep as they are nested: a thousand
/// are fine, for a million there is the list, which is a loop.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::num::ParseIntError> {
/// use patterns_pipeline::{BoxPipeline, Pipeline};
///
/// let parse: BoxPipeline<&str, i64, _> = Pipeline::new().step("parse", str::parse::<i64>).boxed();
///
/// // Chosen at run time, and checked at every joint when it is compiled.
/// let mut changes: Vec<BoxPipeline<i64, i64, _>> = Vec::new();
/// for word in ["double", "negate"] {
///     let step = move |n: i64| Ok(if word == "double" { n * 2 } else { -n });
///     changes.push(Pipeline::new().step(word, step).boxed());
/// }
/// let both = parse.then(changes.into_iter().collect());
/// assert_eq!(both.run("21").await?, -42);
/// # Ok(()) }
/// ```
pub type BoxPipeline<In, Out, E> = Pipeline<In, E, Boxed<In, Out, E>>;

/// The chain of a [`BoxPipeline`].
pub struct Boxed<In, Out, E> {
    chain: Arc<dyn AnyChain<In, Out, E>>,
    undoes: bool,
}

/// A run of a boxed chain.
pub(crate) type BoxRun<'a, Out, E> = Pin<Box<dyn Run<Out = Out, Error = E> + Send + 'a>>;

/// A [`Chain`] without the types that differ from chain to chain.
trait AnyChain<In, Out, E>: Send + Sync {
    fn start(&self, input: In) -> BoxRun<'_, Out, E>;
}

impl<C: Chain> AnyChain<C::In, C::Out, C::Error> for C {
    fn start(&self, input: C::In) -> BoxRun<'_, C::Out, C::Error> {
        Box::pin(Chain::start(self, input))
    }
}

impl<In, Out, E> Boxed<In, Out, E> {
    pub(crate) fn new<C>(chain: C) -> Self
    where
        C: Chain<In = In, Out = Out, Error = E> + 'static,
    {
        Self {
            undoes: chain.undoes(),
            chain: Arc::new(chain),
        }
    }
}

impl<In, Out, E> Clone for Boxed<In, Out, E> {
    fn clone(&self) -> Self {
        Self {
            chain: Arc::clone(&self.chain),
            undoes: self.undoes,
        }
    }
}

impl<In, Out, E> fmt::Debug for Boxed<In, Out, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boxed")
    }
}

impl<In, Out, E> Sealed for Boxed<In, Out, E> {}

impl<In: Send, Out: Send, E: Send> Chain for Boxed<In, Out, E> {
    type In = In;
    type Out = Out;
    type Error = E;
    type Run<'a>
        = BoxRun<'a, Out, E>
    where
        Self: 'a;

    fn start(&self, input: In) -> BoxRun<'_, Out, E> {
        self.chain.start(input)
    }

    fn undoes(&self) -> bool {
        self.undoes
    }
}

impl<Out, E> Run for BoxRun<'_, Out, E> {
    type Out = Out;
    type Error = E;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        journal: &mut Journal,
    ) -> Poll<Result<Out, Cause<E>>> {
        self.get_mut().as_mut().poll(cx, journal)
    }

    fn at(&self) -> Option<&Name> {
        (**self).at()
    }
}
