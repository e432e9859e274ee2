//! The changes of status as a merge patch.

use serde_json::{Map, Value, json};
use serin_api::status::RolloutStatus;

/// The merge patch that turns one status into the other: only what differs, null for what goes.
pub fn patch(before: &RolloutStatus, after: &RolloutStatus) -> Value {
    let value = |status: &RolloutStatus| serde_json::to_value(status).unwrap_or(Value::Null);
    difference(&value(before), &value(after)).unwrap_or_else(|| json!({}))
}

fn difference(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut changes = Map::new();
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                changes.insert(key.clone(), Value::Null);
            }
            for (key, value) in after {
                let changed =
                    before.get(key).map_or_else(|| Some(value.clone()), |before| difference(before, value));
                if let Some(changed) = changed {
                    changes.insert(key.clone(), changed);
                }
            }
            (!changes.is_empty()).then_some(Value::Object(changes))
        }
        (before, after) => (before != after).then(|| after.clone()),
    }
}
