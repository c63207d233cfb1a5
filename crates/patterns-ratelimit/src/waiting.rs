//! Waiting for one's turn.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use otp_core::backoff::{between, chance};
use otp_core::contained::catch;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::desk::{Entered, Turn};
use crate::place::{Place, Taken};
use crate::{Allowed, WaitError};

/// How somebody waits. By default as long as it takes, and without jitter.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_ratelimit::{Quota, RateLimiter, WaitOptions};
///
/// let limiter = RateLimiter::new(Quota::every(Duration::from_secs(1)))?;
/// let options = WaitOptions { timeout: Duration::from_millis(2_500), ..WaitOptions::default() };
/// for _ in 0..3 {
///     limiter.until_ready_with(1, options).await?;   // at once, after 1 s, after 2 s
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitOptions {
    /// How long it may take at most, any duration. Default: [`Duration::MAX`], without limit.
    ///
    /// Whoever cannot be let in by then is told at once. Zero takes what is there or fails.
    pub timeout: Duration,

    /// Up to how much longer somebody waits who had to wait, at random, so that many who wait for the same moment do not all go on at it. Default:
    /// zero. It never makes a wait longer than `timeout`, to the millisecond of the timers.
    pub jitter: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::MAX,
            jitter: Duration::ZERO,
        }
    }
}

/// A place in a line; dropped, it is free.
struct Waiting<'a, P: Place> {
    place: &'a P,
    /// `None` once it is over.
    ticket: Option<u64>,
}

impl<P: Place> Waiting<'_, P> {
    /// Ends the waiting against the will of whoever waits. Returns how long it would have taken.
    fn give_up(&mut self) -> Duration {
        let ticket = self.ticket.take();
        ticket.map_or(Duration::ZERO, |ticket| self.place.leave(ticket, true))
    }
}

impl<P: Place> Drop for Waiting<'_, P> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.place.leave(ticket, false);
        }
    }
}

/// What was taken for somebody who still sleeps; dropped, it goes back.
struct Asleep<'a, P: Place> {
    place: &'a P,
    taken: Taken,
    /// How much goes back: nothing, once it is slept.
    tokens: u32,
}

impl<P: Place> Drop for Asleep<'_, P> {
    fn drop(&mut self) {
        self.place.give_back(self.taken, self.tokens);
    }
}

/// Waits until `tokens` can be taken, first come, first served, and takes them.
pub(crate) async fn until_ready<P: Place>(
    place: &P,
    tokens: u32,
    options: WaitOptions,
) -> Result<Allowed, WaitError> {
    let ticket = match place.enter(tokens, options.timeout) {
        Entered::Granted(allowed) => return Ok(allowed),
        Entered::Denied(denied) => return Err(WaitError::Denied(denied)),
        Entered::TooLong(retry_after) => return Err(WaitError::Timeout { retry_after }),
        Entered::Waits(ticket) => ticket,
    };
    let mut waiting = Waiting {
        place,
        ticket: Some(ticket),
    };
    if !has_timers() {
        waiting.give_up();
        return Err(WaitError::NoTimers);
    }
    let deadline = moment_after(options.timeout);
    let noted = !options.jitter.is_zero();
    let taken = stand(&mut waiting, ticket, noted, deadline, options.timeout).await?;
    if !noted {
        return Ok(taken.allowed);
    }
    let mut asleep = Asleep {
        place,
        taken,
        tokens,
    };
    let jitter = between(Duration::ZERO, options.jitter, chance())
        .min(deadline.saturating_duration_since(Instant::now()));
    if !jitter.is_zero() {
        sleep(jitter).await;
    }
    asleep.tokens = 0;
    Ok(taken.allowed)
}

/// Stands in line until it is time, or too late.
async fn stand<P: Place>(
    waiting: &mut Waiting<'_, P>,
    ticket: u64,
    noted: bool,
    deadline: Instant,
    timeout: Duration,
) -> Result<Taken, WaitError> {
    // Made when it is first needed: whoever stands behind others and waits without limit needs none.
    let mut timer = pin!(None);
    poll_fn(|cx| {
        loop {
            let turn = waiting.place.turn(ticket, noted, cx.waker().clone());
            let next = match turn {
                Turn::Granted(taken) => {
                    waiting.ticket = None;
                    return Poll::Ready(Ok(taken));
                }
                Turn::Denied(denied) => {
                    waiting.ticket = None;
                    return Poll::Ready(Err(WaitError::Denied(denied)));
                }
                Turn::In(wait) => moment_after(wait).min(deadline),
                Turn::Behind if timeout == Duration::MAX => return Poll::Pending,
                Turn::Behind => deadline,
            };
            if Instant::now() >= deadline {
                let retry_after = waiting.give_up();
                return Poll::Ready(Err(WaitError::Timeout { retry_after }));
            }
            if poll_until(timer.as_mut(), next, cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

fn poll_until(
    mut timer: Pin<&mut Option<Sleep>>,
    until: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if timer.is_none() {
        timer.set(Some(sleep_until(until)));
    }
    let Some(mut timer) = timer.as_pin_mut() else {
        return Poll::Pending;
    };
    if timer.deadline() != until {
        timer.as_mut().reset(until);
    }
    timer.poll(cx)
}

/// The moment `wait` from now, thirty years away at most.
fn moment_after(wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    let now = Instant::now();
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}

/// Whether there is a runtime with timers here.
fn has_timers() -> bool {
    // tokio has no other way to ask for timers than to be refused, by a panic.
    Handle::try_current().is_ok() && catch(|| drop(sleep(Duration::ZERO))).is_ok()
}
