//! A breaker before a tower service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use otp_core::contained::catch;

use crate::classified::any_error;
use crate::permit::Held;
use crate::running::run;
use crate::{Breaker, BreakerError, Outcome};

/// Puts a [`Breaker`] before a [tower](https://docs.rs/tower) service. With the feature `tower`.
///
/// All services that a layer makes, and their clones, share its breaker.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerError, Outcome};
/// use tower::{Service, ServiceExt, Layer, service_fn};
///
/// let breaker = Breaker::new(BreakerConfig::default())?;
/// let layer = BreakerLayer::new(breaker.clone()).classify_by(|result: &Result<u16, std::io::Error>| match result {
///     Ok(500..) | Err(_) => Outcome::Failure,
///     Ok(_) => Outcome::Success,
/// });
/// let mut service = layer.layer(service_fn(|status: u16| async move { Ok::<_, std::io::Error>(status) }));
///
/// assert_eq!(service.ready().await?.call(503).await?, 503);
/// assert_eq!(breaker.stats().failure_count, 1);
/// breaker.trip();
/// let rejected = service.ready().await?.call(200).await;
/// assert!(matches!(rejected, Err(BreakerError::Rejected(_))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BreakerLayer<C = ()> {
    breaker: Breaker,
    classify: C,
}

/// A service with a [`Breaker`] before it, from [`BreakerLayer`].
///
/// `poll_ready` is that of the service behind: it does not ask the breaker, whose answer could be another one by the time of the
/// call. Its error counts as a failed call if the breaker lets calls through, so that a service that cannot even
/// become ready is found out.
///
/// `call` takes the permit at once and not when its future is first polled, as the service behind is called at once. What is
/// rejected does not reach that. The future is boxed; dropped, it counts as cancelled.
#[derive(Clone)]
pub struct BreakerService<S, C = ()> {
    service: S,
    breaker: Breaker,
    classify: C,
}

/// What can tell how a result counts: a closure, or `()` for the one by which every error is a failure.
pub trait Classify<T, E>: Clone {
    /// Tells how a result counts.
    fn classify(&self, result: &Result<T, E>) -> Outcome;
}

impl<T, E> Classify<T, E> for () {
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        any_error(result)
    }
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(&Result<T, E>) -> Outcome + Clone,
{
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

impl BreakerLayer {
    /// Makes a layer of a breaker. Every error of the service is a failure.
    #[must_use]
    pub const fn new(breaker: Breaker) -> Self {
        Self {
            breaker,
            classify: (),
        }
    }

    /// Sets how results count.
    #[must_use]
    pub fn classify_by<C, T, E>(self, classify: C) -> BreakerLayer<C>
    where
        C: Fn(&Result<T, E>) -> Outcome + Clone,
    {
        BreakerLayer {
            breaker: self.breaker,
            classify,
        }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, service: S) -> Self::Service {
        BreakerService {
            service,
            breaker: self.breaker.clone(),
            classify: self.classify.clone(),
        }
    }
}

impl<S, C> BreakerService<S, C> {
    /// Returns the breaker.
    #[must_use]
    pub const fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, C, R> Service<R> for BreakerService<S, C>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
    C: Classify<S::Response, S::Error> + Send + 'static,
{
    type Response = S::Response;
    type Error = BreakerError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let Poll::Ready(result) = self.service.poll_ready(cx) else {
            return Poll::Pending;
        };
        let Err(error) = result else {
            return Poll::Ready(Ok(()));
        };
        let failed: Result<S::Response, S::Error> = Err(error);
        if let Ok(permit) = self.breaker.try_acquire() {
            let outcome = catch(|| self.classify.classify(&failed));
            permit.record(outcome.unwrap_or(Outcome::Failure));
        }
        Poll::Ready(failed.map(drop).map_err(BreakerError::Failed))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let permit = match Held::take(self.breaker.clone_shared()) {
            Ok(permit) => permit,
            Err(rejected) => return Box::pin(async move { Err(BreakerError::Rejected(rejected)) }),
        };
        let limit = permit.shared().call_timeout();
        let classify = self.classify.clone();
        match catch(|| self.service.call(request)) {
            Ok(work) => Box::pin(run(
                || Ok(permit),
                limit,
                move |result: &_| classify.classify(result),
                work,
            )),
            Err(panic) => {
                permit.record(Outcome::Failure);
                Box::pin(async move { Err(BreakerError::Panicked(panic.message())) })
            }
        }
    }
}

impl<C> fmt::Debug for BreakerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerLayer").field(&self.breaker).finish()
    }
}

impl<S: fmt::Debug, C> fmt::Debug for BreakerService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerService")
            .field("service", &self.service)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
