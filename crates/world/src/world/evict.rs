//! POST to the subresource `eviction` of a pod: a deletion that asks the pod's budgets first.

use serde_json::json;

use super::kinds::Kind;
use super::refusal::Refusal;
use super::request::{Call, Verb};
use super::{Answer, World};

impl World {
    pub(super) fn serve_eviction(&mut self, call: &Call) -> Answer {
        let key = call.key();
        if key.kind != Kind::Pod {
            return Err(Refusal::unknown_path().into());
        }
        if call.body["kind"] != "Eviction" || call.body["metadata"]["name"] != *key.name {
            return Err(Refusal::bad_request("the body is no Eviction of the pod in the path").into());
        }
        let pod = self.store.get(&key).ok_or_else(|| Refusal::not_found(key.kind, &key.name))?;
        // A pod that ends already is missed by no budget.
        let is_ending = !pod["metadata"]["deletionTimestamp"].is_null();
        let budget = self.allowed_disruptions.get(&*key.namespace).copied().filter(|_| !is_ending);
        if budget == Some(0) {
            return Err(Refusal::budget_exceeded(key.kind, &key.name).into());
        }
        let mut deletion = call.clone();
        deletion.verb = Verb::Delete;
        deletion.target.subresource = None;
        deletion.body = call.body["deleteOptions"].clone();
        self.serve_delete(&deletion)?;
        if let (Some(left), false) = (budget, call.is_dry_run()) {
            self.allowed_disruptions.insert(key.namespace.to_string(), left - 1);
        }
        Ok(json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Kind, Request, World};

    fn world() -> World {
        let mut world = World::new();
        let containers = json!([{ "name": "a", "image": "a" }]);
        world.create(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a" }, "spec": { "containers": containers },
        }));
        world
    }

    fn evict(world: &mut World, name: &str, uid: &Value) -> Result<(), u16> {
        let body = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name, "namespace": "default" },
            "deleteOptions": { "preconditions": { "uid": uid } },
        });
        let path = format!("/api/v1/namespaces/default/pods/{name}/eviction");
        world.request(Request::post(path, body)).map(drop).map_err(|failure| failure.code())
    }

    #[test]
    fn a_pod_that_is_evicted_is_deleted() {
        let mut world = world();
        let uid = world.get(Kind::Pod, "a")["metadata"]["uid"].clone();
        assert_eq!(evict(&mut world, "a", &uid), Ok(()));
        assert!(world.find(Kind::Pod, "a").is_none());
        assert_eq!(evict(&mut world, "a", &uid), Err(404));
    }

    #[test]
    fn another_pod_of_the_same_name_is_left_alone() {
        let mut world = world();
        assert_eq!(evict(&mut world, "a", &json!("other")), Err(409));
        assert!(world.find(Kind::Pod, "a").is_some());
    }

    #[test]
    fn a_budget_that_is_used_up_forbids_it() {
        let mut world = world();
        let uid = world.get(Kind::Pod, "a")["metadata"]["uid"].clone();
        world.set_allowed_disruptions("default", Some(0));
        assert_eq!(evict(&mut world, "a", &uid), Err(429));
        world.set_allowed_disruptions("default", Some(1));
        assert_eq!(evict(&mut world, "a", &uid), Ok(()));
    }
}
