//! Where reality rests, the simulator rests: its controllers find nothing to do in the same world, and its operator has
//! nothing to write and no time to wait for.

use jiff::Timestamp;
use serin_testkit::{Controllers, World};

use super::facts::facts;
use super::history::History;
use super::process;

/// A verdict that is further away than this is no work: the progress deadline.
const FAR: i64 = 300;

/// Why a world is not at rest; none where it is.
pub fn unrest(log: &str, namespace: &str, rollout: &str) -> Option<String> {
    let history = History::of(log, namespace);
    let now = Timestamp::now();
    let world = || history.world(history.moments.len(), now);
    controllers(world()).or_else(|| match process::next(world(), namespace, rollout) {
        Err(write) => Some(format!("the operator has to {write}")),
        Ok(Some(due)) if due.duration_since(now).as_secs() < FAR => {
            Some(format!("the operator waits until {due}"))
        }
        Ok(_) => None,
    })
}

fn controllers(mut world: World) -> Option<String> {
    let before = facts(&world);
    Controllers::default().step(&mut world);
    let after = facts(&world);
    (before != after).then(|| {
        let writes = world.log().iter().filter(|record| record.is_write()).map(ToString::to_string);
        format!("the controllers have to {}", writes.collect::<Vec<_>>().join(", "))
    })
}
