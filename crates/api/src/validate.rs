//! Turns a spec into what the engine works with, or into errors that name field and fix.
//!
//! The CRD refuses most of these at admission; they are judged again because an object may have been stored under an
//! older CRD, and because some need more than one field to see.

mod labels;
mod selector;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;

use crate::duration::PauseDuration;
use crate::lenient::Lenient;
use crate::names::{GATEWAY_API_PLUGIN, POD_TEMPLATE_HASH};
use crate::rollout::Rollout;
use crate::route::RouteId;
use crate::spec::{
    AtRest, CanaryStep, CanaryStrategy, GatewayApiRouting, RoleAcknowledgement, RoleMetadata, RouteReference,
    TrafficRouting, Verify, VerifyMode,
};
use crate::template::frozen::FrozenUse;

/// How many seconds pods stay after the traffic has left them, where the spec says nothing.
pub const DEFAULT_SCALE_DOWN_DELAY_SECONDS: i32 = 30;

/// How long acknowledgements are waited for, where the spec says nothing.
pub const DEFAULT_ACKNOWLEDGEMENT_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// How many seconds a revision may take without progress, where the spec says nothing.
pub const DEFAULT_PROGRESS_DEADLINE_SECONDS: i32 = 600;

/// How much a ready canary pod may carry, in percent, where the spec says nothing.
pub const DEFAULT_MAX_POD_LOAD: i32 = 150;

/// After how long without verification a Rollout is Degraded, where the spec says nothing.
pub const DEFAULT_VERIFICATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// A field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FieldError {
    /// The path of the field, as in `spec.strategy.canary.steps[1].pause.duration`.
    pub path: String,
    /// What is wrong and what to do about it.
    pub problem: String,
}

impl FieldError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

/// A canary strategy that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidCanary {
    /// The Service of the stable revision.
    pub stable_service: String,
    /// The Service of the canary.
    pub canary_service: String,
    /// The routes whose weights are written, each once.
    pub routes: Vec<RouteRef>,
    /// When a written weight counts as verified.
    pub verification: Verification,
    /// Which weights the route carries at rest.
    pub at_rest: AtRest,
    /// How much a ready canary pod may carry, in percent of what a pod carries when all replicas do.
    pub max_pod_load: i32,
    /// What happens in which order.
    pub steps: Vec<Step>,
    /// Metadata of stable pods.
    pub active: RoleMetadata,
    /// Metadata of canary pods.
    pub preview: RoleMetadata,
    /// Places of the template that read role metadata and never see it change.
    pub frozen: Vec<FieldError>,
    /// What the old revision's pods wait for beside the delay.
    pub acknowledgement: Option<Acknowledgement>,
    /// How long drained pods stay.
    pub scale_down_delay: SignedDuration,
    /// How long an aborted canary's pods stay; `None` keeps them.
    pub abort_scale_down_delay: Option<SignedDuration>,
}

/// A route whose weights are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRef {
    pub id: RouteId,
    /// The names of the rules that are meant; every one that holds both Services where there is none.
    pub rules: Vec<String>,
    /// The path of the field that names it.
    pub field: String,
}

/// What is said of the routes.
struct Routing {
    routes: Vec<RouteRef>,
    verification: Verification,
    at_rest: AtRest,
}

/// When a written weight counts as verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    pub mode: VerifyMode,
    /// How long proxies may take to follow; nothing where the gateway's controller decides.
    pub settle: Option<SignedDuration>,
    /// After how long without verification somebody should look.
    pub timeout: SignedDuration,
}

impl Default for Verification {
    fn default() -> Self {
        Self { mode: VerifyMode::Auto, settle: None, timeout: DEFAULT_VERIFICATION_TIMEOUT }
    }
}

/// How many promoted pods must have read their role, and how long that may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Percent of the stable revision's pods, 1 to 100.
    pub percent: i32,
    /// From when the traffic had left the old revision.
    pub timeout: SignedDuration,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give the canary this many percent.
    SetWeight(i32),
    /// Wait for a time, or for a person.
    Pause(Option<SignedDuration>),
}

/// Judges everything that one Rollout alone can show.
///
/// # Errors
/// Every field that cannot be used, in the order of the spec.
pub fn validate(rollout: &Rollout) -> Result<ValidCanary, Vec<FieldError>> {
    let mut errors = Vec::new();
    let template = rollout.spec.template.outline();
    counts(rollout, &mut errors);
    template_of(template, &mut errors);
    selector::judge(&rollout.spec.selector, template, &mut errors);
    let canary = match &rollout.spec.strategy {
        Lenient::Invalid(problem) => {
            errors.push(FieldError::new("spec.strategy", format!("cannot be read: {problem}")));
            None
        }
        Lenient::Valid(strategy) => match &strategy.canary {
            None => {
                errors.push(FieldError::new(
                    "spec.strategy.canary",
                    "is required; it is the only strategy that is served",
                ));
                None
            }
            Some(canary) => strategy_of(rollout, canary, &mut errors),
        },
    };
    match canary {
        Some(canary) if errors.is_empty() => Ok(canary),
        _ => Err(errors),
    }
}

fn counts(rollout: &Rollout, errors: &mut Vec<FieldError>) {
    let spec = &rollout.spec;
    not_negative("spec.replicas", spec.replicas, errors);
    not_negative("spec.minReadySeconds", spec.min_ready_seconds, errors);
    not_negative("spec.revisionHistoryLimit", spec.revision_history_limit, errors);
    let deadline = spec.progress_deadline_seconds.unwrap_or(DEFAULT_PROGRESS_DEADLINE_SECONDS);
    let ready = spec.min_ready_seconds.unwrap_or(0).max(0);
    if deadline <= ready {
        errors.push(FieldError::new(
            "spec.progressDeadlineSeconds",
            format!("must be greater than minReadySeconds, but is {deadline} against {ready}"),
        ));
    }
}

fn not_negative(path: &str, value: Option<i32>, errors: &mut Vec<FieldError>) {
    if let Some(value) = value.filter(|value| *value < 0) {
        errors.push(FieldError::new(path, format!("must not be negative, but is {value}")));
    }
}

fn template_of(template: &Value, errors: &mut Vec<FieldError>) {
    if !template["spec"].is_object() {
        let path = if template.is_object() { "spec.template.spec" } else { "spec.template" };
        errors.push(FieldError::new(path, "is required: the pods"));
    }
}

fn strategy_of(
    rollout: &Rollout,
    canary: &CanaryStrategy,
    errors: &mut Vec<FieldError>,
) -> Option<ValidCanary> {
    const AT: &str = "spec.strategy.canary";
    let before = errors.len();
    for (field, service) in
        [("stableService", &canary.stable_service), ("canaryService", &canary.canary_service)]
    {
        if service.is_empty() {
            errors.push(FieldError::new(format!("{AT}.{field}"), "is required: name a Service"));
        }
    }
    if !canary.stable_service.is_empty() && canary.stable_service == canary.canary_service {
        errors.push(FieldError::new(
            format!("{AT}.canaryService"),
            format!("must differ from stableService; both are {:?}", canary.stable_service),
        ));
    }
    let routing = route_of(rollout, canary.traffic_routing.as_ref(), errors);
    let max_pod_load = load_of(canary.traffic_routing.as_ref(), errors);
    let active = role_of(
        rollout,
        [("activeMetadata", &canary.active_metadata), ("stableMetadata", &canary.stable_metadata)],
        errors,
    );
    let preview = role_of(
        rollout,
        [("previewMetadata", &canary.preview_metadata), ("canaryMetadata", &canary.canary_metadata)],
        errors,
    );
    let acknowledgement = canary.role_acknowledgement.as_ref().map(|wanted| {
        if active.labels.is_empty() && active.annotations.is_empty() {
            errors.push(FieldError::new(
                format!("{AT}.roleAcknowledgement"),
                "has nothing to wait for without activeMetadata: add it, or remove this",
            ));
        }
        acknowledgement_of(wanted, errors)
    });
    let steps = steps_of(canary.steps.as_deref().unwrap_or_default(), errors);
    not_negative(&format!("{AT}.scaleDownDelaySeconds"), canary.scale_down_delay_seconds, errors);
    not_negative(&format!("{AT}.abortScaleDownDelaySeconds"), canary.abort_scale_down_delay_seconds, errors);
    let seconds = |value: Option<i32>| i64::from(value.unwrap_or(DEFAULT_SCALE_DOWN_DELAY_SECONDS));
    let abort_seconds = seconds(canary.abort_scale_down_delay_seconds);
    if errors.len() > before {
        return None;
    }
    let Routing { routes, verification, at_rest } = routing?;
    Some(ValidCanary {
        stable_service: canary.stable_service.clone(),
        canary_service: canary.canary_service.clone(),
        routes,
        verification,
        at_rest,
        max_pod_load,
        steps,
        frozen: frozen_of(rollout, [&active, &preview]),
        active,
        preview,
        acknowledgement,
        scale_down_delay: SignedDuration::from_secs(seconds(canary.scale_down_delay_seconds)),
        abort_scale_down_delay: (abort_seconds > 0).then(|| SignedDuration::from_secs(abort_seconds)),
    })
}

fn route_of(
    rollout: &Rollout,
    routing: Option<&TrafficRouting>,
    errors: &mut Vec<FieldError>,
) -> Option<Routing> {
    const AT: &str = "spec.strategy.canary.trafficRouting";
    let required = || {
        let problem = "is required: name an HTTPRoute, or a route of another kind";
        FieldError::new(format!("{AT}.gatewayAPI.httpRoute"), problem)
    };
    let Some(routing) = routing else {
        errors.push(required());
        return None;
    };
    let plugins = routing.plugins.iter().flatten();
    for (name, _) in plugins.clone().filter(|(name, _)| *name != GATEWAY_API_PLUGIN) {
        errors.push(FieldError::new(
            format!("{AT}.plugins[{name:?}]"),
            format!("is not served: use gatewayAPI or plugins[{GATEWAY_API_PLUGIN:?}]"),
        ));
    }
    let plugin = plugins.clone().find(|(name, _)| *name == GATEWAY_API_PLUGIN).map(|(_, routing)| routing);
    let (path, route): (String, &GatewayApiRouting) = match (&routing.gateway_api, plugin) {
        (Some(_), Some(_)) => {
            errors.push(FieldError::new(
                format!("{AT}.plugins[{GATEWAY_API_PLUGIN:?}]"),
                "means the same as gatewayAPI: keep one of the two",
            ));
            return None;
        }
        (Some(route), None) => (format!("{AT}.gatewayAPI"), route),
        (None, Some(route)) => (format!("{AT}.plugins[{GATEWAY_API_PLUGIN:?}]"), route),
        (None, None) => {
            errors.push(required());
            return None;
        }
    };
    let routes = references_of(rollout, &path, route, errors)?;
    let verification = verification_of(&format!("{path}.verify"), route.verify.as_ref(), errors);
    Some(Routing { routes, verification, at_rest: route.at_rest.unwrap_or_default() })
}

/// The routes that are named, each once with all its rules.
fn references_of(
    rollout: &Rollout,
    path: &str,
    routing: &GatewayApiRouting,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<RouteRef>> {
    let own = rollout.metadata.namespace.as_deref().unwrap_or_default();
    let beside = routing.namespace.as_deref().unwrap_or(own);
    let mut routes: Vec<RouteRef> = Vec::new();
    for (field, kind, RouteReference { name, namespace, rule }) in routing.named() {
        let field = format!("{path}.{field}");
        if name.is_empty() {
            errors.push(FieldError::new(field, "is required: name an HTTPRoute, or a route of another kind"));
            return None;
        }
        let id = RouteId { kind, namespace: namespace.unwrap_or_else(|| beside.to_owned()), name };
        match routes.iter_mut().find(|known| known.id == id) {
            None => routes.push(RouteRef { id, rules: rule.into_iter().collect(), field }),
            Some(known) => match rule.filter(|rule| !known.rules.is_empty() && !known.rules.contains(rule)) {
                Some(rule) => known.rules.push(rule),
                None => {
                    let problem = format!("names {id} a second time: keep one of the two");
                    errors.push(FieldError::new(field, problem));
                }
            },
        }
    }
    if routes.is_empty() {
        errors.push(FieldError::new(
            format!("{path}.httpRoute"),
            "is required: name an HTTPRoute, or a route of another kind",
        ));
        return None;
    }
    Some(routes)
}

fn load_of(routing: Option<&TrafficRouting>, errors: &mut Vec<FieldError>) -> i32 {
    let load = routing.and_then(|routing| routing.max_pod_load).unwrap_or(DEFAULT_MAX_POD_LOAD);
    if load < 100 {
        let path = "spec.strategy.canary.trafficRouting.maxPodLoad";
        errors.push(FieldError::new(path, format!("must be at least 100 (percent), but is {load}")));
    }
    load
}

fn verification_of(path: &str, wanted: Option<&Verify>, errors: &mut Vec<FieldError>) -> Verification {
    let Some(Verify { mode, settle, timeout }) = wanted else { return Verification::default() };
    let mut duration = |field: &str, value: &Option<PauseDuration>| {
        let parsed = value.as_ref().map(PauseDuration::parse).transpose();
        parsed.unwrap_or_else(|error| {
            errors.push(FieldError::new(format!("{path}.{field}"), error.to_string()));
            None
        })
    };
    let (settle, timeout) = (duration("settle", settle), duration("timeout", timeout));
    Verification {
        mode: mode.unwrap_or_default(),
        settle,
        timeout: timeout.unwrap_or(DEFAULT_VERIFICATION_TIMEOUT),
    }
}

/// What works, but not as it was meant: a pod that reads its role there never learns that it was promoted.
fn frozen_of(rollout: &Rollout, roles: [&RoleMetadata; 2]) -> Vec<FieldError> {
    let changes = |used: &&FrozenUse| {
        roles.iter().any(|role| {
            role.labels.keys().any(|name| used.reads_label(name))
                || role.annotations.keys().any(|name| used.reads_annotation(name))
        })
    };
    let frozen = rollout.spec.template.frozen().iter().filter(changes);
    frozen.map(|used| FieldError::new(used.path.clone(), used.problem())).collect()
}

fn acknowledgement_of(wanted: &RoleAcknowledgement, errors: &mut Vec<FieldError>) -> Acknowledgement {
    const AT: &str = "spec.strategy.canary.roleAcknowledgement";
    let percent = wanted.percent.unwrap_or(100);
    if !(1..=100).contains(&percent) {
        errors.push(FieldError::new(format!("{AT}.percent"), format!("must be 1 to 100, not {percent}")));
    }
    let timeout =
        wanted.timeout.as_ref().map_or(Ok(DEFAULT_ACKNOWLEDGEMENT_TIMEOUT), |timeout| timeout.parse());
    if let Err(error) = &timeout {
        errors.push(FieldError::new(format!("{AT}.timeout"), error.to_string()));
    }
    Acknowledgement { percent, timeout: timeout.unwrap_or(DEFAULT_ACKNOWLEDGEMENT_TIMEOUT) }
}

/// The metadata of one role under whichever of its two names was used.
fn role_of(
    rollout: &Rollout,
    spellings: [(&str, &Option<RoleMetadata>); 2],
    errors: &mut Vec<FieldError>,
) -> RoleMetadata {
    let [(name, ours), (alias, theirs)] = spellings;
    let at = |spelling: &str| format!("spec.strategy.canary.{spelling}");
    if ours.is_some() && theirs.is_some() {
        errors.push(FieldError::new(at(alias), format!("means the same as {name}: keep one of the two")));
    }
    for (spelling, metadata) in spellings {
        if let Some(metadata) = metadata {
            role_labels(rollout, &format!("{}.labels", at(spelling)), &metadata.labels, errors);
            names(&format!("{}.annotations", at(spelling)), &metadata.annotations, errors);
        }
    }
    ours.as_ref().or(theirs.as_ref()).cloned().unwrap_or_default()
}

fn role_labels(
    rollout: &Rollout,
    path: &str,
    labels: &BTreeMap<String, String>,
    errors: &mut Vec<FieldError>,
) {
    names(path, labels, errors);
    for (key, value) in labels {
        let mut refuse = |problem: String| errors.push(FieldError::new(format!("{path}[{key:?}]"), problem));
        if !labels::is_value(value) {
            refuse(format!("{value:?} {}", labels::VALUE));
        }
        if key == POD_TEMPLATE_HASH {
            refuse("tells the revisions apart and cannot change with the role: use another label".to_owned());
        } else if selector::mentions(&rollout.spec.selector, key) {
            refuse("is part of spec.selector and cannot change with the role: use another label".to_owned());
        }
    }
}

fn names(path: &str, entries: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    for key in entries.keys().filter(|key| !labels::is_name(key)) {
        errors.push(FieldError::new(format!("{path}[{key:?}]"), labels::NAME));
    }
}

fn steps_of(steps: &[CanaryStep], errors: &mut Vec<FieldError>) -> Vec<Step> {
    let mut valid = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let path = format!("spec.strategy.canary.steps[{index}]");
        match (step.set_weight, &step.pause) {
            (Some(weight), None) if (0..=100).contains(&weight) => valid.push(Step::SetWeight(weight)),
            (Some(weight), None) => {
                errors.push(FieldError::new(
                    format!("{path}.setWeight"),
                    format!("must be 0 to 100, not {weight}"),
                ));
            }
            (None, Some(pause)) => match pause.duration.as_ref().map(|duration| duration.parse()).transpose()
            {
                Ok(duration) => valid.push(Step::Pause(duration)),
                Err(error) => {
                    errors.push(FieldError::new(format!("{path}.pause.duration"), error.to_string()))
                }
            },
            _ => errors.push(FieldError::new(path, "must be exactly one of setWeight and pause")),
        }
    }
    valid
}
