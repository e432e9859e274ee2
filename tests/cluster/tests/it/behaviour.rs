//! Pods do what their annotations and labels say.

use std::time::{Duration, Instant};

use crate::world::{Namespace, eventually};

#[test]
fn plain_pods_become_ready_and_are_endpoints() {
    let namespace = Namespace::new("plain");
    namespace.web(3, &[]);
    eventually("True True True".to_owned(), || namespace.readiness());
    eventually("true true true".to_owned(), || namespace.endpoint_readiness());
}

#[test]
fn never_ready_pods_run_and_are_no_endpoints() {
    let namespace = Namespace::new("never-ready");
    namespace.web(1, &[("kwok.test/behaviour", "never-ready")]);
    eventually("False".to_owned(), || namespace.readiness());
    eventually("false".to_owned(), || namespace.endpoint_readiness());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(namespace.readiness(), "False");
    assert_eq!(namespace.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].status.phase}"]), "Running");
}

#[test]
fn failing_pods_are_in_a_crash_loop_and_can_recover() {
    let namespace = Namespace::new("fails");
    namespace.web(1, &[("kwok.test/behaviour", "fails")]);
    let reason = "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}";
    eventually("CrashLoopBackOff".to_owned(), || namespace.kubectl(&["get", "pods", "-o", reason]));
    assert_eq!(namespace.readiness(), "False");

    namespace.annotate_pods("kwok.test/ready=true");
    eventually("True".to_owned(), || namespace.readiness());
    assert_eq!(namespace.kubectl(&["get", "pods", "-o", reason]), "");
}

#[test]
fn a_slow_pod_is_ready_after_its_delay_even_when_touched_meanwhile() {
    let namespace = Namespace::new("slow");
    let started = Instant::now();
    namespace.web(1, &[("kwok.test/delay", "4")]);
    eventually("False".to_owned(), || namespace.readiness());
    std::thread::sleep(Duration::from_secs(2).saturating_sub(started.elapsed()));
    // Were delays counted from the last change, this would make it six seconds.
    namespace.annotate_pods("touched=yes");
    eventually("True".to_owned(), || namespace.readiness());
    let taken = started.elapsed();
    assert!(taken > Duration::from_secs(4), "ready after {taken:?}");
    assert!(taken < Duration::from_secs(6), "ready after {taken:?}");
}

#[test]
fn a_slow_pod_told_not_to_become_ready_does_not() {
    let namespace = Namespace::new("cancelled");
    namespace.web(1, &[("kwok.test/delay", "2")]);
    eventually("False".to_owned(), || namespace.readiness());
    namespace.annotate_pods("kwok.test/ready=false");
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        assert_eq!(namespace.readiness(), "False");
    }
}

#[test]
fn readiness_is_lost_and_found_by_a_label_and_endpoints_follow() {
    let namespace = Namespace::new("flip");
    namespace.web(2, &[]);
    eventually("true true".to_owned(), || namespace.endpoint_readiness());

    namespace.kubectl(&["label", "pods", "--all", "kwok.test/ready=false"]);
    eventually("False False".to_owned(), || namespace.readiness());
    eventually("false false".to_owned(), || namespace.endpoint_readiness());

    namespace.kubectl(&["label", "pods", "--all", "kwok.test/ready-"]);
    eventually("True True".to_owned(), || namespace.readiness());
    eventually("true true".to_owned(), || namespace.endpoint_readiness());
}

#[test]
fn a_pod_with_a_death_delay_stays_terminating_that_long() {
    let namespace = Namespace::new("death");
    namespace.web(1, &[("kwok.test/death-delay", "3")]);
    eventually("True".to_owned(), || namespace.readiness());
    let name = namespace.kubectl(&["get", "pods", "-o", "name"]);
    let started = Instant::now();
    namespace.kubectl(&["delete", name.trim(), "--wait=false"]);
    eventually(false, || namespace.kubectl(&["get", "pods", "-o", "name"]).contains(name.trim()));
    let taken = started.elapsed();
    assert!(taken > Duration::from_secs(3), "gone after {taken:?}");
    assert!(taken < Duration::from_secs(6), "gone after {taken:?}");
}
