use serde_json::json;
use serin_testkit::world::EventType;
use serin_testkit::{Kind, World};

use crate::{version, world};

fn events(world: &World, since: u64, kind: Kind) -> Vec<(EventType, String, u64)> {
    let events = world.events_since(since, kind).unwrap();
    let name = |object: &serde_json::Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    events.iter().map(|event| (event.event, name(&event.object), version(&event.object))).collect()
}

#[test]
fn a_watch_tells_every_change_of_its_kind_in_order() {
    let mut world = world();
    let begin = world.version();
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": ["x/y"] } }));
    world.patch(Kind::Service, "stable", json!({ "metadata": { "labels": { "a": "b" } } }));
    world.patch_status(Kind::Rollout, "a", json!({ "phase": "Healthy" }));
    world.delete(Kind::Rollout, "a");
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": null } }));
    assert_eq!(
        events(&world, begin, Kind::Rollout),
        [
            (EventType::Modified, "a".to_owned(), begin + 1),
            (EventType::Modified, "a".to_owned(), begin + 3),
            (EventType::Modified, "a".to_owned(), begin + 4),
            (EventType::Deleted, "a".to_owned(), begin + 5),
        ]
    );
    assert_eq!(events(&world, begin, Kind::Service), [(EventType::Modified, "stable".to_owned(), begin + 2)]);
    assert_eq!(events(&world, begin + 4, Kind::Rollout).len(), 1);
    assert_eq!(events(&world, 0, Kind::Rollout)[0].0, EventType::Added);
}

#[test]
fn a_forgotten_version_has_expired() {
    let mut world = world();
    let old = world.version() - 1;
    world.forget_history();
    let refusal = world.events_since(old, Kind::Rollout).unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (410, "Expired"));
    assert_eq!(world.events_since(world.version(), Kind::Rollout), Ok(Vec::new()));
}
