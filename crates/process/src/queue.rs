//! Whose turn it is: which Rollouts something has happened to, which of them may not wait behind the others, and which
//! time has come for.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

/// How long something may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Until all that was there before has had its turn.
    Routine,
    /// Not behind anything of the first kind: traffic may have to be taken away from somewhere.
    Urgent,
}

/// A queue in which each key is at most once, and none is worked on twice at the same time.
///
/// `T` is a moment on a clock that nobody can set back.
#[derive(Debug)]
pub struct Queue<K, T> {
    /// How many are worked on at once.
    limit: usize,
    /// How many more of them when those are urgent: so none waits until something slow has ended.
    reserve: usize,
    urgent: VecDeque<K>,
    routine: VecDeque<K>,
    places: HashMap<K, Place>,
    busy: usize,
    /// When to wake which key, and the same by key.
    timers: BTreeSet<(T, K)>,
    timed: HashMap<K, T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting(Urgency),
    /// It is worked on, and has to be again if it was woken meanwhile.
    Busy(Option<Urgency>),
}

impl<K: Clone + Eq + Hash + Ord, T: Copy + Ord> Queue<K, T> {
    /// An empty queue.
    pub fn new(limit: usize, reserve: usize) -> Self {
        Self {
            limit,
            reserve,
            urgent: VecDeque::new(),
            routine: VecDeque::new(),
            places: HashMap::new(),
            busy: 0,
            timers: BTreeSet::new(),
            timed: HashMap::new(),
        }
    }

    /// Something has happened to a key.
    pub fn wake(&mut self, key: K, urgency: Urgency) {
        match self.places.get_mut(&key) {
            Some(Place::Busy(again)) => *again = (*again).max(Some(urgency)),
            Some(Place::Waiting(before)) if *before >= urgency => {}
            // Its place among the others is passed over when it comes up there.
            _ => {
                self.places.insert(key.clone(), Place::Waiting(urgency));
                self.line(urgency).push_back(key);
            }
        }
    }

    /// The next key to work on, if there is one and not too many are worked on.
    pub fn next(&mut self, now: T) -> Option<K> {
        self.wake_due(now);
        let urgency = if self.busy < self.limit + self.reserve && self.first(Urgency::Urgent) {
            Urgency::Urgent
        } else if self.busy < self.limit && self.first(Urgency::Routine) {
            Urgency::Routine
        } else {
            return None;
        };
        let key = self.line(urgency).pop_front()?;
        self.places.insert(key.clone(), Place::Busy(None));
        self.stop_timer(&key);
        self.busy += 1;
        Some(key)
    }

    /// The work on a key has ended. It has another turn at that time at the latest, if there is one.
    pub fn done(&mut self, key: K, again_at: Option<T>) {
        let Some(Place::Busy(woken)) = self.places.remove(&key) else { return };
        self.busy -= 1;
        if let Some(at) = again_at {
            self.timers.insert((at, key.clone()));
            self.timed.insert(key.clone(), at);
        }
        if let Some(urgency) = woken {
            self.wake(key, urgency);
        }
    }

    /// When the first key is woken by nothing but the time.
    pub fn due(&self) -> Option<T> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether nothing is worked on.
    pub fn is_idle(&self) -> bool {
        self.busy == 0
    }

    fn wake_due(&mut self, now: T) {
        while let Some((at, key)) = self.timers.first().cloned().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, key.clone()));
            self.timed.remove(&key);
            self.wake(key, Urgency::Routine);
        }
    }

    fn stop_timer(&mut self, key: &K) {
        if let Some(at) = self.timed.remove(key) {
            self.timers.remove(&(at, key.clone()));
        }
    }

    /// Whether somebody waits in a line. Those that have gone over to the other one, or had their turn, are no longer in it.
    fn first(&mut self, urgency: Urgency) -> bool {
        while let Some(key) = self.line(urgency).front().cloned() {
            if self.places.get(&key) == Some(&Place::Waiting(urgency)) {
                return true;
            }
            self.line(urgency).pop_front();
        }
        false
    }

    fn line(&mut self, urgency: Urgency) -> &mut VecDeque<K> {
        match urgency {
            Urgency::Routine => &mut self.routine,
            Urgency::Urgent => &mut self.urgent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Urgency::{Routine, Urgent};
    use super::*;

    fn queue(limit: usize, reserve: usize) -> Queue<&'static str, u64> {
        Queue::new(limit, reserve)
    }

    fn all(queue: &mut Queue<&'static str, u64>, now: u64) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.next(now)).collect()
    }

    #[test]
    fn each_has_its_turn_once_in_the_order_in_which_they_came() {
        let mut queue = queue(9, 0);
        for key in ["b", "a", "b", "c", "a"] {
            queue.wake(key, Routine);
        }
        assert_eq!(all(&mut queue, 0), ["b", "a", "c"]);
    }

    #[test]
    fn what_is_urgent_goes_first_also_when_it_waited_as_routine_before() {
        let mut queue = queue(9, 0);
        for key in ["a", "b", "c"] {
            queue.wake(key, Routine);
        }
        queue.wake("c", Urgent);
        queue.wake("d", Urgent);
        queue.wake("c", Routine);
        assert_eq!(all(&mut queue, 0), ["c", "d", "a", "b"]);
    }

    #[test]
    fn no_more_are_worked_on_than_the_limit_and_the_reserve_is_for_what_is_urgent() {
        let mut queue = queue(2, 1);
        for key in ["a", "b", "c"] {
            queue.wake(key, Routine);
        }
        assert_eq!(all(&mut queue, 0), ["a", "b"]);
        queue.wake("d", Urgent);
        queue.wake("e", Urgent);
        assert_eq!(all(&mut queue, 0), ["d"]);
        queue.done("a", None);
        assert_eq!(all(&mut queue, 0), ["e"]);
        for key in ["b", "d"] {
            queue.done(key, None);
        }
        assert_eq!(all(&mut queue, 0), ["c"]);
        assert!(!queue.is_idle());
        for key in ["c", "e"] {
            queue.done(key, None);
        }
        assert!(queue.is_idle());
    }

    #[test]
    fn nobody_is_worked_on_twice_at_once_and_what_happens_meanwhile_is_not_lost() {
        let mut queue = queue(9, 0);
        queue.wake("a", Routine);
        assert_eq!(queue.next(0), Some("a"));
        queue.wake("a", Urgent);
        queue.wake("a", Routine);
        queue.wake("b", Routine);
        assert_eq!(all(&mut queue, 0), ["b"]);
        queue.wake("c", Routine);
        queue.done("a", None);
        assert_eq!(all(&mut queue, 0), ["a", "c"]);
        queue.done("a", None);
        assert_eq!(queue.next(0), None);
    }

    #[test]
    fn the_time_wakes_too_and_a_turn_before_it_takes_its_place() {
        let mut queue = queue(9, 0);
        queue.wake("a", Routine);
        assert_eq!(queue.next(0), Some("a"));
        queue.done("a", Some(10));
        assert_eq!((queue.next(9), queue.due()), (None, Some(10)));
        assert_eq!((queue.next(10), queue.due()), (Some("a"), None));
        queue.done("a", Some(20));
        queue.wake("a", Routine);
        assert_eq!(queue.next(11), Some("a"));
        queue.done("a", None);
        assert_eq!((queue.next(20), queue.due()), (None, None));
    }

    #[test]
    fn an_end_of_work_that_nobody_began_changes_nothing() {
        let mut queue = queue(1, 0);
        queue.done("a", Some(1));
        assert_eq!((queue.next(1), queue.is_idle()), (None, true));
    }
}
