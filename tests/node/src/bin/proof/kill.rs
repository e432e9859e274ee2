//! The operator's leader is killed (SIGKILL) at a random moment of a canary.

use std::sync::Mutex;
use std::time::Duration;

use serin_node::Site;
use serin_node::site::PATIENCE;
use serin_node::traffic::now;

use crate::chance::Chance;
use crate::scenes::{Request, Scenes};

/// So long after a request the operator is done with it at the latest; so the moments are drawn from what comes before.
const BUSY_MILLIS: u64 = 4000;

/// From a kill until another process led. Microseconds since 1970.
#[derive(Clone, Debug)]
pub struct Kill {
    pub after: &'static str,
    pub millis: u64,
    pub at: i64,
    pub led_again: i64,
}

/// A whole canary with one kill in it.
pub fn canary(scenes: &Scenes<'_>, chance: &mut Chance) -> Kill {
    let drawn = usize::try_from(chance.below(Request::ALL.len() as u64)).unwrap_or_default();
    let (request, millis) = (Request::ALL[drawn], chance.below(BUSY_MILLIS));
    let (site, kill) = (scenes.site, Mutex::new(None));
    std::thread::scope(|scope| {
        scenes.canary(&|made| {
            if made == request {
                scope.spawn(|| *kill.lock().unwrap() = Some(kill_leader(site, request, millis)));
            }
        });
    });
    kill.into_inner().unwrap().expect("a canary makes all requests")
}

fn kill_leader(site: &Site, request: Request, millis: u64) -> Kill {
    // Found before, which takes a while.
    let (leader, holder) = (site.leader().expect("a leader"), site.holder());
    std::thread::sleep(Duration::from_millis(millis));
    site.kill(&leader);
    let at = now();
    while [String::new(), holder.clone()].contains(&site.holder()) {
        let waited = Duration::from_micros(u64::try_from(now() - at).unwrap_or_default());
        assert!(waited < PATIENCE, "nobody leads after {waited:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let after = match request {
        Request::Template => "a new template",
        Request::FirstResume => "the first resume",
        Request::LastResume => "the last resume",
    };
    Kill { after, millis, at, led_again: now() }
}
