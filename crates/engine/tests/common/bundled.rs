//! The decision of a world as a bundle, made again from its text.

use std::sync::Arc;

use jiff::Timestamp;
use serin_api::Names;
use serin_engine::bundle::{Bundle, Program};
use serin_engine::{Objects, Recall, observe, plan};

/// The text of the bundle, after it was seen to tell the plan that an operator without memory makes, word for word.
pub fn bundled(objects: &Objects, now: Timestamp) -> String {
    let names = Arc::new(Names::default());
    let program = Program { version: "0.0.0".into(), commit: None };
    let bundle = Bundle::of(objects, &names, program, now);
    let text = serde_json::to_string_pretty(&bundle).expect("JSON");
    let read = Bundle::read(&text).expect("a bundle");
    assert_eq!(read, bundle, "written and read again");

    let replayed = read.replay(None).expect("a plan");
    assert_eq!(replayed.record.differences(&bundle.plan), Vec::<&str>::new(), "{text}");
    assert_eq!(replayed.record, bundle.plan);
    let made = plan(&observe(objects, &names, &Recall::default()), now);
    let words = |plan: &serin_engine::Plan| plan.actions.iter().map(|a| a.describe()).collect::<Vec<_>>();
    assert_eq!(words(&replayed.plan), words(&made), "the bundle's own record");
    assert_eq!((replayed.plan.status, replayed.plan.events), (made.status, made.events));
    text
}
