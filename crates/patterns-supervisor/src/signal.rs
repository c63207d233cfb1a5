//! The signals by which an operating system asks a program to end.

use std::fmt;
use std::future::Future;
use std::io;

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-C: SIGINT.
    Interrupt,
    /// What service managers and containers send: SIGTERM. Elsewhere than on Unix, the end of the session.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "interrupted",
            Self::Terminate => "asked to terminate",
        })
    }
}

/// Returns a future that waits for Ctrl-C or SIGTERM, for
/// [`run_until`](crate::SupervisionTree::run_until).
///
/// The program listens from this call on, and for as long as it runs: these signals do not end it by themselves any
/// more, not even when the future is dropped.
///
/// # Errors
///
/// If the operating system does not let the program listen.
///
/// # Panics
///
/// Outside a tokio runtime with its I/O driver enabled.
///
/// # Cancel safety
///
/// Dropping the future loses a signal that came meanwhile.
pub fn shutdown_signal() -> io::Result<impl Future<Output = Signal> + Send> {
    listen()
}

#[cfg(unix)]
fn listen() -> io::Result<impl Future<Output = Signal> + Send> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(poll_fn(move |cx| {
        if interrupt.poll_recv(cx).is_ready() {
            return Poll::Ready(Signal::Interrupt);
        }
        terminate.poll_recv(cx).map(|_| Signal::Terminate)
    }))
}

#[cfg(windows)]
fn listen() -> io::Result<impl Future<Output = Signal> + Send> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};

    let (mut interrupt, mut close, mut shutdown) = (ctrl_c()?, ctrl_close()?, ctrl_shutdown()?);
    Ok(poll_fn(move |cx| {
        if interrupt.poll_recv(cx).is_ready() {
            return Poll::Ready(Signal::Interrupt);
        }
        if close.poll_recv(cx).is_ready() {
            return Poll::Ready(Signal::Terminate);
        }
        shutdown.poll_recv(cx).map(|_| Signal::Terminate)
    }))
}
