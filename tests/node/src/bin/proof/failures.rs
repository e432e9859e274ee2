//! What is known of a request that failed: the gateway's own line, and what was written around that moment.

use jiff::Timestamp;
use serde_json::Value;
use serin_node::Site;
use serin_node::traffic::{Answer, agent};

/// What may have to do with it was written so many microseconds before, or after.
const BEFORE: i64 = 4_000_000;
const AFTER: i64 = 500_000;

/// How many are explained, of those that come together.
const EXPLAINED: usize = 3;

pub fn explain(site: &Site, failures: &[Answer]) {
    if failures.is_empty() {
        return;
    }
    let log = gateway_log(site);
    for failure in failures.iter().take(EXPLAINED) {
        let kind = if failure.fresh { "fresh" } else { "kept-alive" };
        println!(
            "  FAILED  request {} to {} on a {kind} connection, sent {}, after {} ms: {}",
            failure.number,
            failure.host.name(),
            clock(failure.sent),
            (failure.answered - failure.sent) / 1000,
            failure.got.as_ref().err().map_or("", String::as_str)
        );
        let mark = format!("{}\"", agent(failure.number));
        let line = log.lines().find(|line| line.contains(&mark));
        println!("    gateway: {}", line.unwrap_or("its log has no line of it"));
        for line in written_around(site, failure.sent) {
            println!("    {line}");
        }
    }
    println!("  {} requests failed in all since the last look", failures.len());
}

fn gateway_log(site: &Site) -> String {
    let arguments = [
        "logs",
        "--namespace=envoy-gateway-system",
        "--selector=app.kubernetes.io/managed-by=envoy-gateway",
        "--container=envoy",
        "--tail=200000",
        "--since=180s",
    ];
    site.kubectl(&arguments).unwrap_or_else(|error| error)
}

fn written_around(site: &Site, moment: i64) -> Vec<String> {
    let log = std::fs::read_to_string(&site.inside.audit_log).unwrap_or_default();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| brief(&line, moment)).collect()
}

/// A write near that moment, in short.
fn brief(line: &Value, moment: i64) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = text(&line["stageTimestamp"]).parse::<Timestamp>().ok()?.as_microsecond();
    let (verb, object) = (text(&line["verb"]), &line["objectRef"]);
    let kind = text(&object["resource"]);
    let reads = ["get", "list", "watch"].contains(&verb.as_str());
    if !(moment - BEFORE..moment + AFTER).contains(&at)
        || reads
        || ["events", "leases"].contains(&kind.as_str())
    {
        return None;
    }
    let answer = &line["responseObject"];
    let more = match kind.as_str() {
        "httproutes" => answer["spec"]["rules"][0]["backendRefs"].as_array().map(|backends| {
            backends.iter().map(|one| one["weight"].to_string()).collect::<Vec<_>>().join("/")
        }),
        "services" => Some(answer["spec"]["selector"].to_string()),
        "endpointslices" => answer["endpoints"].as_array().map(|endpoints| {
            let one = |one: &Value| format!("{}={}", text(&one["addresses"][0]), one["conditions"]["ready"]);
            endpoints.iter().map(one).collect::<Vec<_>>().join(" ")
        }),
        "replicasets" => Some(format!("replicas {}", answer["spec"]["replicas"])),
        _ => None,
    };
    Some(format!(
        "{} {verb} {kind}/{}{} by {} {}",
        clock(at),
        text(&object["name"]),
        object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default(),
        text(&line["user"]["username"]),
        more.unwrap_or_default()
    ))
}

fn clock(micros: i64) -> String {
    let time = Timestamp::from_microsecond(micros).map(|time| time.to_string()).unwrap_or_default();
    time.split_once('T').map_or(time.clone(), |(_, clock)| clock.to_owned())
}
