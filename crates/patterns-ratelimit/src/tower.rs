//! A layer for tower services over HTTP.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Allowed, Denied, KeyedRateLimiter, Quota, RateLimitHeaders, RateLimiter};

/// A tower layer that answers `429 Too Many Requests` for what a limiter refuses, and tells each client of its limit by [`RateLimitHeaders`].
///
/// Several layers, one below the other, add their fields to each other's; but each decides by itself, and what an outer one has taken stays taken when an inner one refuses: for all or nothing use
/// [`consume_all`](crate::consume_all). Refused requests do not reach the service below, and its `poll_ready` is asked as ever. The answer's body is the body type's default, empty as a rule. With the
/// crate's feature `tower`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use http::{Request, Response};
/// use patterns_ratelimit::{KeyedRateLimiter, Quota, RateLimitLayer};
/// use tower::{Service, ServiceBuilder, service_fn};
///
/// let clients = KeyedRateLimiter::<String>::start(Quota::per_minute(1)).await?;
/// let by_client = RateLimitLayer::by_key(clients, |request: &Request<()>| {
///     Some(request.headers().get("x-client")?.to_str().ok()?.to_owned())
/// });
/// let mut service = ServiceBuilder::new()
///     .layer(by_client)
///     .service(service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new("hello"))));
///
/// let request = || Request::builder().header("x-client", "ada").body(());
/// assert_eq!(service.call(request()?).await?.status(), 200);
/// let refused = service.call(request()?).await?;
/// assert_eq!(refused.status(), 429);
/// assert_eq!(refused.headers()["retry-after"], "60");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RateLimitLayer<L = RateLimiter> {
    limit: L,
    name: Arc<str>,
}

/// A service below a [`RateLimitLayer`].
#[derive(Clone)]
pub struct RateLimit<S, L = RateLimiter> {
    inner: S,
    limit: L,
    name: Arc<str>,
}

/// A limiter by the key of a request.
pub struct ByKey<K, F> {
    limiter: KeyedRateLimiter<K>,
    key: F,
}

impl RateLimitLayer {
    /// Limits all requests together.
    #[must_use]
    pub fn new(limiter: RateLimiter) -> Self {
        Self {
            limit: limiter,
            name: "default".into(),
        }
    }
}

impl<K, F> RateLimitLayer<ByKey<K, F>> {
    /// Limits the requests of each key. Those of which `key` gives `None` are let through without a limit, and without header fields.
    #[must_use]
    pub fn by_key<B>(limiter: KeyedRateLimiter<K>, key: F) -> Self
    where
        F: Fn(&Request<B>) -> Option<K>,
    {
        Self {
            limit: ByKey { limiter, key },
            name: "default".into(),
        }
    }
}

impl<L> RateLimitLayer<L> {
    /// Sets what the policy is called in the header fields, in printable ASCII. Default: `default`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

/// What a layer asks.
pub trait Limit<B> {
    /// What becomes of a request, by which quota; `None` if there is no limit for it.
    fn ask(&self, request: &Request<B>) -> Option<(Quota, Result<Allowed, Denied>)>;
}

impl<B> Limit<B> for RateLimiter {
    fn ask(&self, _: &Request<B>) -> Option<(Quota, Result<Allowed, Denied>)> {
        Some((self.quota(), self.consume(1)))
    }
}

impl<B, K, F> Limit<B> for ByKey<K, F>
where
    K: Hash + Eq + Clone,
    F: Fn(&Request<B>) -> Option<K>,
{
    fn ask(&self, request: &Request<B>) -> Option<(Quota, Result<Allowed, Denied>)> {
        let key = (self.key)(request)?;
        Some((self.limiter.quota_of(&key), self.limiter.consume(&key, 1)))
    }
}

impl<S, L: Clone> Layer<S> for RateLimitLayer<L> {
    type Service = RateLimit<S, L>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            limit: self.limit.clone(),
            name: Arc::clone(&self.name),
        }
    }
}

impl<S, L, B, R> Service<Request<B>> for RateLimit<S, L>
where
    S: Service<Request<B>, Response = Response<R>>,
    L: Limit<B>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.limit.ask(&request) {
            None => ResponseFuture {
                inner: Some(self.inner.call(request)),
                headers: None,
            },
            Some((quota, Ok(allowed))) => ResponseFuture {
                inner: Some(self.inner.call(request)),
                headers: Some(RateLimitHeaders::allowed(&self.name, quota, &allowed)),
            },
            Some((quota, Err(denied))) => ResponseFuture {
                inner: None,
                headers: Some(RateLimitHeaders::denied(&self.name, quota, &denied)),
            },
        }
    }
}

pin_project! {
    /// The response of a [`RateLimit`] service.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        // `None` for a request that was refused.
        #[pin]
        inner: Option<F>,
        headers: Option<RateLimitHeaders>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.inner.as_pin_mut() {
            Some(inner) => ready!(inner.poll(cx))?,
            None => {
                let mut refused = Response::new(R::default());
                *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                refused
            }
        };
        for (name, value) in this.headers.iter().flat_map(RateLimitHeaders::iter) {
            if let Ok(value) = HeaderValue::from_str(value) {
                // Added to those of a layer below: the first two are lists.
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
        }
        Poll::Ready(Ok(response))
    }
}

impl<K, F: Clone> Clone for ByKey<K, F> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            key: self.key.clone(),
        }
    }
}

impl<K, F> fmt::Debug for ByKey<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey")
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}

impl<L> fmt::Debug for RateLimitLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<S, L> fmt::Debug for RateLimit<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
