//! The command for each verb, as a person would type it.

use serin_api::Names;
use serin_api::names::POD_TEMPLATE_HASH;

use super::Verb;
use crate::snapshot::Snapshot;

/// What a command is about.
struct Subject<'a> {
    names: &'a Names,
    name: &'a str,
    /// ` -n NAMESPACE`, or nothing.
    namespace: String,
    /// The step that it is at, the one after it, and the number of steps.
    step: String,
    next: String,
    end: String,
}

impl Verb {
    /// The command for the Rollout `web` of the current namespace. Words in capitals stand for what only the reader knows.
    pub fn example(self) -> String {
        self.typed(&Subject {
            names: &Names::default(),
            name: "web",
            namespace: String::new(),
            step: "STEP".to_owned(),
            next: "STEP".to_owned(),
            end: "STEP".to_owned(),
        })
    }

    /// The command for the Rollout of `world`, as it stands. Skip names the end of the steps.
    pub fn command(self, world: &Snapshot) -> String {
        let (rollout, step) = (&world.rollout, world.recorded.current_step_index.unwrap_or(0));
        let steps = world.strategy.as_ref().map_or(0, |strategy| strategy.steps.len());
        self.typed(&Subject {
            names: &world.names,
            name: &rollout.name,
            namespace: format!(" -n {}", rollout.namespace),
            step: step.to_string(),
            next: step.saturating_add(1).to_string(),
            end: steps.to_string(),
        })
    }

    fn typed(self, subject: &Subject<'_>) -> String {
        let Subject { names, name, namespace, step, next, end } = subject;
        let resource = names.resource();
        let object = format!("{resource} {name}{namespace}");
        let spec = |body: &str| format!("kubectl patch {object} --type merge -p '{{\"spec\":{body}}}'");
        let status = |body: &str| {
            format!("kubectl patch {object} --subresource status --type merge -p '{{\"status\":{body}}}'")
        };
        match self {
            Self::Abort => format!("kubectl annotate {object} {}=current", names.abort),
            Self::Retry => status(r#"{"abort":false}"#),
            Self::Resume => spec(&format!(r#"{{"resume":{{"step":{step}}}}}"#)),
            Self::PromoteStep => status(&format!(r#"{{"pauseConditions":null,"currentStepIndex":{next}}}"#)),
            Self::PromoteFull => status(r#"{"promoteFull":true}"#),
            Self::Skip => status(&format!(r#"{{"currentStepIndex":{end}}}"#)),
            Self::UndoToStable | Self::UndoToOlder => undo(subject),
            Self::Restart => spec(r#"{"restartAt":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}"#),
            Self::Pause => spec(r#"{"paused":true}"#),
            Self::Unpause => spec(r#"{"paused":false}"#),
            Self::EditSteps | Self::ChangeTemplate => format!("kubectl apply{namespace} -f rollout.yaml"),
            Self::Scale => format!("kubectl scale {object} --replicas=REPLICAS"),
            Self::Delete => format!("kubectl delete {object}"),
        }
    }
}

/// Writes the template of a ReplicaSet, without the hash label and with its author's own metadata in place of a role's.
fn undo(subject: &Subject<'_>) -> String {
    let Subject { names, name, namespace, .. } = subject;
    let (resource, record) = (names.resource(), &names.role_metadata);
    format!(
        "kubectl get replicasets{namespace} REPLICASET -o json | jq '\
         (.metadata.annotations[\"{record}\"] // \"{{}}\" | fromjson) as $role | .spec.template \
         | reduce (\"labels\", \"annotations\") as $map (.; .metadata[$map] = \
         ((.metadata[$map] // {{}}) | delpaths([$role[$map] // {{}} | keys[] | [.]])) + ($role.original[$map] // {{}})) \
         | del(.metadata.labels[\"{POD_TEMPLATE_HASH}\"]) \
         | [{{op: \"replace\", path: \"/spec/template\", value: .}}]' \
         | kubectl patch {resource} {name}{namespace} --type json --patch-file /dev/stdin"
    )
}
