//! Sends verbs as people do: by the commands of the table.

use serde_json::{Value, json};
use serin_engine::Snapshot;
use serin_engine::verbs::Verb;
use serin_testkit::Kind;

use crate::life::{HASH, Life, image};
use crate::operator::NAME;

/// What the commands of the table leave to the reader.
pub const NEW_IMAGE: &str = "web:5";
pub const NEW_REPLICAS: i64 = 2;
const ROLE: &str = "serin.dev/role-metadata";

/// The steps after the edit.
pub fn new_steps() -> Value {
    json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}])
}

pub fn write_image(life: &mut Life, image: &str) {
    let containers = json!([{"name": "web", "image": image}]);
    patch(life, json!({"spec": {"template": {"spec": {"containers": containers}}}}));
}

fn patch(life: &mut Life, body: Value) {
    life.world.patch(Kind::Rollout, NAME, body);
}

/// Sends the verb once.
pub fn send(life: &mut Life, verb: Verb) {
    let snapshot = life.snapshot().expect("a Rollout");
    send_as_seen(life, verb, &snapshot);
}

/// Sends the verb by somebody who has seen this.
pub fn send_as_seen(life: &mut Life, verb: Verb, snapshot: &Snapshot) {
    let command = verb.command(snapshot);
    match verb {
        Verb::UndoToStable => undo(life, |ordinals| ordinals.last().cloned()),
        Verb::UndoToOlder => undo(life, |ordinals| ordinals.first().cloned().filter(|_| ordinals.len() > 1)),
        Verb::EditSteps => {
            patch(life, json!({"spec": {"strategy": {"canary": {"steps": new_steps()}}}}));
        }
        Verb::ChangeTemplate => write_image(life, NEW_IMAGE),
        Verb::Scale => patch(life, json!({"spec": {"replicas": NEW_REPLICAS}})),
        Verb::Delete => life.world.delete(Kind::Rollout, NAME),
        _ => type_in(life, &command),
    }
}

/// Does what kubectl does with a patch or an annotation.
fn type_in(life: &mut Life, command: &str) {
    assert!(command.contains(&format!("rollouts.serin.dev {NAME} -n default ")), "{command}");
    let Some((options, body)) = command.split_once("--type merge -p '") else {
        let (name, value) = command.rsplit_once(' ').unwrap().1.split_once('=').unwrap();
        assert!(command.starts_with("kubectl annotate "), "{command}");
        return patch(life, json!({"metadata": {"annotations": {name: value}}}));
    };
    let now = life.world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let body = body.strip_suffix('\'').unwrap().replace("'$(date -u +%Y-%m-%dT%H:%M:%SZ)'", &now);
    let body: Value = serde_json::from_str(&body).expect(&body);
    if options.contains("--subresource status") {
        life.world.patch_status(Kind::Rollout, NAME, body["status"].clone());
    } else {
        patch(life, body);
    }
}

/// Writes the template of a ReplicaSet that was stable, chosen from the images by the order of their promotion, as the
/// table's command does: without the hash, and with the author's metadata in place of a role's.
fn undo(life: &mut Life, choose: impl Fn(&[Value]) -> Option<Value>) {
    let mut sets: Vec<(u64, Value)> = life
        .world
        .all(Kind::ReplicaSet)
        .iter()
        .filter_map(|set| {
            let ordinal = set["metadata"]["annotations"]["serin.dev/stable"].as_str()?.parse().ok()?;
            Some((ordinal, Value::clone(set)))
        })
        .collect();
    sets.sort_by_key(|(ordinal, _)| *ordinal);
    let sets: Vec<Value> = sets.into_iter().map(|(_, set)| set).collect();
    let Some(set) = choose(&sets) else { return };
    let mut template = set["spec"]["template"].clone();
    let record: Value = set["metadata"]["annotations"][ROLE]
        .as_str()
        .map(|text| serde_json::from_str(text).unwrap())
        .unwrap_or_default();
    for map in ["labels", "annotations"] {
        let managed = record[map].as_object().cloned().unwrap_or_default();
        if let Some(values) = template["metadata"][map].as_object_mut() {
            values.retain(|key, _| !managed.contains_key(key));
        }
        for (key, value) in record["original"][map].as_object().into_iter().flatten() {
            template["metadata"][map][key] = value.clone();
        }
    }
    template["metadata"]["labels"].as_object_mut().unwrap().remove(HASH);
    assert_eq!(image(&template), image(&set["spec"]["template"]));
    let path = format!("/apis/serin.dev/v1alpha1/namespaces/default/rollouts/{NAME}");
    let change = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    life.world.request(serin_testkit::Request::json_patch(path, change)).expect("a template");
}
