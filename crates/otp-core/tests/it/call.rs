//! Calls: replies, time-outs, and what is said when none comes.

use crate::support::{Log, Msg, Outcome, Probe};

#[tokio::test(start_paused = true)]
async fn a_call_returns_the_reply() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    assert_eq!(server.call(|reply| Msg::Echo(7, reply)).await?, 7);
    Ok(())
}
