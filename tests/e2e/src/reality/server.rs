//! The server: every request that the simulator's can read, made of it in the same world.

use serde_json::Value;
use serin_testkit::world::Failure;
use serin_testkit::{Kind, Request, World};

use super::Report;
use super::alike::{created, difference, has_not_started, lack, stored};
use super::history::{History, TOLD, moment};
use crate::replay::entry::{Effect, Entry};

const PART: &str = "server";

pub fn check(history: &History, report: &mut Report) {
    for (index, moment) in history.moments.iter().enumerate() {
        let entry = &moment.entry;
        let Some(request) = request(&entry.line) else { continue };
        let wrong_in = |index: usize| {
            let mut world = history.world(index, entry.at);
            let answer = world.request(request.clone());
            wrong_code(&answer, &entry.line).or_else(|| wrong_effect(&world, &answer, entry))
        };
        report.count(PART, 0);
        let Some(difference) = wrong_in(index) else { continue };
        // The log does not tell exactly when something was removed, or a pod was bound.
        let is_open = match &entry.effect {
            Effect::Remove(..) => true,
            Effect::Put(_, object) => has_not_started(object),
            _ => false,
        };
        if !is_open || history.between(entry.at, moment.done).all(|index| wrong_in(index).is_some()) {
            report.refuse(PART, history, index, &difference);
        }
    }
    for line in &history.idle {
        let (Some(request), Some(begin)) = (request(line), moment(&line["requestReceivedTimestamp"])) else {
            continue;
        };
        let end = moment(&line["stageTimestamp"]).unwrap_or(begin);
        let wrong_in = |index: usize| {
            let answer = history.world(index, begin).request(request.clone());
            wrong_code(&answer, line).or_else(|| wrong_answer(&answer, line))
        };
        report.count(PART, 0);
        let differences: Option<Vec<String>> = history.between(begin, end).map(wrong_in).collect();
        if let Some(differences) = differences {
            report.refused.push(format!(
                "{PART}: {} {} (auditID {}): {}\n  asked: {}",
                line["verb"],
                line["requestURI"],
                line["auditID"],
                differences.first().map_or("", String::as_str),
                line["requestObject"]
            ));
        }
    }
}

/// The request that a line tells of; none where the log leaves open what was asked, or the simulator's server does not
/// speak the language: the log does not name the kind of a patch, and people and nodes also send strategic ones.
pub fn request(line: &Value) -> Option<Request> {
    // What was looked up beside the log was no request.
    let path = line["requestURI"].as_str().filter(|path| *path != "/")?;
    let object = &line["objectRef"];
    let subresource = object["subresource"].as_str();
    if !TOLD.iter().any(|kind| object["resource"] == kind.plural())
        || !matches!(subresource, None | Some("status" | "eviction"))
    {
        return None;
    }
    let body = line["requestObject"].clone();
    let custom = ["rollouts", "httproutes"].iter().any(|resource| object["resource"] == *resource);
    let request = match line["verb"].as_str()? {
        "create" => Request::post(path, body),
        "update" => Request::put(path, body),
        "delete" => Request::delete(path, body),
        "patch" if body.is_array() => Request::json_patch(path, body),
        "patch" if custom => Request::merge_patch(path, body),
        _ => return None,
    };
    Some(request.by(line["user"]["username"].as_str()?))
}

type Answer<'a> = &'a Result<Value, Failure>;

fn wrong_code(answer: Answer, line: &Value) -> Option<String> {
    let real = line["responseStatus"]["code"].as_u64().unwrap_or(0);
    match answer {
        Ok(_) if (200..300).contains(&real) => None,
        Err(failure) if u64::from(failure.code()) == real => None,
        Ok(_) => Some(format!("answered with {real}, which the simulator carries out")),
        Err(failure) => Some(format!("answered with {real}, which the simulator refuses: {failure:?}")),
    }
}

/// Compares the answers to a request that changes nothing.
fn wrong_answer(answer: Answer, line: &Value) -> Option<String> {
    let Ok(model) = answer else { return None };
    let real = &line["responseObject"];
    let is_new = line["verb"] == "create";
    if is_new { lack(&created(model), real) } else { difference(&stored(model), &stored(real)) }
}

fn wrong_effect(world: &World, answer: Answer, entry: &Entry) -> Option<String> {
    let place = |object: &Value| {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("namespace"), text("name"))
    };
    let find = |kind: Kind, name: &str| world.find(kind, name);
    match &entry.effect {
        Effect::Put(_, real) if entry.line["verb"] == "create" => {
            answer.as_ref().ok().and_then(|model| lack(&created(model), real))
        }
        Effect::Put(kind, real) => match find(*kind, &place(real)) {
            Some(model) => difference(&stored(model), &stored(real)),
            None => Some("is gone in the simulator, and stays in reality".to_owned()),
        },
        Effect::Relabel(kind, metadata) => {
            let real = serde_json::json!({ "metadata": metadata });
            match find(*kind, &place(&real)) {
                Some(model) => difference(&stored(model)["metadata"], &stored(&real)["metadata"]),
                None => Some("is gone in the simulator, and stays in reality".to_owned()),
            }
        }
        // A write that meets a deletion half done completes it, and the half has no line of its own.
        Effect::Remove(..)
            if entry.line["verb"] != "delete" && entry.line["responseObject"]["kind"] == "Pod" =>
        {
            None
        }
        Effect::Remove(kind, name, _) => {
            let found = find(*kind, &format!("{}/{name}", entry.namespace));
            found.map(|_| "stays in the simulator, and is gone in reality".to_owned())
        }
        Effect::Scale(..) | Effect::Bind(..) | Effect::Evict(..) | Effect::Doubt(..) => None,
    }
}
