//! Routes as people write them, and as nobody does: whatever the schema allows around two Services.

use serde_json::{Map, Value, json};

use super::canonical::Pair;
use crate::Chance;

/// Sums that can express every whole tenth, of which weights are made in rules with other backends.
const SUMS: [u64; 4] = [10, 20, 100, 1000];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// A route, and the Services whose weights are ours in it.
#[derive(Clone, Debug)]
pub struct Generated {
    pub name: String,
    pub pair: Pair,
    pub object: Value,
}

/// A route with one rule of the pair at least, and up to 15 of any kind.
pub fn any(chance: &mut Chance, namespace: &str, number: usize) -> Generated {
    let name = format!("route-{number}");
    let pair = Pair {
        namespace: namespace.to_owned(),
        stable: format!("{name}-stable"),
        canary: format!("{name}-canary"),
    };
    // Some are as large as the API allows, and take the server ten times as long as the others.
    let largest = pick(chance, &[2, 3, 4, 6, 16]);
    let others = chance.below(largest);
    let mut rules: Vec<Value> = (0..others).map(|number| rule(chance, &pair, number, None)).collect();
    let place = usize::try_from(chance.below(others + 1)).unwrap_or_default();
    rules.insert(place, rule(chance, &pair, others, Some(Backends::Pair)));
    let hostnames: Vec<String> =
        (0..chance.below(5)).map(|host| format!("host-{host}.{name}.example.com")).collect();
    let mut spec = json!({"parentRefs": [{"name": "eg"}], "rules": rules});
    if !hostnames.is_empty() {
        spec["hostnames"] = json!(hostnames);
    }
    if chance.below(3) == 0 {
        spec["parentRefs"] = json!([
            {"name": "eg", "sectionName": "http"}, {"name": "other", "namespace": "elsewhere", "port": 8080},
        ]);
    }
    let mut metadata = json!({"name": name, "namespace": namespace});
    if chance.below(2) == 0 {
        metadata["labels"] = json!({"app.kubernetes.io/part-of": "shop", "team": "a"});
        metadata["annotations"] = json!({"example.com/note": "{\"weight\": 50}", "empty": ""});
    }
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec,
    });
    Generated { name, pair, object }
}

/// What a rule leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backends {
    /// Both of the pair and nothing else.
    Pair,
    /// Both, and others.
    Mixed,
    /// Both, which others leave nothing.
    Nothing,
    StableOnly,
    CanaryOnly,
    Foreign,
    /// One of the pair, and something else that has the name of the other.
    Namesake,
    /// Nothing: a redirect.
    Redirect,
}

const KINDS: [Backends; 8] = [
    Backends::Pair,
    Backends::Mixed,
    Backends::Nothing,
    Backends::StableOnly,
    Backends::CanaryOnly,
    Backends::Foreign,
    Backends::Namesake,
    Backends::Redirect,
];

fn rule(chance: &mut Chance, pair: &Pair, number: u64, kind: Option<Backends>) -> Value {
    let kind = kind.unwrap_or_else(|| pick(chance, &KINDS));
    let mut rule = Map::new();
    if chance.below(2) == 0 {
        rule.insert("name".into(), json!(format!("rule-{number}")));
    }
    if chance.below(4) != 0 {
        let matches: Vec<Value> = (0..=chance.below(3)).map(|place| a_match(chance, number, place)).collect();
        rule.insert("matches".into(), json!(matches));
    }
    let filters = filters(chance, kind == Backends::Redirect);
    if !filters.is_empty() {
        rule.insert("filters".into(), json!(filters));
    }
    let backends = backends(chance, pair, kind);
    if !backends.is_empty() {
        rule.insert("backendRefs".into(), json!(backends));
    }
    match chance.below(4) {
        0 => drop(rule.insert("timeouts".into(), json!({"request": "10s", "backendRequest": "2s"}))),
        1 => drop(rule.insert("timeouts".into(), json!({"request": "1m"}))),
        _ => {}
    }
    Value::Object(rule)
}

fn a_match(chance: &mut Chance, rule: u64, place: u64) -> Value {
    let kind = pick(chance, &["Exact", "PathPrefix", "RegularExpression"]);
    let value = if kind == "RegularExpression" {
        format!("/r{rule}/m{place}/[a-z]+(/.*)?")
    } else {
        format!("/r{rule}/m{place}")
    };
    let mut found = json!({"path": {"type": kind, "value": value}});
    if chance.below(3) == 0 {
        found["headers"] = json!([
            {"name": "x-tenant", "value": "a"}, {"type": "RegularExpression", "name": "x-trace", "value": "^[0-9a-f]+$"},
        ]);
    }
    if chance.below(3) == 0 {
        found["queryParams"] = json!([{"name": "debug", "value": "1"}]);
    }
    if chance.below(3) == 0 {
        found["method"] = json!(pick(chance, &METHODS));
    }
    found
}

fn filters(chance: &mut Chance, redirects: bool) -> Vec<Value> {
    let mut filters = Vec::new();
    if chance.below(3) == 0 {
        filters.push(json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {
            "set": [{"name": "x-weight", "value": "10"}], "add": [{"name": "x-more", "value": "y"}], "remove": ["x-less"],
        }}));
    }
    if chance.below(3) == 0 {
        filters.push(json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": {
            "set": [{"name": "cache-control", "value": "no-store"}],
        }}));
    }
    if redirects {
        filters.push(
            json!({"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}),
        );
    } else if chance.below(4) == 0 {
        filters.push(json!({"type": "URLRewrite", "urlRewrite": {
            "hostname": "inner.example.com", "path": {"type": "ReplaceFullPath", "replaceFullPath": "/inner"},
        }}));
    }
    if chance.below(4) == 0 {
        filters.push(json!({"type": "RequestMirror", "requestMirror": {
            "backendRef": {"name": "mirror", "port": 80}, "percent": 5,
        }}));
    }
    if chance.below(5) == 0 {
        filters.push(json!({"type": "CORS", "cors": {
            "allowOrigins": ["https://example.com"], "allowMethods": ["GET", "POST"], "maxAge": 60,
        }}));
    }
    if chance.below(5) == 0 {
        filters.push(json!({"type": "ExtensionRef", "extensionRef": {
            "group": "example.com", "kind": "RateLimit", "name": "slow",
        }}));
    }
    filters
}

fn backends(chance: &mut Chance, pair: &Pair, kind: Backends) -> Vec<Value> {
    let (stable, canary) = (&pair.stable, &pair.canary);
    let mut backends = match kind {
        Backends::Pair => match chance.below(3) {
            0 => vec![service(stable, None), service(canary, None)],
            1 => vec![service(stable, Some(1)), service(canary, Some(0))],
            _ => vec![service(stable, Some(100)), service(canary, Some(0))],
        },
        Backends::Mixed => {
            let sum = pick(chance, &SUMS);
            let mut backends = vec![service(stable, Some(sum)), service(canary, Some(0))];
            backends.extend((0..=chance.below(6)).map(|number| foreign(chance, number)));
            backends
        }
        Backends::Nothing => {
            vec![service(stable, Some(0)), service(canary, Some(0)), service("foreign-0", Some(7))]
        }
        Backends::StableOnly => vec![service(stable, weight(chance))],
        Backends::CanaryOnly => vec![service(canary, weight(chance))],
        Backends::Foreign => (0..=chance.below(15)).map(|number| foreign(chance, number)).collect(),
        Backends::Namesake => {
            let mut other = service(canary, weight(chance));
            match chance.below(2) {
                0 => other["namespace"] = json!("elsewhere"),
                _ => {
                    other["group"] = json!("example.com");
                    other["kind"] = json!("Bucket");
                }
            }
            vec![service(stable, weight(chance)), other]
        }
        Backends::Redirect => Vec::new(),
    };
    for backend in &mut backends {
        if chance.below(6) == 0 {
            backend["filters"] = json!([{"type": "RequestHeaderModifier", "requestHeaderModifier": {
                "add": [{"name": "x-backend", "value": backend["name"]}],
            }}]);
        }
    }
    if chance.below(2) == 0 {
        backends.reverse();
    }
    backends
}

fn foreign(chance: &mut Chance, number: u64) -> Value {
    let mut backend = service(&format!("foreign-{number}"), weight(chance));
    if chance.below(4) == 0 {
        backend["namespace"] = json!("elsewhere");
    }
    backend
}

fn service(name: &str, weight: Option<u64>) -> Value {
    match weight {
        Some(weight) => json!({"name": name, "port": 80, "weight": weight}),
        None => json!({"name": name, "port": 80}),
    }
}

fn weight(chance: &mut Chance) -> Option<u64> {
    (chance.below(3) != 0).then(|| chance.below(1001))
}

fn pick<T: Copy>(chance: &mut Chance, of: &[T]) -> T {
    let place = usize::try_from(chance.below(of.len() as u64)).unwrap_or_default();
    *of.get(place).expect("a place in the list")
}
