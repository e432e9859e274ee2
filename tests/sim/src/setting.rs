//! What does not change in a story.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::gateway::GatewaySetting;
use crate::random::Random;

/// How many of the lists of steps random stories walk along.
const LISTS: u32 = 8;

/// The lists of steps that stories walk along; the last ones are for small worlds.
const STEPS: [&str; 11] = [
    "[]",
    r#"[{"setWeight":10},{"pause":{}},{"setWeight":50},{"pause":{"duration":10}}]"#,
    r#"[{"pause":{}},{"pause":{}},{"setWeight":100}]"#,
    r#"[{"setWeight":60},{"setWeight":20},{"pause":{}}]"#,
    r#"[{"setWeight":0},{"pause":{"duration":"5s"}},{"setWeight":100},{"pause":{}}]"#,
    r#"[{"pause":{}},{"setWeight":50}]"#,
    r#"[{"setWeight":100},{"setWeight":30}]"#,
    r#"[{"setWeight":25},{"pause":{"duration":1}},{"setWeight":50},{"pause":{"duration":1}},{"setWeight":75}]"#,
    r#"[{"setWeight":0},{"pause":{"duration":5}},{"setWeight":100}]"#,
    r#"[{"setWeight":50},{"pause":{}}]"#,
    r#"[{"setWeight":20},{"pause":{}},{"setWeight":60}]"#,
];

/// What may go wrong in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Watches tell late, twice, or begin anew.
    Watches,
    /// The process dies between any two calls.
    Crashes,
    /// Calls are refused, or their answers lost.
    Calls,
    /// Another process takes over, while one call of the first is still under way.
    Leaders,
    /// Clocks are set.
    Clocks,
    /// Pods fail, and are deleted by people; quotas run out.
    Pods,
    /// People and other tools change the route and the Services, or delete them.
    Traffic,
    /// People scale and delete ReplicaSets.
    Sets,
    /// An autoscaler changes the number of replicas.
    Autoscaler,
    /// People use every verb at any time; without it they only deploy and resume.
    Verbs,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Watches,
        Self::Crashes,
        Self::Calls,
        Self::Leaders,
        Self::Clocks,
        Self::Pods,
        Self::Traffic,
        Self::Sets,
        Self::Autoscaler,
        Self::Verbs,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Watches => "watches",
            Self::Crashes => "crashes",
            Self::Calls => "calls",
            Self::Leaders => "leaders",
            Self::Clocks => "clocks",
            Self::Pods => "pods",
            Self::Traffic => "traffic",
            Self::Sets => "sets",
            Self::Autoscaler => "autoscaler",
            Self::Verbs => "verbs",
        }
    }
}

/// What does not change in a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub replicas: u32,
    /// Which list of steps.
    pub steps: usize,
    /// Whether pods have metadata of their role.
    pub roles: bool,
    /// Whether the route has its own weights back at rest.
    pub restores: bool,
    /// Whether there is a second route, whose second rule is meant by its name.
    pub several: bool,
    /// Steps of the cluster until a pod is ready.
    pub startup: u32,
    /// Steps of the cluster until a pod has ended.
    pub ending: u32,
    /// Steps of the cluster until an EndpointSlice tells what is.
    pub slice_lag: u32,
    /// The gateway that carries out the routes, if there is one.
    pub gateway: Option<GatewaySetting>,
    /// Sorted.
    pub troubles: Vec<Trouble>,
}

impl Setting {
    /// Any setting, with about a third of the troubles.
    pub fn any(random: &mut Random) -> Self {
        let slow = random.once_in(3);
        // Numbers of its own, so that all else is the same with a gateway and without.
        let mut apart = random.apart();
        let gateway = GatewaySetting::any(&mut apart);
        let mut further = apart.apart();
        Self {
            gateway,
            restores: further.once_in(3),
            several: further.once_in(3),
            replicas: 1 + random.below(5),
            steps: random.below(LISTS) as usize,
            roles: random.once_in(2),
            startup: if slow { random.below(4) } else { 0 },
            ending: if slow { random.below(4) } else { 0 },
            slice_lag: if slow { random.below(4) } else { 0 },
            troubles: Trouble::ALL.into_iter().filter(|_| random.once_in(3)).collect(),
        }
    }

    pub fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }

    /// The steps, as in a manifest.
    pub fn steps(&self) -> Vec<Value> {
        steps(self.steps)
    }

    /// Whether the operator always knows the world as it is when it decides.
    pub fn is_seen_at_once(&self) -> bool {
        !self.has(Trouble::Watches) && !self.has(Trouble::Leaders)
    }
}

/// One of the lists of steps.
pub fn steps(index: usize) -> Vec<Value> {
    let text = STEPS[index % STEPS.len()];
    serde_json::from_str(text).unwrap_or(json!([])).as_array().cloned().unwrap_or_default()
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replicas, steps, roles, restores, several, startup, ending, slice_lag, gateway, troubles } =
            self;
        write!(f, "replicas {replicas}, steps {steps}, roles {roles}, startup {startup}, ending {ending}, ")?;
        write!(f, "slices {slice_lag}, ")?;
        if *restores {
            f.write_str("restores, ")?;
        }
        if *several {
            f.write_str("several, ")?;
        }
        if let Some(gateway) = gateway {
            write!(f, "gateway {gateway}, ")?;
        }
        f.write_str("troubles")?;
        troubles.iter().try_for_each(|trouble| write!(f, " {}", trouble.word()))
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = |name: &str| {
            let part = text.split(", ").find_map(|part| part.trim().strip_prefix(name));
            part.map(str::trim).ok_or_else(|| format!("no {name:?} in {text:?}"))
        };
        let number = |name: &str| {
            let text = value(name)?;
            text.parse::<u32>().map_err(|error| format!("{name} {text:?}: {error}"))
        };
        let trouble = |word: &str| {
            let found = Trouble::ALL.into_iter().find(|trouble| trouble.word() == word);
            found.ok_or_else(|| format!("no trouble is called {word:?}"))
        };
        let mut troubles: Vec<Trouble> =
            value("troubles")?.split_whitespace().map(trouble).collect::<Result<_, _>>()?;
        troubles.sort_unstable();
        let says = |word: &str| text.split(", ").any(|part| part.trim() == word);
        Ok(Self {
            replicas: number("replicas")?,
            steps: number("steps")? as usize,
            roles: value("roles")? == "true",
            restores: says("restores"),
            several: says("several"),
            startup: number("startup")?,
            ending: number("ending")?,
            slice_lag: number("slices")?,
            gateway: value("gateway").ok().map(str::parse).transpose()?,
            troubles,
        })
    }
}
