//! What an HTTP response says of a limit.

use patterns_ratelimit::{Quota, RateLimitHeaders, RateLimiter};
use testing::{ms, secs};
use tokio::time::advance;

use crate::support::Outcome;

#[tokio::test(start_paused = true)]
async fn they_say_what_is_left_and_when_all_is_back() -> Outcome {
    let quota = Quota::per_second(10).burst(25);
    let limiter = RateLimiter::new(quota)?;
    let headers = RateLimitHeaders::allowed("api", quota, &limiter.consume(4)?);
    assert_eq!(
        (headers.policy(), headers.limit(), headers.retry_after()),
        (r#""api";q=25;w=3"#, r#""api";r=21;t=1"#, None)
    );
    limiter.consume(21)?;
    let denied = limiter.consume(1).unwrap_err();
    let headers = RateLimitHeaders::denied("api", quota, &denied);
    assert_eq!(
        (headers.limit(), headers.retry_after()),
        (r#""api";r=0;t=1"#, Some("1"))
    );
    let all: Vec<_> = headers.iter().collect();
    assert_eq!(
        all,
        [
            ("ratelimit-policy", r#""api";q=25;w=3"#),
            ("ratelimit", r#""api";r=0;t=1"#),
            ("retry-after", "1")
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_comes_when_they_say_is_let_in() -> Outcome {
    let quota = Quota::new(1, 1, ms(2_500));
    let limiter = RateLimiter::new(quota)?;
    assert!(limiter.allow());
    let headers = RateLimitHeaders::denied("api", quota, &limiter.consume(1).unwrap_err());
    assert_eq!(headers.retry_after(), Some("3"));
    advance(secs(3)).await;
    assert!(limiter.allow());
    Ok(())
}

#[test]
fn what_never_comes_back_has_no_window_and_no_time() -> Outcome {
    let quota = Quota::once(2);
    let limiter = RateLimiter::new(quota)?;
    let headers = RateLimitHeaders::allowed("trial", quota, &limiter.consume(2)?);
    assert_eq!(
        (headers.policy(), headers.limit()),
        (r#""trial";q=2"#, r#""trial";r=0"#)
    );
    let headers = RateLimitHeaders::denied("trial", quota, &limiter.consume(1).unwrap_err());
    assert_eq!(
        (headers.limit(), headers.retry_after()),
        (r#""trial";r=0"#, None)
    );
    Ok(())
}

#[test]
fn a_name_cannot_break_out_of_its_quotes() -> Outcome {
    let quota = Quota::per_second(1);
    let headers = RateLimitHeaders::allowed(
        "a\"b\\c\r\nX-Evil: 1 ü",
        quota,
        &RateLimiter::new(quota)?.consume(1)?,
    );
    assert_eq!(headers.policy(), r#""a\"b\\cX-Evil: 1 ";q=1;w=1"#);
    Ok(())
}
