//! Which gateway carries out the routes of a story.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serin_testkit::controllers::Gateway;
use serin_testkit::controllers::gateway::{Accepts, Manner, Reports};

use crate::random::Random;

/// Every so many-th generation is one that a gateway may not accept.
const REFUSED: i64 = 3;

/// The longest that requests take to follow, in seconds. Pods that traffic has left stay for 30.
const LONGEST: u32 = 25;

/// What a gateway does with the routes that it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conduct {
    /// It accepts everything, and says so.
    Plain,
    /// It refuses every third generation.
    Refusing,
    /// It leaves the first rule of every third generation as it was.
    Partial,
    /// It reports nothing.
    Silent,
    /// It reports, but not on which generation.
    Vague,
}

impl Conduct {
    const ALL: [Self; 5] = [Self::Plain, Self::Refusing, Self::Partial, Self::Silent, Self::Vague];

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Refusing => "refusing",
            Self::Partial => "partial",
            Self::Silent => "silent",
            Self::Vague => "vague",
        }
    }
}

/// A gateway, and how many seconds requests are behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewaySetting {
    pub conduct: Conduct,
    /// Behind changes of routes.
    pub routes: u32,
    /// Behind changes of endpoints; no more than behind routes.
    pub endpoints: u32,
}

impl GatewaySetting {
    /// Any gateway, every second time.
    pub fn any(random: &mut Random) -> Option<Self> {
        if random.once_in(2) {
            return None;
        }
        let routes = if random.once_in(3) { 0 } else { random.below(LONGEST + 1) };
        let endpoints = if random.once_in(2) { routes } else { random.below(routes + 1) };
        let conduct = Conduct::ALL[random.below(8) as usize % Conduct::ALL.len()];
        Some(Self { conduct, routes, endpoints })
    }

    /// Whether it tells what it has accepted: then what counts as verified can be held against where requests go.
    pub fn tells(self) -> bool {
        matches!(self.conduct, Conduct::Plain | Conduct::Refusing | Conduct::Partial)
    }

    /// The gateway itself, which has seen nothing yet.
    pub fn gateway(self) -> Gateway {
        let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
        Gateway::new(Manner {
            reports_after: seconds(self.routes),
            routes_after: seconds(self.routes),
            endpoints_after: seconds(self.endpoints),
            accepts: match self.conduct {
                Conduct::Refusing => Accepts::AllBut(REFUSED),
                Conduct::Partial => Accepts::PartOf(REFUSED),
                Conduct::Plain | Conduct::Silent | Conduct::Vague => Accepts::All,
            },
            reports: match self.conduct {
                Conduct::Silent => Reports::Nothing,
                Conduct::Vague => Reports::Conditions,
                Conduct::Plain | Conduct::Refusing | Conduct::Partial => Reports::Generations,
            },
        })
    }

    /// Gateways that do less.
    pub fn plainer(self) -> Vec<Option<Self>> {
        let prompt = Self { routes: 0, endpoints: 0, ..self };
        let even = Self { endpoints: self.routes, ..self };
        vec![None, Some(Self { conduct: Conduct::Plain, ..self }), Some(prompt), Some(even)]
    }
}

impl fmt::Display for GatewaySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.conduct.word(), self.routes, self.endpoints)
    }
}

impl FromStr for GatewaySetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [conduct, routes, endpoints] = words[..] else {
            return Err(format!("a gateway is a word and two numbers of seconds, not {text:?}"));
        };
        let number = |text: &str| text.parse().map_err(|error| format!("gateway {text:?}: {error}"));
        let found = Conduct::ALL.into_iter().find(|known| known.word() == conduct);
        Ok(Self {
            conduct: found.ok_or_else(|| format!("no gateway is called {conduct:?}"))?,
            routes: number(routes)?,
            endpoints: number(endpoints)?,
        })
    }
}
