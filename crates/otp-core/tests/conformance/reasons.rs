//! Exit reasons as the traces write them.

use std::error::Error;
use std::fmt;

use otp_core::{BadOption, ExitReason, FailedToStartChild, StartError};

use crate::json::Json;

/// A reason that means nothing to a supervisor.
#[derive(Debug)]
struct Term(Json);

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Term {}

pub(crate) fn reason(json: &Json) -> ExitReason {
    match json {
        Json::Text(text) if text == "normal" => ExitReason::Normal,
        Json::Text(text) if text == "shutdown" => ExitReason::Shutdown,
        Json::Text(text) if text == "killed" => ExitReason::Killed,
        other => match other.get("shutdown") {
            Some(cause) => ExitReason::shutdown_with(Term(cause.clone())),
            None => ExitReason::from(Term(other.clone())),
        },
    }
}

pub(crate) fn json(reason: &ExitReason) -> Json {
    match reason {
        ExitReason::Normal => Json::text("normal"),
        ExitReason::Shutdown => Json::text("shutdown"),
        ExitReason::Killed => Json::text("killed"),
        ExitReason::ShutdownWith(_) => Json::object([("shutdown", cause(reason))]),
        ExitReason::Error(_) => cause(reason),
        other => Json::text(format!("{other:?}")),
    }
}

fn cause(reason: &ExitReason) -> Json {
    if let Some(Term(term)) = reason.downcast_ref() {
        return term.clone();
    }
    if let Some(failed) = reason.downcast_ref::<FailedToStartChild>() {
        let child = Json::Array(vec![Json::text(&*failed.id), json(&failed.reason)]);
        return Json::object([("failed_to_start_child", child)]);
    }
    if let Some(StartError::BadOption(BadOption { option, .. })) = reason.downcast_ref() {
        return Json::object([("start_spec", bad_combination(option))]);
    }
    Json::text(format!("{reason:?}"))
}

/// What a supervisor says of a significant child that cannot be one.
pub(crate) fn bad_combination(option: &str) -> Json {
    Json::object([("bad_combination", Json::Array(keys(option)))])
}

pub(crate) fn keys(option: &str) -> Vec<Json> {
    let mut keys = vec![Json::text(option), Json::text("significant")];
    keys.sort();
    keys
}
