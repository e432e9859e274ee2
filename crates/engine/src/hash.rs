//! Hashes of templates and steps: of a canonical form that is ours, so that no library upgrade changes them.

use std::io::Write;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serin_api::template::RawTemplate;
use serin_api::validate::Step;

/// Part of every hash. Raise it only together with a way to recognise the hashes of earlier versions.
const VERSION: &str = "v1";

/// Letters that cannot form words, as Kubernetes uses them in names.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A digest of the canonical form of `value`: sorted keys, no nulls, no empty maps or lists.
///
/// The API server drops or adds empty values on the way, so they cannot be told apart from absent ones.
pub fn canonical_digest(value: &Value) -> u64 {
    let mut digest = Digest::default();
    // Nothing in a JSON value fails to be written, and neither does the digest.
    let _ = serde_json::to_writer(&mut digest, &Canonical(value));
    digest.0
}

/// A value that is written in its canonical form, without a copy.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let kept = map.iter().filter(|(_, value)| !is_empty(value));
                serializer.collect_map(kept.map(|(key, value)| (key, Canonical(value))))
            }
            // A list keeps its length, so that positions still count.
            Value::Array(items) => {
                let item = |item| Canonical(if is_empty(item) { &Value::Null } else { item });
                serializer.collect_seq(items.iter().map(item))
            }
            other => other.serialize(serializer),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A 64-bit FNV-1a digest of what is written to it.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl std::io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 =
            bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A 64-bit FNV-1a digest.
pub fn digest(text: &str) -> u64 {
    let mut digest = Digest::default();
    let _ = digest.write_all(text.as_bytes());
    digest.0
}

/// The identity of a template as the user wrote it, with the version of the form.
pub fn template_id(template: &RawTemplate) -> String {
    format!("{VERSION}.{:016x}", digest(template.text()))
}

/// The pod template hash: short, safe as a label value and in a name.
pub fn pod_template_hash(template: &RawTemplate, collisions: i32) -> String {
    // Asked several times in a round, and templates are long: nothing is copied.
    let mut digest = Digest::default();
    let _ = write!(digest, "{VERSION}:{}", template.text());
    if collisions > 0 {
        let _ = write!(digest, ":{collisions}");
    }
    short(digest.0)
}

/// A hash of the steps, so that an edit is seen.
pub fn steps_hash(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::SetWeight(percent) => format!("weight {percent}"),
        Step::Pause(None) => "pause".to_owned(),
        Step::Pause(Some(duration)) => format!("pause {} ms", duration.as_millis()),
    };
    let steps: Vec<String> = steps.iter().map(step).collect();
    short(digest(&format!("{VERSION}:{}", steps.join(","))))
}

fn short(folded: u64) -> String {
    let mixed = folded ^ (folded >> 32);
    // 32 bits as decimal digits, each byte replaced by a safe letter: the shape that tools expect.
    (mixed & 0xffff_ffff)
        .to_string()
        .bytes()
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hashes_are_pinned_for_good() {
        // A change here re-rolls every workload of every user at the next upgrade.
        let template = RawTemplate::new(
            &json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}),
        );
        assert_eq!(pod_template_hash(&template, 0), "5cf99c9f4c");
        assert_ne!(pod_template_hash(&template, 1), pod_template_hash(&template, 0));
        assert_eq!(template_id(&template), "v1.9625657e32a8a559");
        let steps =
            [Step::SetWeight(10), Step::Pause(None), Step::Pause(Some(jiff::SignedDuration::from_secs(10)))];
        assert_eq!(steps_hash(&steps), "7fdd4f9b58");
    }

    #[test]
    fn keys_are_sorted_whatever_the_order_they_were_written_in() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a":{"d":1,"c":2}}"#).unwrap();
        assert_eq!(
            one.to_string(),
            r#"{"a":{"c":2,"d":1},"b":1}"#,
            "serde_json's preserve_order must stay off"
        );
    }

    #[test]
    fn empty_and_absent_are_the_same_in_the_canonical_form() {
        let full = json!({"a": {"x": {"y": null}}, "b": null, "c": [], "d": [{}, 1]});
        assert_eq!(canonical_digest(&full), canonical_digest(&json!({"d": [null, 1]})));
        assert_eq!(canonical_digest(&full), digest(r#"{"d":[null,1]}"#));
        assert_ne!(canonical_digest(&full), canonical_digest(&json!({"d": [1]})));
    }
}
