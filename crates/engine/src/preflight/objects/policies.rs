//! What others have decided about the pods, their number, and who may refer to what.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;
use serde_json::Value;

use super::{list, number, text};

/// A PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// Nothing selects no pod, an empty one all pods.
    pub selector: Option<LabelSelector>,
    pub min_available: Option<Amount>,
    pub max_unavailable: Option<Amount>,
}

/// A number of pods, or a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Pods(i32),
    Percent(i32),
}

impl Amount {
    fn of(value: &Value) -> Option<Self> {
        let percent = |text: &str| text.strip_suffix('%')?.parse().ok().map(Self::Percent);
        number(value).map(Self::Pods).or_else(|| value.as_str().and_then(percent))
    }

    /// How many of `all` pods it is, rounded up as Kubernetes does.
    pub fn of_all(self, all: i32) -> i64 {
        match self {
            Self::Pods(pods) => i64::from(pods),
            Self::Percent(percent) => (i64::from(all) * i64::from(percent) + 99) / 100,
        }
    }
}

impl Budget {
    /// Reads a PodDisruptionBudget.
    pub fn of(object: &Value) -> Self {
        let spec = &object["spec"];
        let selector = Some(&spec["selector"]).filter(|selector| selector.is_object());
        Self {
            selector: selector.map(|selector| LabelSelector::deserialize(selector).unwrap_or_default()),
            min_available: Amount::of(&spec["minAvailable"]),
            max_unavailable: Amount::of(&spec["maxUnavailable"]),
        }
    }
}

/// A HorizontalPodAutoscaler: what it scales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autoscaler {
    pub api_version: String,
    pub kind: String,
    pub name: String,
}

impl Autoscaler {
    /// Reads a HorizontalPodAutoscaler.
    pub fn of(object: &Value) -> Self {
        let target = &object["spec"]["scaleTargetRef"];
        let field = |name: &str| text(&target[name]).unwrap_or_default();
        Self { api_version: field("apiVersion"), kind: field("kind"), name: field("name") }
    }
}

/// A ReferenceGrant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub from: Vec<GrantFrom>,
    pub to: Vec<GrantTo>,
}

/// Who may refer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantFrom {
    pub group: String,
    pub kind: String,
    pub namespace: String,
}

/// What may be referred to; all of the kind where there is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantTo {
    pub group: String,
    pub kind: String,
    pub name: Option<String>,
}

impl Grant {
    /// Reads a ReferenceGrant.
    pub fn of(object: &Value) -> Self {
        let field = |of: &Value, name: &str| text(&of[name]).unwrap_or_default();
        let from = |from: &Value| GrantFrom {
            group: field(from, "group"),
            kind: field(from, "kind"),
            namespace: field(from, "namespace"),
        };
        let to = |to: &Value| GrantTo {
            group: field(to, "group"),
            kind: field(to, "kind"),
            name: text(&to["name"]),
        };
        let spec = &object["spec"];
        Self {
            from: list(&spec["from"]).iter().map(from).collect(),
            to: list(&spec["to"]).iter().map(to).collect(),
        }
    }
}
