//! Whether a write went over a change that its plan had not seen: what preconditions are there to prevent.

use serde_json::{Map, Value};

/// What every write changes.
const BOOKKEEPING: [&str; 3] =
    ["/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields"];

/// The first field that a write has changed, `before` and `after`, although the operator thought that it was another.
pub fn overwritten(known: &Value, before: &Value, after: &Value) -> Option<String> {
    compare("", Some(known), Some(before), Some(after))
}

fn compare(
    path: &str,
    known: Option<&Value>,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Option<String> {
    if before == after || BOOKKEEPING.contains(&path) {
        return None;
    }
    match (before, after) {
        (None | Some(Value::Object(_)), Some(Value::Object(_))) | (Some(Value::Object(_)), None) => {
            // A map whose last entry goes, goes with it.
            let empty = Map::new();
            let was = before.and_then(Value::as_object).unwrap_or(&empty);
            let is = after.and_then(Value::as_object).unwrap_or(&empty);
            let known = |name: &String| known.and_then(|known| known.get(name));
            let mut changed = was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name));
            changed
                .find_map(|name| compare(&format!("{path}/{name}"), known(name), was.get(name), is.get(name)))
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) if was.len() == is.len() => {
            let known = |index: usize| known.and_then(|known| known.get(index));
            let mut changed = (0..was.len()).filter(|index| was[*index] != is[*index]);
            changed.find_map(|index| {
                compare(&format!("{path}/{index}"), known(index), was.get(index), is.get(index))
            })
        }
        _ if known == before => None,
        _ => Some(format!("{path} was {before:?}, and the plan knew {known:?}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_change_of_what_was_not_known_counts() {
        let known = json!({"spec": {"replicas": 3, "other": 1}, "metadata": {"generation": 1}});
        let before = json!({"spec": {"replicas": 5, "other": 1}, "metadata": {"generation": 2}});
        let scaled = json!({"spec": {"replicas": 0, "other": 1}, "metadata": {"generation": 3}});
        let changed = json!({"spec": {"replicas": 5, "other": 2}, "metadata": {"generation": 3}});
        assert!(
            overwritten(&known, &before, &scaled).is_some_and(|found| found.starts_with("/spec/replicas"))
        );
        assert_eq!(overwritten(&known, &before, &changed), None);
    }
}
