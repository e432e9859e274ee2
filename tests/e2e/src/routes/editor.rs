//! Somebody who edits routes all the time, everywhere but in the weights of the pair, and who remembers every edit.

use serde_json::{Value, json};

use super::canonical::canonical;
use super::generate::Generated;
use crate::Chance;
use crate::api::{Api, Language};

/// How often a write of the whole object is tried: each time somebody else was quicker.
const TRIES: usize = 20;
/// The limit of the API.
const RULES: usize = 16;

/// How many edits were made, and how often one had to be made again because somebody else was quicker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    pub made: usize,
    pub repeated: usize,
}

/// The editor of one route.
pub struct Editor<'r> {
    route: &'r Generated,
    /// The route as it has to be, without our weights.
    wanted: Value,
    number: usize,
    pub edits: Edits,
}

impl<'r> Editor<'r> {
    /// Of a route that the server has created.
    pub fn new(route: &'r Generated, created: &Value) -> Self {
        let wanted = canonical(created, &route.pair);
        Self { route, wanted, number: 0, edits: Edits::default() }
    }

    /// The route's name.
    pub fn name(&self) -> &str {
        &self.route.name
    }

    /// What the route lacks or has too much, if it is not as this editor has left it.
    pub fn lost(&self, present: &Value) -> Option<String> {
        let found = canonical(present, &self.route.pair);
        (found != self.wanted)
            .then(|| format!("{} is {found:#}\nand has to be {:#}", self.route.name, self.wanted))
    }

    /// Makes one edit.
    ///
    /// # Errors
    /// The route is not as the last edit has left it.
    pub fn edit(&mut self, api: &Api, chance: &mut Chance) -> Result<(), String> {
        self.number += 1;
        if chance.below(3) == 0 {
            return self.annotate(api);
        }
        for _ in 0..TRIES {
            let mut present = self.present(api)?;
            let edit = Edit::any(chance, self.number);
            edit.apply(&mut present, self.route);
            match api.update("httproutes", &present) {
                Ok(written) => {
                    edit.apply(&mut self.wanted, self.route);
                    self.edits.made += 1;
                    return self.lost(&written).map_or(Ok(()), |lost| Err(format!("after {edit:?}: {lost}")));
                }
                Err(refusal) if refusal.code == 409 => self.edits.repeated += 1,
                Err(refusal) => return Err(format!("{edit:?} of {}: {refusal:?}", self.route.name)),
            }
        }
        Err(format!("{} cannot be edited: somebody else was quicker {TRIES} times", self.route.name))
    }

    /// The route as it is now, which has to be as it was left.
    fn present(&self, api: &Api) -> Result<Value, String> {
        let present = api.get("httproutes", &self.route.name).ok_or("the route is gone")?;
        self.lost(&present).map_or(Ok(present), Err)
    }

    /// An edit of one annotation, which needs no version.
    fn annotate(&mut self, api: &Api) -> Result<(), String> {
        let patch =
            json!({"metadata": {"annotations": {"editor.example.com/last": self.number.to_string()}}});
        let written = api.patch("httproutes", &self.route.name, Language::Merge, &patch);
        json_patch::merge(&mut self.wanted, &patch);
        self.edits.made += 1;
        match written.map(|written| self.lost(&written)) {
            Ok(None) => Ok(()),
            Ok(Some(lost)) => Err(format!("after an annotation: {lost}")),
            Err(refusal) => Err(format!("annotate {}: {refusal:?}", self.route.name)),
        }
    }
}

/// The backends of a rule. One that has none gets no empty list, either.
fn backends(rule: &mut Value) -> Option<&mut Vec<Value>> {
    rule.get_mut("backendRefs")?.as_array_mut()
}

/// A change of the whole object. It does the same to the route and to what is remembered of it.
#[derive(Clone, Debug)]
enum Edit {
    Label(String),
    Hostnames(Vec<String>),
    /// A rule before all others, so that ours have other numbers; or the removal of one, where there is no room.
    FirstRule(String),
    /// The order of the backends in every rule.
    Turn,
    /// Header, timeout and port of every rule of the pair.
    Around(String),
    /// The weights of all backends that are not ours.
    ForeignWeights(u64),
}

impl Edit {
    fn any(chance: &mut Chance, number: usize) -> Self {
        match chance.below(6) {
            0 => Self::Label(format!("edit-{number}")),
            1 => Self::Hostnames(
                (0..=chance.below(3)).map(|host| format!("h{host}-{number}.example.com")).collect(),
            ),
            2 => Self::FirstRule(format!("editors-{number}")),
            3 => Self::Turn,
            4 => Self::Around(number.to_string()),
            _ => Self::ForeignWeights(chance.below(1000)),
        }
    }

    fn apply(&self, object: &mut Value, route: &Generated) {
        match self {
            Self::Label(value) => object["metadata"]["labels"]["editor"] = json!(value),
            Self::Hostnames(hosts) => object["spec"]["hostnames"] = json!(hosts),
            Self::FirstRule(name) => {
                let Some(rules) = object["spec"]["rules"].as_array_mut() else { return };
                let is_editors =
                    |rule: &Value| rule["name"].as_str().is_some_and(|name| name.starts_with("editors-"));
                if rules.len() == RULES || rules.iter().filter(|rule| is_editors(rule)).count() > 2 {
                    if let Some(place) = rules.iter().rposition(is_editors) {
                        rules.remove(place);
                    }
                    return;
                }
                rules.insert(
                    0,
                    json!({
                        "name": name, "matches": [{"path": {"type": "Exact", "value": format!("/{name}")}}],
                        "backendRefs": [
                            {"group": "", "kind": "Service", "name": route.pair.stable, "port": 80, "weight": 3},
                        ],
                    }),
                );
            }
            Self::Turn => {
                for rule in object["spec"]["rules"].as_array_mut().into_iter().flatten() {
                    if let Some(backends) = backends(rule) {
                        backends.reverse();
                    }
                }
            }
            Self::Around(value) => {
                for rule in object["spec"]["rules"].as_array_mut().into_iter().flatten() {
                    for place in route.pair.places(rule).into_iter().flatten() {
                        rule["backendRefs"][place]["filters"] = json!([{
                            "type": "RequestHeaderModifier",
                            "requestHeaderModifier": {"set": [{"name": "x-edit", "value": value}]},
                        }]);
                        rule["backendRefs"][place]["port"] = json!(8000 + value.len());
                        rule["timeouts"] = json!({"request": "30s", "backendRequest": "3s"});
                    }
                }
            }
            Self::ForeignWeights(weight) => {
                for rule in object["spec"]["rules"].as_array_mut().into_iter().flatten() {
                    let ours = route.pair.places(rule);
                    let backends = backends(rule).into_iter().flatten();
                    let is_ours = |place: usize| ours.is_some_and(|ours| ours.contains(&place));
                    for (_, backend) in backends.enumerate().filter(|(place, _)| !is_ours(*place)) {
                        backend["weight"] = json!(weight);
                    }
                }
            }
        }
    }
}
