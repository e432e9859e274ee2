//! Label and field selectors, as text in a query and as `matchLabels` and `matchExpressions`.

use serde_json::{Map, Value};

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Requirement {
    fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key)).and_then(Value::as_str);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Operator::NotIn(values) => {
                !value.is_some_and(|value| values.iter().any(|wanted| wanted == value))
            }
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// Which objects a LIST or WATCH is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    labels: Vec<Requirement>,
    /// Paths below the object, and the text that is wanted there.
    fields: Vec<(String, String)>,
}

impl Filter {
    pub fn parse(labels: Option<&str>, fields: Option<&str>) -> Self {
        let terms = split(labels.unwrap_or_default());
        let fields = fields.unwrap_or_default().split(',').filter_map(|term| term.split_once('='));
        Self {
            labels: terms.iter().map(|term| requirement(term)).collect(),
            fields: fields
                .map(|(path, value)| {
                    (format!("/{}", path.replace('.', "/")), value.trim_start_matches('=').to_owned())
                })
                .collect(),
        }
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = object["metadata"]["labels"].as_object();
        let field = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        self.labels.iter().all(|requirement| requirement.matches(labels))
            && self.fields.iter().all(|(path, value)| field(path) == value)
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match terms.last_mut() {
            Some(term) if letter != ',' || depth > 0 => term.push(letter),
            _ => terms.push(String::new()),
        }
    }
    terms.retain(|term| !term.trim().is_empty());
    terms
}

fn requirement(term: &str) -> Requirement {
    let term = term.trim();
    let made = |key: &str, operator| Requirement { key: key.trim().to_owned(), operator };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((head, values)) = term.strip_suffix(')').and_then(|term| term.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match head.trim().strip_suffix(" notin") {
            Some(key) => made(key, Operator::NotIn(values)),
            None => made(head.trim().trim_end_matches(" in"), Operator::In(values)),
        };
    }
    if let Some((key, value)) = term.split_once("!=") {
        made(key, Operator::NotIn(one(value)))
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        made(key, Operator::In(one(value)))
    } else if let Some(key) = term.strip_prefix('!') {
        made(key, Operator::DoesNotExist)
    } else {
        made(term, Operator::Exists)
    }
}

/// Whether a selector of `matchLabels` and `matchExpressions` matches. An empty one matches everything.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let mut pairs = selector["matchLabels"].as_object().into_iter().flatten();
    if !pairs.all(|(key, value)| labels[key].as_str().is_some_and(|label| value == label)) {
        return false;
    }
    let labels = labels.as_object();
    let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten().map(|expression| {
        let values = expression["values"].as_array().into_iter().flatten();
        let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        let operator = match expression["operator"].as_str() {
            Some("In") => Operator::In(values),
            Some("NotIn") => Operator::NotIn(values),
            Some("DoesNotExist") => Operator::DoesNotExist,
            _ => Operator::Exists,
        };
        Requirement { key: expression["key"].as_str().unwrap_or_default().to_owned(), operator }
    });
    expressions.all(|requirement| requirement.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_a_requirement_is_understood() {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app=api", false),
            ("app!=api", true),
            ("absent!=x", true),
            ("app in (api, web),tier", true),
            ("app in (api)", false),
            ("app notin (api,web)", false),
            ("absent notin (x)", true),
            ("tier", true),
            ("absent", false),
            ("!absent", true),
            ("!tier", false),
        ] {
            assert_eq!(Filter::parse(Some(selector), None).matches(&object), expected, "{selector:?}");
        }
        assert!(Filter::parse(None, Some("metadata.name=a")).matches(&object));
        assert!(!Filter::parse(None, Some("metadata.name=b")).matches(&object));
    }
}
