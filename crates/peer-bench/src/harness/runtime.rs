//! The runtimes on which the benchmark bodies run.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The one multi-thread runtime with two workers that all contenders share.
pub(crate) fn shared() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be built")
    })
}

/// Runs the body as a spawned task of the shared runtime; a body in `block_on` would run beside the workers, not on one.
pub(crate) fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = shared();
    runtime
        .block_on(runtime.spawn(body))
        .expect("the body of a benchmark does not panic")
}

/// Runs the body as a spawned task of a runtime with one thread, where nothing else runs until the body awaits.
pub(crate) fn run_single<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime
        .block_on(runtime.spawn(body))
        .expect("the body of a benchmark does not panic")
}
