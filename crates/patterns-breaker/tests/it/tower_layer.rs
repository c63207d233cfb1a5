//! A breaker before a tower service.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use patterns_breaker::{Breaker, BreakerConfig, BreakerError, BreakerLayer, Outcome, State};
use testing::{polled, quiet, secs};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{half_opened, plain};

#[derive(Debug, Clone, PartialEq)]
struct Down;

async fn answer(status: u16) -> Result<u16, Down> {
    match status {
        0 => Err(Down),
        1 => pending().await,
        2 => panic!("as told"),
        _ => Ok(status),
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_behind_it_is_called_through_it() {
    quiet();
    let breaker = plain();
    let layer = BreakerLayer::new(breaker.clone());
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(answer));
    assert_eq!(service.ready().await.unwrap().call(200).await, Ok(200));
    let failed = service.ready().await.unwrap().call(0).await;
    assert_eq!(failed, Err(BreakerError::Failed(Down)));
    let cut = service.ready().await.unwrap().call(1).await;
    assert_eq!(cut, Err(BreakerError::Timeout { after: secs(5) }));
    let panicked = service.ready().await.unwrap().call(2).await;
    assert_eq!(panicked, Err(BreakerError::Panicked("as told".into())));
    assert_eq!(breaker.stats().failure_count, 3);
    breaker.trip();
    let rejected = service.ready().await.unwrap().call(200).await;
    assert!(rejected.is_err_and(|error| error.is_rejected()));
}

#[tokio::test(start_paused = true)]
async fn clones_and_services_of_a_layer_share_its_breaker() {
    let layer = BreakerLayer::new(plain());
    let one = layer.layer(service_fn(answer));
    let three = layer.clone().layer(service_fn(answer));
    for mut service in [
        one.clone(),
        one.clone().clone(),
        three.clone(),
        three,
        one.clone(),
    ] {
        let _ = service.ready().await.unwrap().call(0).await;
    }
    assert_eq!(one.breaker().state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn responses_count_as_the_closure_says() {
    let breaker = plain();
    let layer =
        BreakerLayer::new(breaker.clone()).classify_by(|result: &Result<u16, Down>| match result {
            Ok(500..) | Err(_) => Outcome::Failure,
            Ok(400..) => Outcome::Ignored,
            Ok(_) => Outcome::Success,
        });
    let mut service = layer.layer(service_fn(answer));
    for status in [200, 404, 503] {
        assert_eq!(
            service.ready().await.unwrap().call(status).await,
            Ok(status)
        );
    }
    let stats = breaker.stats();
    assert_eq!((stats.successes, stats.ignored, stats.failures), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_permit_is_taken_at_the_call_and_comes_back_with_its_future() {
    let breaker = half_opened(BreakerConfig::default()).await;
    let mut service = BreakerLayer::new(breaker.clone()).layer(service_fn(answer));
    let trial = service.ready().await.unwrap().call(200);
    assert_eq!(breaker.stats().in_flight, 1);
    let rejected = service.ready().await.unwrap().call(200).await;
    assert!(rejected.is_err_and(|error| error.is_rejected()));
    drop(trial);
    assert_eq!(breaker.stats().cancelled, 1);
    let hangs = service.ready().await.unwrap().call(1);
    assert!(!polled(hangs, 2).await);
    assert_eq!(breaker.stats().cancelled, 2);
    assert_eq!(breaker.state(), State::HalfOpen);
}

/// Does not become ready, or panics when it is called.
#[derive(Clone)]
enum Odd {
    NeverReady,
    PanicsAtOnce,
}

impl Service<()> for Odd {
    type Response = ();
    type Error = Down;
    type Future = Pin<Box<dyn Future<Output = Result<(), Down>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        match self {
            Self::NeverReady => Poll::Ready(Err(Down)),
            Self::PanicsAtOnce => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(matches!(self, Self::NeverReady), "as told");
        Box::pin(ready(Ok(())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_to_become_ready_opens_it() {
    let breaker = plain();
    let mut service = BreakerLayer::new(breaker.clone()).layer(Odd::NeverReady);
    for _ in 0..10 {
        let error = service.ready().await.map(|_| ()).unwrap_err();
        assert_eq!(error, BreakerError::Failed(Down));
    }
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.stats().failures, 5);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_call_itself_is_caught_too() {
    quiet();
    let breaker = plain();
    let mut service = BreakerLayer::new(breaker.clone()).layer(Odd::PanicsAtOnce);
    let panicked = service.ready().await.unwrap().call(()).await;
    assert_eq!(panicked, Err(BreakerError::Panicked("as told".into())));
    assert_eq!(
        (breaker.stats().in_flight, breaker.stats().failure_count),
        (0, 1)
    );
}

#[test]
fn its_future_goes_to_other_threads_though_its_results_do_not() {
    fn is_send(_: &impl Send) {}
    let breaker: Breaker = plain();
    let results = service_fn(|(): ()| async { Ok::<_, Down>(Rc::new(())) });
    let mut service = BreakerLayer::new(breaker).layer(results);
    is_send(&service.call(()));
    assert!(format!("{:?}", BreakerLayer::new(plain())).starts_with("BreakerLayer(Breaker("));
}
