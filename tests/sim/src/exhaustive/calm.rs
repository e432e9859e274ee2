//! What becomes of each state when trouble ends and nobody does anything.

/// For each state the one that follows it then. Every state has one such successor at most, so all ways can be followed to
/// their ends in one pass over all states.
#[derive(Debug, Default)]
pub struct Calm {
    next: Vec<Next>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The search has not come to it.
    #[default]
    Unknown,
    End,
    State(u32),
}

impl Calm {
    /// Notes what follows a state; nothing follows one in which nothing goes on.
    pub fn note(&mut self, state: u32, next: Option<u32>) {
        let index = state as usize;
        if self.next.len() <= index {
            self.next.resize(index + 1, Next::Unknown);
        }
        self.next[index] = next.map_or(Next::End, Next::State);
    }

    /// The first state, if there is one, whose calm way never ends.
    pub fn circle(&self) -> Option<u32> {
        // By which walk each state was passed.
        let mut passed = vec![u32::MAX; self.next.len()];
        for start in 0..u32::try_from(self.next.len()).unwrap_or(u32::MAX) {
            let mut at = start;
            while let Some(before) = passed.get_mut(at as usize) {
                if *before == start {
                    return Some(start);
                }
                if *before != u32::MAX {
                    break;
                }
                *before = start;
                match self.next[at as usize] {
                    Next::State(next) => at = next,
                    Next::End | Next::Unknown => break,
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_leads_to_a_circle_is_found_and_ways_that_meet_are_none() {
        let mut calm = Calm::default();
        for (state, next) in [(0, Some(1)), (1, Some(2)), (2, None), (3, Some(1))] {
            calm.note(state, next);
        }
        assert_eq!(calm.circle(), None);
        for (state, next) in [(4, Some(5)), (5, Some(6)), (6, Some(5))] {
            calm.note(state, next);
        }
        assert_eq!(calm.circle(), Some(4));
    }
}
