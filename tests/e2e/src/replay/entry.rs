//! One line of the audit log as a change of the world.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use serin_testkit::Kind;

/// What a write did.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The object as it is from then on.
    Put(Kind, Value),
    /// Kind, name and uid of one that is gone. The uid is empty where the answer did not tell it.
    Remove(Kind, String, String),
    Scale(Kind, String, i64),
    /// The metadata of an object, of which the answer showed no more.
    Relabel(Kind, Value),
    /// The node that a pod was bound to, of which the answer shows nothing.
    Bind(Kind, String, String),
    /// A pod whose end was asked for, of which the answer shows nothing.
    Evict(Kind, String),
    /// A JSON patch that nobody waited for any more: it may have been carried out or not.
    Doubt(Kind, String, Value),
}

/// One write that the server carried out.
#[derive(Clone, Debug)]
pub struct Entry {
    pub namespace: String,
    pub user: String,
    /// In short: `patch httproutes/route`.
    pub brief: String,
    pub audit_id: String,
    pub at: Timestamp,
    /// The line that tells of it.
    pub line: Arc<Value>,
    /// The version of the object after the write. The answer to one that removes it has none, or that of the write before.
    pub version: Option<u64>,
    pub effect: Effect,
}

impl Entry {
    /// The changes that a line tells of; none for reads, refusals, dry runs, and kinds that play no part.
    pub fn of(line: &Arc<Value>, namespace: &str) -> Vec<Self> {
        let object = &line["objectRef"];
        let kind = Kind::ALL.into_iter().find(|kind| object["resource"] == kind.plural());
        let code = line["responseStatus"]["code"].as_i64().unwrap_or(0);
        // Whoever is killed does not hear the answer, and the server may log an error although it has written.
        let in_doubt = !(200..499).contains(&code);
        let carried_out = code < 300 || in_doubt;
        let uri = line["requestURI"].as_str().unwrap_or_default();
        let is_dry = uri.contains("dryRun") || !line["requestObject"]["dryRun"].is_null();
        let (Some(kind), true, false) = (kind, carried_out && object["namespace"] == namespace, is_dry)
        else {
            return Vec::new();
        };
        let answer = &line["responseObject"];
        let is_patch = line["verb"] == "patch" && line["requestObject"].is_array();
        if in_doubt || is_patch && !answer["metadata"]["uid"].is_string() {
            return if is_patch {
                Self::doubt(line, kind, namespace).into_iter().collect()
            } else {
                Vec::new()
            };
        }
        let objects = match (text(&line["verb"]), answer["items"].as_array()) {
            ("deletecollection", Some(items)) => items.iter().collect(),
            _ => vec![answer],
        };
        objects.into_iter().filter_map(|answer| Self::new(line, kind, namespace, answer)).collect()
    }

    fn doubt(line: &Arc<Value>, kind: Kind, namespace: &str) -> Option<Self> {
        let name = text(&line["objectRef"]["name"]).to_owned();
        Some(Self {
            namespace: namespace.to_owned(),
            user: text(&line["user"]["username"]).to_owned(),
            brief: format!("patch {}/{name} (in doubt)", kind.plural()),
            audit_id: text(&line["auditID"]).to_owned(),
            at: text(&line["requestReceivedTimestamp"]).parse().ok()?,
            line: Arc::clone(line),
            version: None,
            effect: Effect::Doubt(kind, name, line["requestObject"].clone()),
        })
    }

    fn new(line: &Arc<Value>, kind: Kind, namespace: &str, answer: &Value) -> Option<Self> {
        let verb = text(&line["verb"]);
        let object = &line["objectRef"];
        let name =
            [&answer["metadata"]["name"], &object["name"]].into_iter().find_map(Value::as_str)?.to_owned();
        let effect = match (verb, text(&object["subresource"])) {
            ("create" | "update" | "patch", "scale") => {
                Effect::Scale(kind, name.clone(), answer["spec"]["replicas"].as_i64().unwrap_or(0))
            }
            ("create", "eviction") => Effect::Evict(kind, text(&object["name"]).to_owned()),
            ("create", "binding") => {
                let node = text(&line["requestObject"]["target"]["name"]);
                Effect::Bind(kind, text(&object["name"]).to_owned(), node.to_owned())
            }
            ("create" | "update" | "patch", _) if !answer["metadata"]["uid"].is_string() => return None,
            ("create" | "update" | "patch", _) if is_over(answer) => removal(kind, &name, answer),
            ("create" | "update" | "patch", _) if answer["kind"] == "PartialObjectMetadata" => {
                Effect::Relabel(kind, answer["metadata"].clone())
            }
            ("create" | "update" | "patch", _) => Effect::Put(kind, answer.clone()),
            ("delete" | "deletecollection", _) if is_held(answer) => Effect::Put(kind, answer.clone()),
            ("delete" | "deletecollection", _) => removal(kind, &name, answer),
            _ => return None,
        };
        let version = answer["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse().ok());
        let subresource = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
        Some(Self {
            namespace: namespace.to_owned(),
            user: text(&line["user"]["username"]).to_owned(),
            brief: format!("{verb} {}/{name}{subresource}", kind.plural()),
            audit_id: text(&line["auditID"]).to_owned(),
            at: text(&line["requestReceivedTimestamp"]).parse().ok()?,
            line: Arc::clone(line),
            version: version.filter(|_| !matches!(effect, Effect::Remove(..))),
            effect,
        })
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A deletion is answered with the object, or with a status that may tell its uid.
fn removal(kind: Kind, name: &str, answer: &Value) -> Effect {
    let uid = [&answer["metadata"]["uid"], &answer["details"]["uid"]].into_iter().find_map(Value::as_str);
    Effect::Remove(kind, name.to_owned(), uid.unwrap_or_default().to_owned())
}

/// Nothing holds an object any more whose deletion was asked for: the write that showed this was its last.
fn is_over(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string() && !is_held(object)
}

/// Its deletion was asked for, and a finalizer or its time to end holds it.
fn is_held(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let finalizers = metadata["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    let time = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0;
    metadata["deletionTimestamp"].is_string() && (finalizers || time)
}
