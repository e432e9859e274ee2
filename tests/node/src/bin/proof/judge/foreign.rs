//! How long the weights of another writer stood.

use crate::history::History;

/// Somebody else's share until the operator wrote its own again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// When it was written. Microseconds since 1970.
    pub since: i64,
    /// For how many microseconds it stood.
    pub stood: i64,
    /// Whether it sent requests to another version than the operator's weights did.
    pub matters: bool,
}

/// Each after that time.
pub fn foreign(history: &History, after: i64) -> Vec<Foreign> {
    let states = &history.states;
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(state) = states.get(index) {
        if state.own || state.done < after {
            index += 1;
            continue;
        }
        let back = states[index..].iter().position(|later| later.own).map(|ahead| index + ahead);
        let Some(back) = back else { break };
        let matters = states[index..back].iter().any(|state| state.stable != state.canary);
        found.push(Foreign { since: state.done, stood: states[back].done - state.done, matters });
        index = back;
    }
    found
}
