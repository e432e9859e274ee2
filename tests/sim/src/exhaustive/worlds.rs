//! The small worlds that are searched.

use std::fmt;

use crate::setting::{Setting, Trouble};
use crate::turn::Turn;

/// A Rollout and its cluster, and what happens before the search begins.
#[derive(Clone, Debug)]
pub struct SmallWorld {
    pub setting: Setting,
    pub before: Vec<Turn>,
    /// How often people ask for something else than the first update.
    pub asks: u32,
    /// Whether one thing may go wrong.
    pub can_fail: bool,
}

impl SmallWorld {
    /// A Rollout that has been deployed, of which the operator hears everything at once.
    pub fn new(replicas: u32, steps: usize, roles: bool) -> Self {
        let setting = Setting {
            restores: false,
            several: false,
            replicas,
            steps,
            roles,
            startup: 0,
            ending: 0,
            slice_lag: 0,
            gateway: None,
            troubles: Vec::new(),
        };
        Self { setting, before: Vec::new(), asks: 1, can_fail: true }
    }

    /// The same with people who ask so often for something else than the first update.
    #[must_use]
    pub fn asking(mut self, asks: u32) -> Self {
        self.asks = asks;
        self
    }

    /// The same, but nothing goes wrong.
    #[must_use]
    pub fn faultless(mut self) -> Self {
        self.can_fail = false;
        self
    }

    /// The same with watches and leaders that fail, instead of everything else.
    #[must_use]
    pub fn blind(mut self) -> Self {
        self.setting.troubles = vec![Trouble::Watches, Trouble::Leaders];
        self
    }

    /// The same from before the first deploy: that which every story begins with is deleted.
    #[must_use]
    pub fn undeployed(mut self) -> Self {
        let round = [Turn::HearAll, Turn::Reconcile, Turn::Cluster { steps: 4 }, Turn::Time { seconds: 60 }];
        self.before = vec![Turn::DeleteRollout { orphan: 0 }];
        self.before.extend([round; 4].into_iter().flatten());
        self.before.extend([Turn::CreateRollout, Turn::HearAll]);
        self
    }
}

/// All that are searched by `make sim-exhaustive`.
pub fn all() -> Vec<SmallWorld> {
    let (plain, timed) = (SmallWorld::new(1, 0, false), SmallWorld::new(1, 8, false));
    let others = [SmallWorld::new(2, 9, true), SmallWorld::new(3, 6, false), SmallWorld::new(4, 3, false)];
    let mut all = Vec::new();
    for world in [&plain, &timed].into_iter().chain(&others) {
        all.push(world.clone().asking(0).faultless());
        all.push(world.clone().asking(0).blind());
    }
    all.extend([&plain, &timed].map(|world| world.clone().faultless()));
    all.push(plain.clone().asking(0).faultless().undeployed());
    all.extend([plain, SmallWorld::new(1, 9, false)].map(|world| world.asking(0)));
    all
}

impl fmt::Display for SmallWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { replicas, steps, roles, .. } = &self.setting;
        let list = serde_json::Value::Array(self.setting.steps());
        write!(f, "replicas {replicas}, steps {steps} {list}")?;
        if *roles {
            f.write_str(", with roles")?;
        }
        write!(f, ", people ask {} times more", self.asks)?;
        if !self.can_fail {
            f.write_str(", without a fault")?;
        }
        if !self.setting.is_seen_at_once() {
            f.write_str(", blind")?;
        }
        if !self.before.is_empty() {
            f.write_str(", from before the first deploy")?;
        }
        Ok(())
    }
}
