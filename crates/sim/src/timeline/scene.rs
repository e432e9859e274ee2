//! What a plan begins with: objects, and the changes that are planned for.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_api::validate::{FieldError, RouteRef, ValidCanary, validate};
use serin_api::{Names, Rollout, unserved};
use serin_world::world::{Failure, Key};
use serin_world::{Kind, Request, World};

use super::Problem;
use super::clock::length;

/// What is planned for.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The API group of Rollouts.
    pub group: String,
    /// The namespace of everything.
    pub namespace: String,
    /// The Rollout as it is first applied.
    pub rollout: Value,
    /// The Rollout as it is applied then, and what is new about it.
    pub update: Option<(String, Value)>,
    /// Services and routes that are applied with it.
    pub others: Vec<Value>,
    /// What is there already.
    pub live: Option<Live>,
    /// How long a pod takes from its creation until it is ready.
    pub pod_ready: SignedDuration,
    /// What is taken to be so beyond what the scene itself takes to be so.
    pub assumed: Vec<String>,
}

/// What a cluster holds.
#[derive(Clone, Debug)]
pub struct Live {
    /// Objects of one namespace as the API server shows them, each with its kind.
    pub objects: Vec<Value>,
    pub now: Timestamp,
}

/// A scene that is ready to be played.
pub struct Stage {
    pub world: World,
    pub names: Arc<Names>,
    pub namespace: String,
    pub name: String,
    pub canary: ValidCanary,
    pub replicas: i32,
    pub assumed: Vec<String>,
    pub changes: Vec<Change>,
    pub pod_ready: SignedDuration,
}

/// A change of the Rollout by a person.
pub struct Change {
    pub title: String,
    rollout: Value,
}

impl Change {
    /// Makes it.
    pub fn apply(&self, world: &mut World) -> Result<(), Problem> {
        let metadata = &self.rollout["metadata"];
        let [namespace, name] = ["namespace", "name"].map(|field| text(metadata, field));
        let found = world.find(Kind::Rollout, &format!("{namespace}/{name}")).cloned();
        let outcome = match found {
            None => world.try_create(self.rollout.clone()),
            Some(mut present) => {
                present["spec"] = self.rollout["spec"].clone();
                let key = Key::new(Kind::Rollout, &format!("{namespace}/{name}"));
                world.request(Request::put(world.path(&key), present))
            }
        };
        outcome.map(drop).map_err(|failure| refused(&format!("Rollout/{name}"), &failure))
    }
}

/// Builds the world of a scene.
pub fn set(scene: Scene) -> Result<Stage, Problem> {
    let Scene { group, namespace, rollout, update, others, live, pod_ready, assumed } = scene;
    let rollout = manifest(rollout, &namespace);
    let (canary, parsed) = valid(&rollout)?;
    let mut world = World::for_group(&group);
    if namespace != "default" {
        create(
            &mut world,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )?;
    }
    let mut told = vec![format!("pods are ready {} after they are created", length(pod_ready.as_secs_f64()))];
    let is_live = live.is_some();
    if let Some(live) = live {
        world.set_now(live.now);
        for object in live.objects {
            let name = name_of(&object);
            world.restore(object).map_err(|refusal| refused(&name, &Failure::Refused(refusal)))?;
        }
    }
    for other in others {
        let kinds = [Kind::Service].into_iter().chain(Kind::ROUTES);
        let kind = kinds.into_iter().find(|kind| other["kind"] == kind.name());
        // Only routes can be elsewhere.
        let own = other["metadata"]["namespace"].as_str().filter(|_| kind != Some(Kind::Service));
        let place = own.unwrap_or(&namespace).to_owned();
        let other = manifest(other, &place);
        let place = format!("{place}/{}", text(&other["metadata"], "name"));
        if kind.is_some_and(|kind| world.find(kind, &place).is_none()) {
            create(&mut world, other)?;
        }
    }
    told.extend(complete(&mut world, &namespace, &canary, &parsed)?);
    if canary.acknowledgement.is_some() {
        told.push("the application acknowledges each role at once".to_owned());
    }
    let name = text(&rollout["metadata"], "name");
    let is_there = world.find(Kind::Rollout, &format!("{namespace}/{name}")).is_some();
    let title = match (is_live, is_there) {
        (true, true) => format!("From now on, with {}", images(&rollout)),
        _ => format!("First deploy of {}", images(&rollout)),
    };
    let mut changes = vec![Change { title, rollout }];
    if let Some((title, update)) = update {
        let update = manifest(update, &namespace);
        valid(&update)?;
        changes.push(Change { title, rollout: update });
    }
    told.extend(assumed);
    Ok(Stage {
        world,
        names: Arc::new(Names::for_group(&group)),
        namespace,
        name,
        canary,
        replicas: parsed.spec.replicas.unwrap_or(1),
        assumed: told,
        changes,
        pod_ready,
    })
}

/// Creates the Services and the route that the Rollout names where there are none, and says so.
fn complete(
    world: &mut World,
    namespace: &str,
    canary: &ValidCanary,
    rollout: &Rollout,
) -> Result<Vec<String>, Problem> {
    let mut told = Vec::new();
    let labels = rollout.spec.selector.match_labels.clone().unwrap_or_default();
    let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    for service in [&canary.stable_service, &canary.canary_service] {
        if world.find(Kind::Service, &format!("{namespace}/{service}")).is_none() {
            let metadata = json!({"name": service, "namespace": namespace});
            let spec = json!({"selector": labels, "ports": [{"port": 80}]});
            create(
                world,
                json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}),
            )?;
            told.push(format!("there is a Service {service} with the selector {}", selector.join(",")));
        }
    }
    for RouteRef { id, rules, .. } in &canary.routes {
        let name = id.beside(namespace).replacen('/', " ", 1);
        let kind = Kind::ROUTES.into_iter().find(|kind| kind.name() == id.kind.kind());
        if kind.is_some_and(|kind| world.find(kind, &format!("{}/{}", id.namespace, id.name)).is_some()) {
            continue;
        }
        let backend = |service: &str| json!({"name": service, "namespace": namespace, "port": 80});
        let backends = json!([backend(&canary.stable_service), backend(&canary.canary_service)]);
        let rule = |name: Option<&String>| json!({"name": name, "backendRefs": backends});
        let rules = match rules.as_slice() {
            [] => vec![rule(None)],
            named => named.iter().map(|name| rule(Some(name))).collect(),
        };
        create(
            world,
            json!({
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": id.kind.kind(),
                "metadata": {"name": id.name, "namespace": id.namespace},
                "spec": {"rules": rules},
            }),
        )?;
        let count = if rules.len() == 1 { "one rule".to_owned() } else { format!("{} rules", rules.len()) };
        told.push(format!("there is {name} with {count} of both Services"));
    }
    Ok(told)
}

fn valid(rollout: &Value) -> Result<(ValidCanary, Rollout), Problem> {
    let mut errors = unserved::held(rollout);
    let judged = match serde_json::from_value::<Rollout>(rollout.clone()) {
        Ok(parsed) => validate(&parsed).map(|canary| (canary, parsed)),
        Err(error) => Err(vec![FieldError::new("spec", format!("cannot be read: {error}"))]),
    };
    match judged {
        Ok(valid) if errors.is_empty() => Ok(valid),
        judged => {
            errors.extend(judged.err().unwrap_or_default());
            Err(Problem::Invalid(errors))
        }
    }
}

/// An object as somebody would apply it: of its metadata only what people write.
fn manifest(mut object: Value, namespace: &str) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| matches!(field.as_str(), "name" | "labels" | "annotations"));
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    object
}

/// The images of a Rollout's pods.
pub fn images(rollout: &Value) -> String {
    let containers = rollout["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    let images: Vec<&str> = containers.filter_map(|container| container["image"].as_str()).collect();
    if images.is_empty() { "its pods".to_owned() } else { images.join(", ") }
}

fn create(world: &mut World, object: Value) -> Result<(), Problem> {
    let name = name_of(&object);
    world.try_create(object).map(drop).map_err(|failure| refused(&name, &failure))
}

fn refused(name: &str, failure: &Failure) -> Problem {
    Problem::Refused(name.to_owned(), failure.message().to_owned())
}

fn name_of(object: &Value) -> String {
    format!("{}/{}", text(object, "kind"), text(&object["metadata"], "name"))
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}
