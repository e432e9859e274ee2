//! The program without a queue: a web application that knows its version.
#![allow(clippy::unwrap_used)]

mod process;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use process::{Podinfo, Process, wait_for};

#[test]
fn it_serves_its_version_without_labels_and_its_role_with_them() {
    let nowhere = Path::new("/nowhere/labels");
    let app = Process::start(nowhere, &[("QUEUE", "off"), ("APP_VERSION", "v1"), ("POD_NAME", "pod-1")]);
    let described = json!({"version": "v1", "pod": "pod-1", "role": null, "queue": null, "processed": 0});
    assert_eq!(app.describe(), described);
    assert!(app.is_ready());
    assert_eq!(app.get("/healthz").unwrap().0, 200);

    let mut podinfo = Podinfo::new("role=\"preview\"");
    let app = Process::start(&podinfo.file(), &[("QUEUE", "off")]);
    assert_eq!(app.describe()["role"], "preview");
    podinfo.write("role=\"active\"");
    wait_for("its new role", || (app.describe()["role"] == "active").then_some(()));
    podinfo.write("other=\"\"");
    assert_eq!(app.describe()["role"], "active", "the last good one");
}

#[test]
fn it_ends_at_once_or_when_it_was_told_to() {
    let nowhere = Path::new("/nowhere/labels");
    let app = Process::start(nowhere, &[("QUEUE", "off")]);
    app.signal("-TERM");
    let (status, took) = app.wait();
    assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");

    let app = Process::start(nowhere, &[("QUEUE", "off"), ("DRAIN_SECONDS", "2")]);
    app.signal("-TERM");
    // Whatever comes first of the signal and this: for 2 s it has to answer.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(app.describe()["role"], Value::Null);
    let (status, took) = app.wait();
    assert!(status.success(), "{status}");
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&took), "{took:?}");
}

#[test]
fn it_can_be_one_that_ends_in_the_middle_of_what_it_does() {
    let nowhere = Path::new("/nowhere/labels");
    let app = Process::start(nowhere, &[("QUEUE", "off"), ("END", "at-once"), ("DRAIN_SECONDS", "60")]);
    app.signal("-TERM");
    let (status, took) = app.wait();
    assert_eq!(status.code(), Some(143));
    assert!(took < Duration::from_secs(1), "{took:?}");
}
