//! What several modules need: a log of what was done, and futures dropped at every await.

use std::future::Future;
use std::sync::{Arc, Mutex};

use testing::ms;
use tokio::time::sleep;

/// What was done, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// All lines in one, and the log is empty then.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(", ")
    }

    /// A sync step that adds one.
    pub(crate) fn step(
        &self,
        name: &'static str,
    ) -> impl Fn(u32) -> Result<u32, &'static str> + Clone + use<> {
        let log = self.clone();
        move |n| {
            log.write(name);
            Ok(n + 1)
        }
    }

    /// An async step that adds one, after 10 ms.
    pub(crate) fn slow(
        &self,
        name: &'static str,
    ) -> impl Fn(u32) -> Boxed<Result<u32, &'static str>> + Clone + use<> {
        let log = self.clone();
        move |n| {
            let log = log.clone();
            Box::pin(async move {
                log.write(format!("{name} begins"));
                sleep(ms(10)).await;
                log.write(name);
                Ok(n + 1)
            })
        }
    }

    /// A sync undo, which says of what.
    pub(crate) fn undo(&self, name: &'static str) -> impl Fn(u32) + use<> {
        let log = self.clone();
        move |n| log.write(format!("undo {name} {n}"))
    }

    /// An async undo, which takes 10 ms.
    pub(crate) fn slow_undo(&self, name: &'static str) -> impl Fn(u32) -> Boxed<()> + use<> {
        let log = self.clone();
        move |n| {
            let log = log.clone();
            Box::pin(async move {
                log.write(format!("undo {name} {n} begins"));
                sleep(ms(10)).await;
                log.write(format!("undo {name} {n}"));
            })
        }
    }
}

pub(crate) type Boxed<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// A step that fails.
pub(crate) fn fail(_: u32) -> Result<u32, &'static str> {
    Err("no")
}

/// A step that panics.
pub(crate) fn blow_up(_: u32) -> Result<u32, &'static str> {
    panic!("as told")
}

/// Polls a future so often, with everything else having its turn and 10 ms going by in between; tells whether it was done by then.
pub(crate) async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let between = async || {
        tokio::time::advance(ms(10)).await;
        tokio::task::yield_now().await;
    };
    testing::polled_after(work, times, between).await
}

/// Panics when it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct DropBomb;

impl Drop for DropBomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("as told, in a drop");
        }
    }
}
