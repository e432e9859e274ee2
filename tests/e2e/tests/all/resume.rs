//! Every way to pass a pause, by plain kubectl.

use serde_json::json;
use serin_e2e::Space;

#[test]
fn the_printed_command_passes_exactly_its_pause_and_then_nothing() {
    let space = Space::paused("printed");
    let rollout = space.rollout("web");
    let command = rollout["status"]["waitingFor"][0]["unblock"].as_str().unwrap().to_owned();
    let request = command.split("-p ").nth(1).unwrap().trim_matches('\'').to_owned();
    let patch = ["patch", "rollouts.serin.dev", "web", "--type", "merge", "--patch", &request];
    space.kubectl(&patch);
    space.until_paused_at("web", 3);
    space.kubectl(&patch);
    space.until_event("web", "ResumeRefused", "no pause stands at step 1");
    space.until("the request is removed", || space.rollout("web")["spec"]["resume"].is_null());
    assert_eq!(space.rollout("web")["status"]["currentStepIndex"], json!(3));
    space.judge();
}

#[test]
fn the_short_command_works_in_every_rollout() {
    let space = Space::paused("short");
    let resume = |step: i64| space.patch("web", json!({"spec": {"resume": {"step": step}}}));
    resume(1);
    space.until_paused_at("web", 3);
    resume(3);
    space.until_phase("web", "Healthy");
    space.set_image("web", "web:3");
    space.until_paused_at("web", 1);
    resume(1);
    space.until_paused_at("web", 3);
    space.judge();
}

#[test]
fn a_request_for_another_step_or_revision_is_refused_and_removed() {
    let space = Space::paused("refused");
    for (request, why) in [
        (json!({"step": 3}), "no pause stands at step 3"),
        (json!({"step": 1, "revision": 1}), "revision 1 does not pause"),
        (json!({"step": 1, "pausedAt": "2025-01-01T00:00:00Z"}), "not at 2025"),
    ] {
        space.patch("web", json!({"spec": {"resume": request}}));
        space.until_event("web", "ResumeRefused", why);
        space.until("the request is removed", || space.rollout("web")["spec"]["resume"].is_null());
    }
    assert_eq!(space.rollout("web")["status"]["currentStepIndex"], json!(1));
    assert_eq!(space.weights("route"), (90, 10));
    space.judge();
}

#[test]
fn clearing_the_pause_in_status_resumes_as_the_peers_tools_do() {
    let space = Space::paused("cleared");
    space.patch_status("web", json!({"pauseConditions": null}));
    space.until_paused_at("web", 3);
    assert_eq!(space.weights("route"), (50, 50));
    space.judge();
}

#[test]
fn the_annotation_resumes_and_is_consumed() {
    let space = Space::paused("annotated");
    space.kubectl(&["annotate", "rollouts.serin.dev", "web", "serin.dev/resume=1@2"]);
    space.until_paused_at("web", 3);
    space.until("the annotation is removed", || {
        space.rollout("web")["metadata"]["annotations"]["serin.dev/resume"].is_null()
    });
    space.judge();
}

#[test]
fn spec_paused_holds_steps_and_refuses_requests_until_it_is_lifted() {
    let space = Space::paused("held");
    space.patch("web", json!({"spec": {"paused": true}}));
    space.until("it says so", || space.rollout("web")["status"]["message"] == "manually paused");
    space.patch("web", json!({"spec": {"resume": {"step": 1}}}));
    space.until_event("web", "ResumeRefused", "spec.paused is true");
    space.patch("web", json!({"spec": {"paused": false, "resume": {"step": 1}}}));
    space.until_paused_at("web", 3);
    space.judge();
}
