//! A call of the operator, as the request that the world gets.

use serin_engine::ApiCall;
use serin_engine::api_call::{Body, Verb};
use serin_process::error::{Category, explains};
use serin_world::world::{Failure, Request};

/// The request that makes a call.
pub fn request(call: &ApiCall, user: &str) -> Request {
    let path = if call.dry_run { format!("{}?dryRun=All", call.path) } else { call.path.clone() };
    let body = call.body.json();
    let request = match (call.verb, &call.body) {
        (Verb::Create, _) => Request::post(path, body),
        (Verb::Delete, _) => Request::delete(path, body),
        (Verb::Patch, Body::MergePatch(_)) => Request::merge_patch(path, body),
        (Verb::Patch, _) => Request::json_patch(path, body),
    };
    request.by(user)
}

/// What the operator's client makes of a failure.
pub fn category(failure: &Failure) -> Category {
    match failure {
        Failure::Refused(refusal) => Category::of_code(refusal.code),
        Failure::Disconnected => Category::Network,
        Failure::Hung => Category::Timeout,
    }
}

/// What status says of a failure, as the shell words it.
pub fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Refused(refusal) if explains(refusal.code) => refusal.message.clone(),
        other => category(other).sentence().to_owned(),
    }
}
