//! How it was measured, in words.

/// The section of the document.
pub(crate) fn section() -> String {
    "## Method

- The **floor** is an actor written by hand, as an experienced user writes it instead of taking a dependency: a task over
  `tokio::sync::mpsc::unbounded_channel`, an enum message, a `oneshot` for the reply; no time limit, no supervision, no handling of panics.
- otp-core's `call` has its default time limit of 5 s; rows say where it has none. No peer has a time limit on its calls here.
- All actors hold the same eight bytes of state and do the same work: add a number, or answer with the sum.
- One process; the contenders of a scenario run in turn, over and over, so that noise hits all alike. Each figure is the median of at
  least five runs of about 0.1 s (the number of iterations is found by trying, which is also the warm-up), with the smallest and the largest beside it.
- One multi-thread tokio runtime with two workers; bodies run in spawned tasks. actix has an event loop of its own: it is measured inside
  it, and once from another thread. Its row is therefore without any work between cores.
- Release build, `lto = \"thin\"`, `codegen-units = 1`, the system's allocator; peers with their default features.
"
    .to_owned()
}
