//! Makes a story that fails as short and as plain as it can be while it still fails.

use crate::setting::{Setting, Trouble};
use crate::story::Story;
use crate::turn::Turn;

/// The shortest story found for which `fails` holds. Tries at most so many stories.
pub fn shrink(story: &Story, mut tries: usize, fails: &mut dyn FnMut(&Story) -> bool) -> Story {
    let mut best = story.clone();
    let mut attempt = |best: &mut Story, candidate: Story, tries: &mut usize| {
        if *tries == 0 || candidate == *best {
            return false;
        }
        *tries -= 1;
        let shorter = fails(&candidate);
        if shorter {
            *best = candidate;
        }
        shorter
    };
    loop {
        let before = best.clone();
        let mut chunk = (best.turns.len() / 2).max(1);
        loop {
            let mut from = 0;
            while from < best.turns.len() {
                let mut candidate = best.clone();
                candidate.turns.drain(from..(from + chunk).min(candidate.turns.len()));
                if !attempt(&mut best, candidate, &mut tries) {
                    from += chunk;
                }
            }
            if chunk == 1 {
                break;
            }
            chunk /= 2;
        }
        let mut index = 0;
        while let Some(setting) = plainer(&best).into_iter().nth(index) {
            let candidate = Story { setting, turns: best.turns.clone() };
            if !attempt(&mut best, candidate, &mut tries) {
                index += 1;
            }
        }
        if best == before || tries == 0 {
            return best;
        }
    }
}

/// Settings with one thing less.
fn plainer(story: &Story) -> Vec<Setting> {
    let setting = &story.setting;
    let is_clock = |turn: &Turn| matches!(turn, Turn::ClockAhead { .. } | Turn::ClockBehind { .. });
    let clocks_are_set = story.turns.iter().any(is_clock);
    let mut plainer = Vec::new();
    for index in 0..setting.troubles.len() {
        // Who judges has to know.
        if setting.troubles[index] == Trouble::Clocks && clocks_are_set {
            continue;
        }
        let mut without = setting.clone();
        without.troubles.remove(index);
        plainer.push(without);
    }
    plainer.push(Setting { roles: false, ..setting.clone() });
    plainer.push(Setting { restores: false, ..setting.clone() });
    plainer.push(Setting { several: false, ..setting.clone() });
    plainer.push(Setting { startup: 0, ..setting.clone() });
    plainer.push(Setting { ending: 0, ..setting.clone() });
    plainer.push(Setting { slice_lag: 0, ..setting.clone() });
    for gateway in setting.gateway.iter().flat_map(|gateway| gateway.plainer()) {
        plainer.push(Setting { gateway, ..setting.clone() });
    }
    for replicas in 1..setting.replicas {
        plainer.push(Setting { replicas, ..setting.clone() });
    }
    for steps in 0..setting.steps {
        plainer.push(Setting { steps, ..setting.clone() });
    }
    plainer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_makes_a_story_fail_is_left() {
        let story = Story::of(7, 200);
        let mut turns = story.turns.clone();
        turns.insert(turns.len() / 3, Turn::Abort);
        turns.insert(turns.len() / 2, Turn::PromoteFull);
        let story = Story { turns, ..story };
        let mut fails =
            |story: &Story| story.turns.contains(&Turn::Abort) && story.turns.contains(&Turn::PromoteFull);
        let shortest = shrink(&story, 10_000, &mut fails);
        assert_eq!(shortest.turns.len(), 2, "{shortest}");
        assert!(shortest.setting.troubles.is_empty());
    }
}
