//! What an HTTP response says of a limit.

use std::time::Duration;

use crate::{Allowed, Denied, Quota};

/// The values of the HTTP fields that tell a client of its limit: `RateLimit-Policy`, `RateLimit` and `Retry-After`.
///
/// The first two are those of the IETF draft *`RateLimit` header fields for HTTP* (`draft-ietf-httpapi-ratelimit-headers`, as of 2024: two fields in the syntax of
/// structured fields), and the last one that of RFC 9110, section 10.2.3, in seconds. Seconds are rounded up, so that no client comes too early; for a quota that
/// is refilled in less than a second the window is given as one, which understates it.
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{Quota, RateLimitHeaders, RateLimiter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let quota = Quota::per_minute(2);
/// let limiter = RateLimiter::new(quota)?;
///
/// let headers = RateLimitHeaders::allowed("api", quota, &limiter.consume(1)?);
/// assert_eq!(headers.policy(), r#""api";q=2;w=60"#);   // 2 in 60 seconds
/// assert_eq!(headers.limit(), r#""api";r=1;t=30"#);    // 1 is left, all are back in 30 seconds
/// assert_eq!(headers.retry_after(), None);
///
/// limiter.consume(1)?;
/// let headers = RateLimitHeaders::denied("api", quota, &limiter.consume(1).unwrap_err());
/// assert_eq!(headers.limit(), r#""api";r=0;t=30"#);
/// assert_eq!(headers.retry_after(), Some("30"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitHeaders {
    policy: String,
    limit: String,
    retry_after: Option<String>,
}

impl RateLimitHeaders {
    /// Makes those of a request that was allowed. `name` is what the policy is called: printable ASCII, of which anything else is left out.
    #[must_use]
    pub fn allowed(name: &str, quota: Quota, allowed: &Allowed) -> Self {
        Self::new(name, quota, allowed.remaining(), allowed.full_after())
    }

    /// Makes those of a request that was refused: nothing is left of what it asked for, until the moment at which it may try again.
    #[must_use]
    pub fn denied(name: &str, quota: Quota, denied: &Denied) -> Self {
        let retry_after = denied.retry_after();
        Self {
            retry_after: retry_after.map(|wait| seconds(wait).max(1).to_string()),
            ..Self::new(name, quota, 0, retry_after)
        }
    }

    fn new(name: &str, quota: Quota, left: u32, reset: Option<Duration>) -> Self {
        let name: String = name
            .chars()
            .filter(|sign| matches!(sign, ' '..='~'))
            .collect();
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        let mut policy = format!("\"{name}\";q={}", quota.capacity);
        if let Some(nanos) = (quota.period.as_nanos() * u128::from(quota.capacity))
            .checked_div(u128::from(quota.refill))
        {
            // The time in which the whole capacity comes back.
            policy += &format!(";w={}", nanos.div_ceil(1_000_000_000).max(1));
        }
        let mut limit = format!("\"{name}\";r={left}");
        if let Some(reset) = reset {
            limit += &format!(";t={}", seconds(reset));
        }
        Self {
            policy,
            limit,
            retry_after: None,
        }
    }

    /// Returns the value of `RateLimit-Policy`: the quota, and the seconds in which all of it comes back.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns the value of `RateLimit`: how much is left, and the seconds until it is all back or, for one who is refused, until there is enough.
    #[must_use]
    pub fn limit(&self) -> &str {
        &self.limit
    }

    /// Returns the value of `Retry-After`, 1 or more; `None` for one who was allowed, or who never will be.
    #[must_use]
    pub fn retry_after(&self) -> Option<&str> {
        self.retry_after.as_deref()
    }

    /// Returns all of them, by name in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let retry_after = self.retry_after().map(|value| ("retry-after", value));
        [
            ("ratelimit-policy", self.policy()),
            ("ratelimit", self.limit()),
        ]
        .into_iter()
        .chain(retry_after)
    }
}

/// Whole seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0))
}
