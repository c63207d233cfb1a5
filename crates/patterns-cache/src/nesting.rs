//! Which loads run on this thread, one inside the other: so that one that asks for its own key is
//! told, where it would wait for itself.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;

use crate::flight::Flight;
use crate::sync::thread_local;

thread_local! {
    /// The flights whose loads are being polled by this thread at the moment, by their addresses.
    static LOADS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Marks a flight's load as running here until it is dropped.
struct Running;

impl Running {
    fn begin<V>(flight: &Arc<Flight<V>>) -> Self {
        let _ = LOADS.try_with(|loads| loads.borrow_mut().push(address(flight)));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = LOADS.try_with(|loads| loads.borrow_mut().pop());
    }
}

/// Says whether this is asked from inside the flight's own load.
pub(crate) fn is_inside<V>(flight: &Arc<Flight<V>>) -> bool {
    LOADS
        .try_with(|loads| loads.borrow().contains(&address(flight)))
        .unwrap_or(false)
}

/// Runs a flight's load.
pub(crate) async fn run<V, F, Fut>(flight: &Arc<Flight<V>>, load: F) -> Fut::Output
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    let load = {
        let _running = Running::begin(flight);
        load()
    };
    let mut load = pin!(load);
    std::future::poll_fn(|cx| {
        let _running = Running::begin(flight);
        load.as_mut().poll(cx)
    })
    .await
}

fn address<V>(flight: &Arc<Flight<V>>) -> usize {
    Arc::as_ptr(flight).addr()
}
