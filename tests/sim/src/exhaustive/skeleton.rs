//! Objects and notes cut into what is the same in every run of a kind, and what only names, counts or dates it.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use jiff::Timestamp;
use serde_json::Value;
use serin_testkit::Kind;

/// What all uids of the world begin with.
const UID: &str = "00000000-0000-4000-8000-";
/// The letters of the names that the server gives, and how many of them end a name.
const SUFFIX: (&str, usize) = ("bcdfghjklmnpqrstvwxz2456789", 5);

/// A hash of 128 bits.
#[derive(Clone, Debug)]
pub struct Wide(DefaultHasher, DefaultHasher);

impl Default for Wide {
    fn default() -> Self {
        let mut second = DefaultHasher::new();
        second.write_u64(0x5e71_9000_0000_0001);
        Self(DefaultHasher::new(), second)
    }
}

impl Wide {
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    /// A text with its length, so that what follows cannot be taken for a part of it.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    pub fn number(&mut self, number: u64) {
        self.0.write_u64(number);
        self.1.write_u64(number);
    }

    pub fn finish(&self) -> u128 {
        u128::from(self.0.finish()) << 64 | u128::from(self.1.finish())
    }
}

/// One part of a skeleton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// What is meant as it is.
    Plain(u128),
    Uid(u64),
    /// A name that the server gave.
    Name(Box<str>),
    /// A version of the object with that uid.
    Version(u64, u64),
    /// A generation of the object with that uid.
    Generation(u64, i64),
    /// A request that the oracle remembers: the Rollout, the generation, when its pause had begun.
    Request(u64, i64, i64),
    /// A moment in seconds whose age counts, however great it is.
    Moment(i64),
    /// A moment that does not count any more after a minute.
    Recent(i64),
    /// When a pod was made: only which came first counts.
    Made(i64),
}

/// An object or a note, cut into tokens.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    pub tokens: Vec<Token>,
}

impl Skeleton {
    /// Of an object of that kind.
    pub fn of_object(kind: Kind, object: &Value) -> Self {
        let mut writer = Writer { kind: Some(kind), ..Writer::default() };
        writer.uid = object["metadata"]["uid"].as_str().and_then(uid).unwrap_or_default();
        writer.value("", object, false);
        writer.finish()
    }

    /// Of what `Debug` writes of a snapshot, of a process's notes, or of the oracle's. Only what is `short` is forgotten
    /// after a minute.
    pub fn of_notes(notes: &str, short: bool) -> Self {
        let mut writer = Writer { short, ..Writer::default() };
        writer.notes(notes);
        writer.finish()
    }
}

/// The number of a uid.
pub fn uid(text: &str) -> Option<u64> {
    text.strip_prefix(UID)?.parse().ok()
}

fn moment(word: &str) -> Option<i64> {
    if word.len() < 20 || !word.starts_with("20") || !word.ends_with('Z') {
        return None;
    }
    let moment: Timestamp = word.parse().ok()?;
    Some(moment.as_second())
}

fn is_given(word: &str) -> bool {
    let Some((_, suffix)) = word.rsplit_once('-') else { return false };
    let (letters, length) = SUFFIX;
    suffix.len() == length && suffix.chars().all(|letter| letters.contains(letter))
}

#[derive(Default)]
struct Writer {
    kind: Option<Kind>,
    /// The uid that versions and generations belong to.
    uid: u64,
    /// The field that is being read.
    field: String,
    /// The kind of the condition that is being read.
    condition: String,
    short: bool,
    plain: Wide,
    is_dirty: bool,
    tokens: Vec<Token>,
}

impl Writer {
    fn finish(mut self) -> Skeleton {
        self.flush();
        Skeleton { tokens: self.tokens }
    }

    fn flush(&mut self) {
        if std::mem::take(&mut self.is_dirty) {
            self.tokens.push(Token::Plain(std::mem::take(&mut self.plain).finish()));
        }
    }

    fn plain(&mut self, text: &str) {
        self.plain.text(text);
        self.is_dirty = true;
    }

    fn push(&mut self, token: Token) {
        self.flush();
        self.tokens.push(token);
    }

    /// Whether a field of an object says nothing that anybody acts on: who wrote when, addresses, since when a pod is
    /// ready where it needs no time to be available.
    fn is_idle(&self, name: &str, is_progress: bool) -> bool {
        let of_pod = self.kind == Some(Kind::Pod);
        match name {
            "time" | "fieldsV1" | "lastTransitionTime" | "podIP" | "podIPs" | "addresses" => true,
            "lastUpdateTime" => !is_progress,
            "startTime" => of_pod,
            "managedFields" => !matches!(self.kind, Some(Kind::Service | Kind::HttpRoute)),
            "creationTimestamp" => !of_pod,
            "generation" => !matches!(self.kind, Some(Kind::Rollout | Kind::ReplicaSet)),
            _ => false,
        }
    }

    fn value(&mut self, name: &str, value: &Value, is_progress: bool) {
        match value {
            Value::Object(fields) => {
                let is_progress = is_progress || fields.get("type").is_some_and(|kind| kind == "Progressing");
                self.plain("{");
                for (name, value) in fields {
                    if !self.is_idle(name, is_progress) {
                        self.plain(name);
                        self.value(name, value, is_progress);
                    }
                }
                self.plain("}");
            }
            Value::Array(items) => {
                self.plain("[");
                items.iter().for_each(|item| self.value(name, item, false));
                self.plain("]");
            }
            Value::String(text) => match name {
                "resourceVersion" => {
                    let version = text.parse().unwrap_or_default();
                    self.push(Token::Version(self.uid, version));
                }
                "creationTimestamp" => match moment(text) {
                    Some(made) => self.push(Token::Made(made)),
                    None => self.plain(text),
                },
                "deletionTimestamp" if self.kind == Some(Kind::Pod) => self.plain("deleted"),
                _ => self.notes(text),
            },
            Value::Number(number) if matches!(name, "generation" | "observedGeneration") => {
                self.push(Token::Generation(self.uid, number.as_i64().unwrap_or_default()));
            }
            other => {
                let text = other.to_string();
                self.plain(&text);
            }
        }
    }

    fn notes(&mut self, notes: &str) {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-.:_".contains(letter);
        let mut rest = notes;
        while !rest.is_empty() {
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if !word.is_empty() {
                self.word(word);
            }
            let end = after.find(is_part).unwrap_or(after.len());
            let (between, after) = after.split_at(end);
            if !between.is_empty() {
                self.plain(between);
            }
            rest = after;
        }
    }

    fn word(&mut self, word: &str) {
        if let Some(number) = uid(word.trim_end_matches(':')) {
            // In notes a version belongs to what was named last; an object's own are known before.
            if self.kind.is_none() {
                self.uid = number;
            }
            return self.push(Token::Uid(number));
        }
        if let Some(moment) = moment(word) {
            return self.moment(moment);
        }
        if let Some(field) = word.strip_suffix(':') {
            if let Ok(generation) = field.parse::<i64>()
                && self.field == "requests"
            {
                return self.push(Token::Request(self.uid, generation, i64::MIN));
            }
            field.clone_into(&mut self.field);
            self.short |= matches!(field, "recall" | "served");
            if matches!(field, "used" | "begun") {
                self.short = false;
            }
            return self.plain(word);
        }
        match (&*self.field, word.parse::<u64>()) {
            ("resource_version", Ok(version)) => return self.push(Token::Version(self.uid, version)),
            ("generation" | "observed_generation", Ok(number)) => {
                return self.push(Token::Generation(self.uid, i64::try_from(number).unwrap_or_default()));
            }
            ("kind", _) => word.clone_into(&mut self.condition),
            _ => {}
        }
        if is_given(word) {
            return self.push(Token::Name(word.into()));
        }
        self.plain(word);
    }

    fn moment(&mut self, moment: i64) {
        if let Some(Token::Request(_, _, since)) = self.tokens.last_mut()
            && *since == i64::MIN
        {
            *since = moment;
            self.is_dirty = false;
            self.plain = Wide::default();
            return;
        }
        match &*self.field {
            "created" => self.push(Token::Made(moment)),
            "last_transition_time" | "ready_since" => self.plain("since"),
            "last_update_time" if self.condition != "Progressing" => self.plain("since"),
            _ if self.short => self.push(Token::Recent(moment)),
            _ => self.push(Token::Moment(moment)),
        }
    }
}
