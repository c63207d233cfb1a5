//! The layer.

use std::convert::Infallible;
use std::task::Poll;

use http::{Request, Response, StatusCode};
use patterns_ratelimit::{KeyedRateLimiter, Quota, RateLimit, RateLimitLayer, RateLimiter};
use testing::secs;
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Outcome, poll};

async fn hello(_: Request<()>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".to_owned()))
}

fn request(client: Option<&str>) -> Request<()> {
    let mut request = Request::new(());
    if let Some(client) = client {
        request
            .headers_mut()
            .insert("x-client", client.parse().unwrap());
    }
    request
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_answered_429_with_its_headers() -> Outcome {
    let layer = RateLimitLayer::new(RateLimiter::new(Quota::per_minute(2))?).named("api");
    let mut service = layer.layer(service_fn(hello));
    for left in ["\"api\";r=1;t=30", "\"api\";r=0;t=60"] {
        let response = service.ready().await?.call(request(None)).await?;
        assert_eq!(
            (response.status(), response.body().as_str()),
            (StatusCode::OK, "hello")
        );
        assert_eq!(response.headers()["ratelimit"], left);
        assert_eq!(response.headers()["ratelimit-policy"], "\"api\";q=2;w=60");
        assert!(!response.headers().contains_key("retry-after"));
    }
    let response = service.call(request(None)).await?;
    assert_eq!(
        (response.status(), response.body().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "")
    );
    assert_eq!(response.headers()["retry-after"], "30");
    advance(secs(30)).await;
    assert_eq!(service.call(request(None)).await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_does_not_reach_the_service_below() -> Outcome {
    let mut reached = 0;
    let inner = service_fn(|_: Request<()>| {
        reached += 1;
        async { Ok::<_, Infallible>(Response::new(())) }
    });
    let mut service = RateLimitLayer::new(RateLimiter::new(Quota::once(1))?).layer(inner);
    for _ in 0..5 {
        service.call(request(None)).await?;
    }
    drop(service);
    assert_eq!(reached, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_and_who_has_none_is_let_through() -> Outcome {
    let limiter = KeyedRateLimiter::<String>::new(Quota::per_second(1))?;
    let layer = RateLimitLayer::by_key(limiter.clone(), |request: &Request<()>| {
        Some(request.headers().get("x-client")?.to_str().ok()?.to_owned())
    });
    let service = layer.layer(service_fn(hello));
    let status = async |client| {
        let response = service.clone().call(request(client)).await;
        response.map(|response| {
            (
                response.status().as_u16(),
                response.headers().contains_key("ratelimit"),
            )
        })
    };
    assert_eq!(status(Some("ada")).await?, (200, true));
    assert_eq!(status(Some("ada")).await?, (429, true));
    assert_eq!(status(Some("grace")).await?, (200, true));
    assert_eq!(status(None).await?, (200, false));
    assert_eq!(status(None).await?, (200, false));
    assert_eq!(limiter.len(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_errors_and_the_readiness_are_those_of_the_service_below() -> Outcome {
    struct Busy;
    impl Service<Request<()>> for Busy {
        type Response = Response<()>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Response<()>, &'static str>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Pending
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::ready(Err("out of order"))
        }
    }
    let mut service: RateLimit<Busy> =
        RateLimitLayer::new(RateLimiter::new(Quota::per_second(1))?).layer(Busy);
    let mut ready = Box::pin(service.ready());
    assert!(poll(&mut ready).is_pending());
    drop(ready);
    assert_eq!(
        service.call(request(None)).await.unwrap_err(),
        "out of order"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn layers_add_their_fields_to_each_others() -> Outcome {
    let inner = RateLimitLayer::new(RateLimiter::new(Quota::per_minute(1))?).named("one");
    let outer = RateLimitLayer::new(RateLimiter::new(Quota::per_minute(60))?).named("all");
    let mut service = outer.layer(inner.layer(service_fn(hello)));
    service.call(request(None)).await?;
    let response = service.call(request(None)).await?;
    let fields: Vec<_> = response.headers().get_all("ratelimit").iter().collect();
    assert_eq!(fields, [r#""one";r=0;t=60"#, r#""all";r=58;t=2"#]);
    assert_eq!(response.headers().get_all("retry-after").iter().count(), 1);
    Ok(())
}
