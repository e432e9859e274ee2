//! Gateways and their classes.

use serde_json::Value;

use super::{Reported, list, number, text};

/// A Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gateway {
    pub class: String,
    pub listeners: Vec<Listener>,
    pub conditions: Vec<Reported>,
}

/// A listener, and what is reported of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    pub name: String,
    pub port: Option<i32>,
    pub conditions: Vec<Reported>,
}

/// A GatewayClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayClass {
    pub conditions: Vec<Reported>,
    /// What it says that it supports; nothing where it does not say.
    pub features: Option<Vec<String>>,
}

impl Gateway {
    /// Reads a Gateway.
    pub fn of(object: &Value) -> Self {
        let (spec, status) = (&object["spec"], &object["status"]);
        let conditions_of = |name: &Value| {
            let reported = list(&status["listeners"]).iter().find(|listener| listener["name"] == *name);
            reported.map(|listener| Reported::list(&listener["conditions"])).unwrap_or_default()
        };
        let listener = |listener: &Value| Listener {
            name: text(&listener["name"]).unwrap_or_default(),
            port: number(&listener["port"]),
            conditions: conditions_of(&listener["name"]),
        };
        Self {
            class: text(&spec["gatewayClassName"]).unwrap_or_default(),
            listeners: list(&spec["listeners"]).iter().map(listener).collect(),
            conditions: Reported::list(&status["conditions"]),
        }
    }
}

impl GatewayClass {
    /// Reads a GatewayClass. Its features were texts before they were objects with a name.
    pub fn of(object: &Value) -> Self {
        let status = &object["status"];
        let features = status["supportedFeatures"].as_array().map(|features| {
            features.iter().filter_map(|feature| text(feature).or_else(|| text(&feature["name"]))).collect()
        });
        Self { conditions: Reported::list(&status["conditions"]), features }
    }
}
