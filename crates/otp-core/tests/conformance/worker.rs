//! The workers of the scenarios.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use otp_core::{Context, ExitReason, GenServer};

use crate::json::Json;
use crate::reasons;

/// How often each path was started, whatever came of it.
#[derive(Clone, Default)]
pub(crate) struct Starts(Arc<Mutex<HashMap<String, u64>>>);

impl Starts {
    /// Counts one more, and returns its number.
    pub(crate) fn next(&self, path: &str) -> u64 {
        let mut starts = self.0.lock().unwrap();
        let count = starts.entry(path.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// What a worker does when its supervisor asks it to end.
#[derive(Clone)]
pub(crate) enum OnShutdown {
    Die,
    Exit(Json),
    Hang,
}

impl OnShutdown {
    pub(crate) fn of(spec: &Json) -> Self {
        match spec.at("on_shutdown") {
            Json::Text(text) if text == "die" => Self::Die,
            Json::Text(text) if text == "hang" => Self::Hang,
            other => Self::Exit(other.at("exit").clone()),
        }
    }
}

/// What `init` does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Init {
    Ok,
    Fail,
    Ignore,
}

impl Init {
    pub(crate) fn of(spec: &Json, number: u64) -> Self {
        let says = |key| {
            let numbers = spec.get(key).map(Json::array).unwrap_or_default();
            numbers.contains(&Json::from(number))
        };
        if says("fail") {
            Self::Fail
        } else if says("ignore") {
            Self::Ignore
        } else {
            Self::Ok
        }
    }
}

pub(crate) struct Worker {
    pub(crate) init: Init,
    pub(crate) on_shutdown: OnShutdown,
    /// Whether it ends by itself.
    pub(crate) by_itself: bool,
}

impl GenServer for Worker {
    /// The reason to end with.
    type Msg = ExitReason;

    async fn init(&mut self, ctx: &mut Context<ExitReason>) -> Result<(), ExitReason> {
        match self.init {
            Init::Ok => {}
            Init::Fail => return Err(reasons::reason(&Json::text("init_failed"))),
            Init::Ignore => ctx.ignore(),
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        reason: ExitReason,
        _: &mut Context<ExitReason>,
    ) -> Result<(), ExitReason> {
        self.by_itself = true;
        Err(reason)
    }

    async fn terminate(&mut self, _: &ExitReason, ctx: &mut Context<ExitReason>) {
        if self.by_itself {
            return;
        }
        match &self.on_shutdown {
            OnShutdown::Die => {}
            OnShutdown::Exit(reason) => ctx.stop(reasons::reason(reason)),
            OnShutdown::Hang => pending().await,
        }
    }
}
