//! A story, told in the simulator: what people ask for in it, and where it rests.

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_sim::{Faithful, Step};
use serin_stories::Story;
use serin_stories::judge::Violation;
use serin_stories::stage::{NAME, Stage};
use serin_stories::turn::Turn;
use serin_testkit::Kind;
use serin_testkit::world::{PERSON, Record};

use super::facts::facts;

/// A time that is further away than this is no work: the progress deadline.
const FAR: i64 = 300;

/// The longest that everything may take to rest, in rounds of operator, controllers and time.
const ROUNDS: usize = 200;

/// One thing that happens on a real cluster.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody asks the server for something. Whoever deletes a pod means the one with this number, by name.
    Asks(Box<Record>, Option<usize>),
    /// The operator's process dies and starts again.
    Crash,
    /// Everything comes to rest, with these facts.
    Rests(Value),
}

/// The objects of a story before anything has happened, as somebody would apply them.
pub fn objects(story: &Story) -> Vec<Value> {
    let stage = stage(story);
    let kinds = [Kind::Service, Kind::HttpRoute, Kind::Rollout];
    let objects = kinds.into_iter().flat_map(|kind| stage.world.all(kind));
    let applied = |object: &Value| {
        let mut object = object.clone();
        object["metadata"] = json!({ "name": object["metadata"]["name"] });
        if object["kind"] == "Service" {
            object["spec"] =
                json!({ "selector": object["spec"]["selector"], "ports": object["spec"]["ports"] });
        }
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        object
    };
    objects.map(|object| applied(&object)).collect()
}

/// Plays a story. Every `time` is a rest, after as much time as that takes; the rest of its turns are as they stand.
///
/// # Errors
/// A rule is broken, or it does not come to rest.
pub fn tell(story: &Story) -> Result<Vec<Event>, Violation> {
    let mut stage = stage(story);
    stage.judge.sees_all = true;
    let mut events = vec![Event::Rests(rest(&mut stage)?)];
    for turn in &story.turns {
        match turn {
            Turn::Time { .. } => events.push(Event::Rests(rest(&mut stage)?)),
            Turn::Crash => {
                stage.play(*turn)?;
                events.push(Event::Crash);
            }
            turn => events.extend(asked(&mut stage, *turn)?),
        }
    }
    Ok(events)
}

/// The stage of a story, with waits of a second.
fn stage(story: &Story) -> Stage {
    let mut stage = Stage::new(&story.setting, Box::new(Faithful));
    let delays = json!({"scaleDownDelaySeconds": 1, "abortScaleDownDelaySeconds": 1});
    stage.world.patch(Kind::Rollout, NAME, json!({"spec": {"strategy": {"canary": delays}}}));
    stage
}

fn asked(stage: &mut Stage, turn: Turn) -> Result<Vec<Event>, Violation> {
    drop(stage.world.take_log());
    let pods = stage.world.all(Kind::Pod);
    stage.play(turn)?;
    let asked =
        stage.world.take_log().into_iter().filter(|record| record.user == PERSON && record.is_write());
    Ok(asked
        .map(|record| {
            let number = pods
                .iter()
                .position(|pod| record.kind == Kind::Pod && pod["metadata"]["name"] == record.name.as_str());
            Event::Asks(Box::new(record), number)
        })
        .collect())
}

/// Lets operator, controllers and time go on until nothing happens any more, and tells the facts.
fn rest(stage: &mut Stage) -> Result<Value, Violation> {
    for _ in 0..ROUNDS {
        let version = stage.world.version();
        while let Some(Step::Planned | Step::Called(_)) = stage.step()? {}
        stage.cluster.settle(&mut stage.world);
        stage.leader.operator.hear_all(&stage.world);
        if stage.world.version() != version {
            continue;
        }
        let now = stage.world.now();
        match stage.leader.operator.due(&stage.world) {
            Some(due) if due <= now => {}
            Some(due) if due.duration_since(now).as_secs() < FAR => stage.world.set_now(due),
            _ => return Ok(facts(&stage.world)),
        }
        // A clock that stands still would let two plans of one moment wait for each other.
        stage.world.advance(SignedDuration::from_millis(1));
    }
    Err(Violation("it does not come to rest".to_owned()))
}
