//! Empties namespaces that are being deleted.

use serde_json::json;

use super::objects::{delete, is_deleting, name, namespace, put};
use crate::world::{Kind, World};

const USER: &str = "namespace-controller";

/// Deletes everything in a namespace that is being deleted, then lets the namespace go.
#[derive(Clone, Debug, Default)]
pub struct NamespaceController {}

impl NamespaceController {
    /// Looks at every namespace once.
    pub fn step(&mut self, world: &mut World) {
        for terminating in world.all(Kind::Namespace).iter().filter(|namespace| is_deleting(namespace)) {
            let mut is_empty = true;
            for kind in Kind::ALL.into_iter().filter(|kind| kind.is_namespaced()) {
                let mut objects = world.all(kind);
                objects.retain(|object| namespace(object) == name(terminating));
                for object in objects {
                    is_empty = false;
                    if !is_deleting(&object) {
                        drop(delete(world, USER, kind, &object, json!({})));
                    }
                }
            }
            if is_empty {
                let mut finalized = terminating.as_ref().clone();
                finalized["spec"]["finalizers"] = json!([]);
                drop(put(world, USER, Kind::Namespace, "/finalize", finalized));
            }
        }
    }
}
