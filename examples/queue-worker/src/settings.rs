//! What the pod's labels tell the application.
//!
//! The downward API writes labels (and annotations) one to a line, as `key="value"` with the escapes of Go's `%q`. The
//! crate `config` does not know that format, so it is taught here; everything else (types, names, which label is
//! missing) is `config` and `serde` as in any other application.

use std::error::Error;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Format, Map, Source, Value};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};

/// What a worker needs to know. All of it comes from one file, which is replaced as a whole: a role is never seen
/// together with the queue of another one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    #[serde(deserialize_with = "not_empty")]
    pub role: String,
    #[serde(deserialize_with = "not_empty")]
    pub rabbit_host: String,
    #[serde(deserialize_with = "port")]
    pub rabbit_port: u16,
    #[serde(deserialize_with = "not_empty")]
    pub rabbit_queue: String,
}

/// What is left of it in an application without a queue.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct RoleOnly {
    #[serde(deserialize_with = "not_empty")]
    pub role: String,
}

/// Names the file and, where there is one, the label.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct SettingsError {
    file: PathBuf,
    reason: String,
}

/// Reads the file once.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T, SettingsError> {
    Config::builder()
        .add_source(LabelsFile(file.to_owned()))
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error| SettingsError { file: file.to_owned(), reason: in_terms_of_labels(error) })
}

fn in_terms_of_labels(error: ConfigError) -> String {
    match error {
        ConfigError::NotFound(label) => format!("label {label} is missing"),
        ConfigError::At { error, key: Some(label), .. } => format!("label {label}: {error}"),
        ConfigError::Foreign(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// A source for `config`: a file with labels or annotations as the downward API writes it.
#[derive(Clone, Debug)]
struct LabelsFile(PathBuf);

impl Source for LabelsFile {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let text = std::fs::read_to_string(&self.0).map_err(|error| ConfigError::Foreign(Box::new(error)))?;
        let mut labels = DownwardApi.parse(None, &text).map_err(ConfigError::Foreign)?;
        // `config` takes a key for a path: a label `role.example.com/x` of somebody else would make a table of `role`
        // and hide the one that is wanted. So keys that read as paths stay outside.
        labels.retain(|key, _| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        Ok(labels)
    }
}

#[derive(Clone, Debug)]
struct DownwardApi;

impl Format for DownwardApi {
    fn parse(
        &self,
        uri: Option<&String>,
        text: &str,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        let mut labels = Map::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once('=').ok_or_else(|| format!("not key=\"value\": {line}"))?;
            let value = unquote(value.trim()).map_err(|reason| format!("label {key}: {reason}: {value}"))?;
            labels.insert(key.trim().to_owned(), Value::new(uri, value));
        }
        Ok(labels)
    }
}

/// Undoes Go's `%q`. A value without quotes stands for itself: the kubelet does not write such, people do.
fn unquote(text: &str) -> Result<String, &'static str> {
    let Some(inner) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let inner = inner.strip_suffix('"').ok_or("no closing quote")?;
    // Bytes, because `\x` stands for one, and a character may be spelled with several.
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '"' => return Err("a quote in the middle"),
            '\\' => match rest.next().ok_or("an escape without an end")? {
                'a' => '\u{07}',
                'b' => '\u{08}',
                'f' => '\u{0c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{0b}',
                c @ ('\\' | '"') => c,
                'x' => {
                    let byte = hex(&mut rest, 2)?;
                    bytes.push(u8::try_from(byte).map_err(|_| "a bad escape")?);
                    continue;
                }
                'u' => char::from_u32(hex(&mut rest, 4)?).ok_or("an escape of no character")?,
                'U' => char::from_u32(hex(&mut rest, 8)?).ok_or("an escape of no character")?,
                _ => return Err("an unknown escape"),
            },
            c => c,
        };
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8")
}

fn hex(rest: &mut std::str::Chars<'_>, digits: usize) -> Result<u32, &'static str> {
    let text: String = rest.by_ref().take(digits).collect();
    // from_str_radix alone would take a sign.
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a bad escape");
    }
    u32::from_str_radix(&text, 16).map_err(|_| "a bad escape")
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = String::deserialize(deserializer)?;
    if value.is_empty() { Err(D::Error::custom("is empty")) } else { Ok(value) }
}

// `config` would read "on" as the number 1.
fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let value = String::deserialize(deserializer)?;
    match value.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(D::Error::custom(format!("{value:?} is no port; 1 to 65535 are"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kubelet writes it: sorted, quoted, and no newline at the end.
    const PREVIEW: &str = "app=\"queue-worker\"\napp.kubernetes.io/name=\"queue-worker\"\nrabbitHost=\"rabbitmq\"\n\
        rabbitPort=\"5672\"\nrabbitQueue=\"myPreviewQueue\"\nrole=\"preview\"\n\
        rollouts-pod-template-hash=\"b6fd7db7d\"";

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("labels");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    fn parse(text: &str) -> Result<Settings, String> {
        let (_folder, file) = written(text);
        read(&file).map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))
    }

    #[test]
    fn the_kubelets_file() {
        let settings = Settings {
            role: "preview".into(),
            rabbit_host: "rabbitmq".into(),
            rabbit_port: 5672,
            rabbit_queue: "myPreviewQueue".into(),
        };
        assert_eq!(parse(PREVIEW), Ok(settings.clone()));
        assert_eq!(parse(&format!("{PREVIEW}\n")), Ok(settings.clone()), "a newline at the end");
        assert_eq!(parse(&PREVIEW.replace('\n', "\r\n")), Ok(settings.clone()), "saved on another system");
        assert_eq!(parse(&PREVIEW.replace("\"rabbitmq\"", "rabbitmq")), Ok(settings), "without quotes");
    }

    #[test]
    fn labels_of_others_are_of_no_consequence() {
        let more = "role.example.com/x=\"1\"\nrole.y=\"2\"\nrabbitQueue[0]=\"3\"\nhelm.sh/chart=\"\"";
        assert_eq!(parse(&format!("{PREVIEW}\n{more}")), parse(PREVIEW));
        assert_eq!(parse(&format!("{more}\n{PREVIEW}")), parse(PREVIEW));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file_and_label() {
        let with = |label: &str, value: &str| {
            PREVIEW
                .lines()
                .map(|line| match line.split_once('=') {
                    Some((key, _)) if key == label => value.to_owned(),
                    _ => line.to_owned(),
                })
                .collect::<Vec<_>>()
                .join("\n")
        };
        for (text, message) in [
            (with("role", ""), "FILE: label role is missing"),
            (with("rabbitQueue", "rabbitqueue=\"x\""), "FILE: label rabbitQueue is missing"),
            (with("role", "role=\"\""), "FILE: label role: is empty"),
            (
                with("rabbitPort", "rabbitPort=\"amqp\""),
                "FILE: label rabbitPort: \"amqp\" is no port; 1 to 65535 are",
            ),
            (
                with("rabbitPort", "rabbitPort=\"on\""),
                "FILE: label rabbitPort: \"on\" is no port; 1 to 65535 are",
            ),
            (
                with("rabbitPort", "rabbitPort=\"0\""),
                "FILE: label rabbitPort: \"0\" is no port; 1 to 65535 are",
            ),
            (
                with("rabbitPort", "rabbitPort=\"65536\""),
                "FILE: label rabbitPort: \"65536\" is no port; 1 to 65535 are",
            ),
            (with("role", "role=\"active"), "FILE: label role: no closing quote: \"active"),
            (with("role", "role"), "FILE: not key=\"value\": role"),
            (String::new(), "FILE: label role is missing"),
        ] {
            assert_eq!(parse(&text), Err(message.to_owned()), "{text}");
        }
        let missing = read::<Settings>(Path::new("/nowhere/labels")).unwrap_err().to_string();
        assert_eq!(missing, "/nowhere/labels: No such file or directory (os error 2)");
    }

    /// Values of labels need no escapes. Those of annotations do, and their file has the same format.
    #[test]
    fn escapes_of_go() {
        for (quoted, value) in [
            (r#""""#, Ok("")),
            (r#""a\"b\\c""#, Ok(r#"a"b\c"#)),
            (r#""\a\b\f\n\r\t\v""#, Ok("\u{07}\u{08}\u{0c}\n\r\t\u{0b}")),
            (r#""\x7f""#, Ok("\u{7f}")),
            (r#""\xc3\xa9""#, Ok("é")),
            (r#""\u00ad\U000e0001""#, Ok("\u{ad}\u{e0001}")),
            (r#""grün = gut""#, Ok("grün = gut")),
            (r#""\xff""#, Err("not UTF-8")),
            (r#""\x+f""#, Err("a bad escape")),
            (r#""\u12""#, Err("a bad escape")),
            (r#""\ud800""#, Err("an escape of no character")),
            (r#""\q""#, Err("an unknown escape")),
            (r#""a"b""#, Err("a quote in the middle")),
            (r#""\""#, Err("an escape without an end")),
            (r#"""#, Err("no closing quote")),
        ] {
            assert_eq!(unquote(quoted), value.map(str::to_owned), "{quoted}");
        }
    }
}
