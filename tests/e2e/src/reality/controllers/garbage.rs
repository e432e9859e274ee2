//! The garbage collector.

use serin_testkit::world::Verb;
use serin_testkit::{Controllers, Kind};

use super::{Write, told};
use crate::reality::alike::difference;
use crate::reality::history::TOLD;

pub fn made(write: &Write) -> Result<usize, String> {
    let (verb, resource, _) = write.request();
    let (verb, resource) = (verb.to_owned(), resource.to_owned());
    let kind = TOLD.into_iter().find(|kind| kind.plural() == resource).unwrap_or(Kind::Pod);
    let stale: [&[Kind]; 4] = [&TOLD, &[Kind::Service], &[Kind::ReplicaSet], &[Kind::Rollout]];
    write.of_any_world(&stale, |mut world| {
        drop(world.take_log());
        Controllers::default().garbage.step(&mut world);
        let records = world.take_log();
        if verb == "delete" {
            let asked = &write.entry.line["requestObject"]["propagationPolicy"];
            let is_same = |record: &&serin_testkit::world::Record| {
                record.verb == Verb::Delete
                    && record.kind == kind
                    && record.name == write.name()
                    && record.body["propagationPolicy"] == *asked
            };
            return records.iter().find(is_same).map(drop).ok_or_else(|| told(&records));
        }
        // What it lets go of, or lets go.
        let model = world.find(kind, &write.place()).cloned().unwrap_or_default();
        let after = write.metadata();
        ["ownerReferences", "finalizers"]
            .iter()
            .find_map(|field| difference(&model["metadata"][*field], &after[*field]))
            .map_or(Ok(()), Err)
    })
}
