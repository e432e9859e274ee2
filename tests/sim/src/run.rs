//! Plays a story from its first deploy to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serin_sim::{Decorate, Faithful};

use crate::coverage::Coverage;
use crate::judge::Violation;
use crate::stage::Stage;
use crate::story::Story;

/// How a story ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub violation: Option<Violation>,
    pub coverage: Coverage,
    /// The version of the world and its time at the end: the same in every run of the story.
    pub end: (u64, String),
    pub trace: Vec<String>,
}

/// Plays a story with the operator as it is.
pub fn play(story: &Story) -> Outcome {
    play_with(story, Box::new(Faithful), false)
}

/// Plays a story with an operator that has a defect; `trace` writes down what happens.
pub fn play_with(story: &Story, decorate: Box<dyn Decorate>, trace: bool) -> Outcome {
    let mut stage = Stage::new(&story.setting, decorate);
    stage.judge.trace = trace.then(Vec::new);
    let played = catch_unwind(AssertUnwindSafe(|| through(&mut stage, story)));
    let violation = match played {
        Ok(outcome) => outcome.err(),
        Err(panic) => Some(Violation(format!("panicked: {}", message(&*panic)))),
    };
    let end = (stage.world.version(), stage.world.now().to_string());
    let trace = stage.judge.trace.take().unwrap_or_default();
    Outcome { violation, coverage: stage.judge.coverage, end, trace }
}

fn through(stage: &mut Stage, story: &Story) -> Result<(), Violation> {
    // The first deploy is quick, so that stories are about what follows; a story that deletes the Rollout deploys
    // again among its troubles.
    let sees_all = std::mem::replace(&mut stage.judge.sees_all, true);
    stage.deploy()?;
    stage.judge.sees_all = sees_all;
    for turn in &story.turns {
        stage.play(*turn)?;
    }
    stage.end()
}

pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
