//! Defects of calls: preconditions that are left out, and more written than is ours.

use serde_json::json;
use serin_engine::api_call::{Body, Target};
use serin_engine::{ApiCall, Snapshot};

use super::Defect;

pub const DEFECTS: &[Defect] = &[
    Defect::of_call(5, "a write of weights labels the route, too", label_route),
    Defect::of_call(5, "backends are written whole, with what the operator knows of them", write_backends),
    Defect::of_call(5, "the weights of a pair lose their sum", lose_the_sum),
    Defect::of_call(5, "a Service loses the user's own selector", take_selector),
    Defect::of_call(5, "a write of status removes an annotation of the user's", annotate),
    Defect::of_call(9, "live pods keep the keys of the role before", keep_keys),
    Defect::of_call(11, "status is written whatever it has become", forget_version),
    Defect::of_call(11, "JSON patches test nothing", forget_tests),
    Defect::of_call(11, "weights are written to another route", write_elsewhere),
];

fn label_route(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Route(_), Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        changes.push(
            json!({"op": "add", "path": "/metadata/labels", "value": {"rollouts-in-progress": "true"}}),
        );
    }
}

fn write_backends(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Route(_), Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        let weights: Vec<_> = changes.iter().map(|change| change["value"].clone()).collect();
        let backends: Vec<_> = ["stable", "canary"].into_iter().zip(weights).collect();
        let backends: Vec<_> =
            backends.into_iter().map(|(name, weight)| json!({"name": name, "weight": weight})).collect();
        *changes = vec![json!({"op": "replace", "path": "/spec/rules/0/backendRefs", "value": backends})];
    }
}

fn lose_the_sum(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Route(_), Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        changes.truncate(1);
    }
}

fn take_selector(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Service, Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        changes.push(json!({"op": "remove", "path": "/spec/selector/app"}));
    }
}

fn annotate(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Rollout, Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        changes.push(json!({"op": "add", "path": "/spec/paused", "value": false}));
    }
}

fn keep_keys(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Pod, Body::JsonPatch { changes, .. }) = (call.target, &mut call.body) {
        changes.retain(|change| change["op"] != "remove");
    }
}

fn forget_version(_: &Snapshot, call: &mut ApiCall) {
    if let Body::MergePatch(patch) = &mut call.body
        && let Some(fields) = patch.as_object_mut()
    {
        fields.remove("metadata");
    }
}

fn forget_tests(_: &Snapshot, call: &mut ApiCall) {
    if let Body::JsonPatch { tests, .. } = &mut call.body {
        tests.clear();
    }
}

fn write_elsewhere(_: &Snapshot, call: &mut ApiCall) {
    if let (Target::Route(_), Body::JsonPatch { tests, changes }) = (call.target, &mut call.body) {
        call.path = call.path.replace("/route", "/other-route");
        tests.clear();
        changes.truncate(1);
    }
}
