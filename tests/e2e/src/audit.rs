//! The API server's audit log: every write, by whom, with its body, in order.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

/// One write that the server carried out.
#[derive(Clone, Debug)]
pub struct Write {
    pub user: String,
    pub verb: String,
    /// With its subresource, as in `rollouts/status`.
    pub resource: String,
    pub name: String,
    pub body: Value,
    /// The object after the write.
    pub object: Value,
}

impl Write {
    /// In short: `patch httproutes/route`.
    pub fn brief(&self) -> String {
        format!("{} {}/{}", self.verb, self.resource, self.name)
    }

    /// The canary's weight that it wrote, if it wrote weights.
    pub fn canary_weight(&self) -> Option<i64> {
        let route = (self.resource == "httproutes").then_some(&self.object)?;
        route["spec"]["rules"][0]["backendRefs"][1]["weight"].as_i64()
    }

    /// The revision that it let a Service select, if it wrote a selector.
    pub fn selected(&self) -> Option<&str> {
        let service = (self.resource == "services").then_some(&self.object)?;
        service["spec"]["selector"]["rollouts-pod-template-hash"].as_str()
    }
}

/// Reads the log of all tests on and on, and keeps the lines of one of them.
#[derive(Debug, Default)]
pub struct Tail {
    read: u64,
    kept: String,
}

impl Tail {
    /// All lines so far that speak of a namespace.
    pub fn read(&mut self, log: &Path, namespace: &str) -> String {
        let mark = format!("\"namespace\":\"{namespace}\"");
        let mut file = File::open(log).expect("the audit log");
        file.seek(SeekFrom::Start(self.read)).expect("a place in the audit log");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the rest of the audit log");
        // The last line may still be on its way.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        let text = String::from_utf8_lossy(&bytes[..whole]);
        for line in text.lines().filter(|line| line.contains(&mark)) {
            self.kept.push_str(line);
            self.kept.push('\n');
        }
        self.kept.clone()
    }
}

/// The writes of a namespace's operator that succeeded, without Events and leases.
pub fn writes(log: &Path, namespace: &str) -> Vec<Write> {
    let text = std::fs::read_to_string(log).expect("the audit log");
    let operator = format!("system:serviceaccount:{namespace}:serin");
    // To parse only the lines that matter: the log is that of all tests.
    let lines = text.lines().filter(|line| line.contains(&operator));
    let entries = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries
        .filter(|entry| entry["user"]["username"] == operator.as_str())
        .filter(|entry| entry["responseStatus"]["code"].as_i64().is_some_and(|code| code < 300))
        .filter(|entry| matches!(entry["verb"].as_str(), Some("create" | "patch" | "update" | "delete")))
        .filter(|entry| !entry["requestURI"].as_str().unwrap_or_default().contains("dryRun"))
        .map(|entry| write(&entry))
        .filter(|write| write.resource != "events" && write.resource != "leases")
        .collect()
}

fn write(entry: &Value) -> Write {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &entry["objectRef"];
    let subresource = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
    let response = entry["responseObject"].clone();
    let name =
        object["name"].as_str().or(response["metadata"]["name"].as_str()).unwrap_or_default().to_owned();
    Write {
        user: text(&entry["user"]["username"]),
        verb: text(&entry["verb"]),
        resource: format!("{}{subresource}", text(&object["resource"])),
        name,
        body: entry["requestObject"].clone(),
        object: response,
    }
}
