//! Every kind of finding: the list that documentation is made from.

use super::finding::Severity;

/// What a finding is about: its reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// In CamelCase.
    pub name: &'static str,
    pub severity: Severity,
    /// What is so, in one sentence.
    pub meaning: &'static str,
    /// What comes of it, and what to do, in Markdown.
    pub remedy: &'static str,
}

/// Declares each kind and the list of all of them, so that none can be missing there.
macro_rules! kinds {
    ($($constant:ident: $severity:ident $name:literal, $meaning:literal, $remedy:literal;)*) => {
        $(pub static $constant: Kind =
            Kind { name: $name, severity: Severity::$severity, meaning: $meaning, remedy: $remedy };)*

        /// Every kind, in the order in which they are judged.
        pub static KINDS: &[&Kind] = &[$(&$constant),*];
    };
}

kinds! {
    SPEC_INVALID: Error "SpecInvalid",
        "A field of the Rollout cannot be used.",
        "Nothing new begins until it is mended; what runs goes on. The same is said by the condition `InvalidSpec`.";
    SERVICE_NAMED_TWICE: Error "ServiceNamedTwice",
        "`stableService` and `canaryService` name one Service.",
        "One Service cannot lead to two revisions. Create a second one with the same selector and ports, and name it.";
    SERVICE_MISSING: Error "ServiceMissing",
        "A Service that the Rollout names does not exist in its namespace.",
        "Create it, with the template's labels as its selector. Until then nothing new begins.";
    SERVICE_TAKEN: Error "ServiceTaken",
        "An older Rollout uses the Service.",
        "Two Rollouts would write one selector, so the younger one waits. Give it Services of its own.";
    SERVICE_EXTERNAL_NAME: Error "ServiceExternalName",
        "The Service is of type `ExternalName`, which has neither selector nor endpoints.",
        "No pod can ever stand behind it. Make it a `ClusterIP` Service with the template's labels as its selector.";
    SERVICE_WITHOUT_SELECTOR: Error "ServiceWithoutSelector",
        "The Service has no selector of its own.",
        "Nobody would know which pods it is for. Give it the template's labels; Serin adds the label of a revision.";
    SERVICE_SELECTOR_MISMATCH: Error "ServiceSelectorMismatch",
        "The Service selects a label that the pod template does not carry.",
        "It would never list a pod of this Rollout. Change one of the two so that they agree.";
    SERVICE_LISTS_UNREADY: Warning "ServiceListsUnready",
        "The Service publishes pods that are not ready.",
        "Gateways send requests to them, also to a canary that is just starting. Remove `publishNotReadyAddresses`.";
    ROUTE_KIND_UNSERVED: Error "RouteKindUnserved",
        "The API server does not know the kind of the route.",
        "Install the Gateway API's definitions, version 1. Serin notices by itself.";
    ROUTE_MISSING: Error "RouteMissing",
        "A route that the Rollout names does not exist.",
        "Create it with both Services in one rule, or name another one.";
    ROUTE_WITHOUT_PAIR: Error "RouteWithoutPair",
        "No rule of the route has both Services as backends.",
        "There are no two weights to write. Name both in one rule; the canary's weight may be 0.";
    ROUTE_NAMES_SERVICE_TWICE: Error "RouteNamesServiceTwice",
        "A rule of the route names one of the Services more than once.",
        "No two numbers are the pair's. Keep each once in a rule.";
    WEIGHT_INEXPRESSIBLE: Error "WeightInexpressible",
        "A rule has other backends, and the weights of the pair there have too small a sum for a step.",
        "The pair keeps its sum, so that the others keep their share. Multiply all weights of the rule by the factor that \
         the finding names.";
    BACKEND_PORT_MISSING: Error "BackendPortMissing",
        "A backend of the route names no port.",
        "Gateways answer its share of the requests with errors. Name a port of the Service.";
    BACKEND_PORT_UNKNOWN: Error "BackendPortUnknown",
        "A backend of the route names a port that the Service does not have.",
        "Gateways answer its share of the requests with errors. Change the port in one of the two.";
    TARGET_PORT_UNKNOWN: Error "TargetPortUnknown",
        "The Service sends to a port by a name that no container of the template has.",
        "The Service lists pods without a port, and requests fail. Name the container's port, or use its number.";
    BACKEND_WITHOUT_GRANT: Error "BackendWithoutGrant",
        "A rule sends to a Service of another namespace, which does not allow it.",
        "Gateways answer its share of the requests with errors. Create a ReferenceGrant in the Service's namespace.";
    ROUTE_FULL: Error "RouteFull",
        "The route has, or would have with the rules that steps add, more than Gateway API allows.",
        "At most 16 rules, 16 backends in a rule and 128 matches in all. Divide it into several routes.";
    ROUTE_WITHOUT_PARENT: Error "RouteWithoutParent",
        "The route names no parent, so that no gateway carries it.",
        "Weights would change nothing. Name a Gateway under `parentRefs`.";
    GATEWAY_MISSING: Error "GatewayMissing",
        "A Gateway that the route names does not exist.",
        "Nobody carries the route by way of it. Create it, or name another one; without a namespace it is looked for in \
         the route's own.";
    GATEWAY_NOT_ACCEPTED: Error "GatewayNotAccepted",
        "The Gateway is not accepted by its controller.",
        "The finding has the reason that the controller gives. Does a controller for its class run at all?";
    GATEWAY_NOT_PROGRAMMED: Warning "GatewayNotProgrammed",
        "The Gateway is accepted, but its controller says that it is not in force.",
        "With the reason `AddressNotAssigned` it has no address from outside and may serve all the same; otherwise no \
         request may arrive.";
    LISTENER_MISSING: Error "ListenerMissing",
        "The route names a listener that the Gateway does not have.",
        "Change `sectionName` or `port` under `parentRefs`, or add the listener.";
    LISTENER_NOT_ACCEPTED: Error "ListenerNotAccepted",
        "Every listener of the Gateway that the route may use is refused.",
        "The finding has the reason that the controller gives.";
    GATEWAY_CLASS_MISSING: Error "GatewayClassMissing",
        "The GatewayClass of the Gateway does not exist.",
        "No controller feels responsible. Create the class, or name another one.";
    GATEWAY_CLASS_NOT_ACCEPTED: Error "GatewayClassNotAccepted",
        "The GatewayClass is not accepted by a controller.",
        "Does the controller run? The finding has its reason.";
    FEATURE_UNSUPPORTED: Error "FeatureUnsupported",
        "A step needs a feature that the GatewayClass does not list as supported.",
        "The step would have no effect. Leave it out, or use another class.";
    PARENT_REFUSED: Error "ParentRefused",
        "A gateway's controller reports that it does not carry the route, or that a reference of it is broken.",
        "Weights are written, but this gateway does not follow. The finding has its reason and message.";
    ROUTE_PARTIALLY_INVALID: Warning "RoutePartiallyInvalid",
        "A gateway's controller carries the route only in part, or as it was before.",
        "Weights may not arrive. The finding has its reason and message.";
    PARENT_SILENT: Warning "ParentSilent",
        "The Gateway exists and is accepted, but nothing is reported about the route.",
        "Its controller may not follow routes of this kind or namespace. A moment after the route was created this is \
         normal.";
    TEMPLATE_REFUSED: Error "TemplateRefused",
        "The API server does not take the pod template.",
        "No pod can be made of it. Mend the template, or the policy or quota that the server's words name.";
    ROLE_LABEL_IN_TEMPLATE: Warning "RoleLabelInTemplate",
        "A role sets a label that the template sets, too.",
        "Pods carry the role's value, and that of the template only while they have no role. Remove it from one of the \
         two.";
    ROLE_METADATA_FROZEN: Warning "RoleMetadataFrozen",
        "The template reads role metadata where it never changes.",
        "The application never learns that it was promoted. Read it from a volume of the downward API, without `subPath`.";
    PODS_SELECTED_BY_OTHERS: Warning "PodsSelectedByOthers",
        "Another Rollout or a Deployment selects the same pods.",
        "Services, budgets and autoscalers cannot tell them apart. Give each workload a label of its own in selector and \
         template.";
    SERVICE_SELECTS_OTHERS: Warning "ServiceSelectsOthers",
        "The Service also selects pods of another Rollout or of a Deployment.",
        "Until the first deploy of this Rollout is through, requests reach those pods, too. When a Deployment is being \
         replaced, that is meant.";
    BUDGET_NEVER_ALLOWS: Warning "BudgetNeverAllows",
        "A PodDisruptionBudget of the pods allows no disruption, however many of them are ready.",
        "A restart by `restartAt` waits for ever, and so does the drain of a node. Updates are not held up.";
    BUDGETS_OVERLAP: Warning "BudgetsOverlap",
        "Several PodDisruptionBudgets select the same pods.",
        "Kubernetes refuses every eviction of such a pod: a restart by `restartAt` waits for ever. Keep one.";
    AUTOSCALER_TARGETS_DEPLOYMENT: Warning "AutoscalerTargetsDeployment",
        "A HorizontalPodAutoscaler scales a Deployment with the name of the Rollout.",
        "It does not scale the Rollout. Change `scaleTargetRef` when the Deployment has been replaced.";
    AUTOSCALER_TARGETS_WRONG_KIND: Warning "AutoscalerTargetsWrongKind",
        "A HorizontalPodAutoscaler means the Rollout, but names another API group, version or kind.",
        "It scales nothing. The finding has what to write.";
    AUTOSCALERS_COMPETE: Warning "AutoscalersCompete",
        "Several HorizontalPodAutoscalers scale the Rollout.",
        "They undo each other's number of pods. Keep one; it may have several metrics.";
    RIGHT_MISSING: Error "RightMissing",
        "The operator lacks a right that it needs on the named objects.",
        "The finding has the verb, the resource and the namespace. The chart grants all of them where it is allowed to: \
         `rbac.create`, `watchNamespace`.";
}
