//! The objects of a schema, each as a section with a table of its fields and a list of its rules.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};

use super::tables::{Column, Table};
use super::{limits, sentence};

/// An object and its fields.
pub struct Section<'a> {
    path: String,
    schema: &'a JSONSchemaProps,
    /// An earlier section with the same fields.
    same_as: Option<String>,
}

/// The object at `path` and all objects in it, from the outside in.
pub fn sections<'a>(path: &str, schema: &'a JSONSchemaProps) -> Vec<Section<'a>> {
    let mut found = Vec::new();
    collect(path, schema, &mut found);
    found
}

/// A path as a user reads it: the values of a map are under some name.
pub fn written(path: &str) -> String {
    path.replace("{}", ".*")
}

fn collect<'a>(path: &str, schema: &'a JSONSchemaProps, found: &mut Vec<Section<'a>>) {
    if has_section(schema) {
        let twin = found.iter().find(|other| other.same_as.is_none() && names(other.schema) == names(schema));
        let same_as = twin.map(|twin| twin.path.clone());
        let is_new = same_as.is_none();
        found.push(Section { path: path.to_owned(), schema, same_as });
        if is_new {
            for (name, field) in served(schema) {
                collect(&format!("{path}.{name}"), field, found);
            }
        }
    } else if let Some((suffix, inner)) = inner(schema) {
        collect(&format!("{path}{suffix}"), inner, found);
    }
}

/// Objects of which nothing is told, such as the pod template, are only named.
fn has_section(schema: &JSONSchemaProps) -> bool {
    served(schema).any(|(_, field)| field.description.is_some())
}

fn names(schema: &JSONSchemaProps) -> Vec<(&String, Option<&String>)> {
    served(schema).map(|(name, field)| (name, field.description.as_ref())).collect()
}

fn served(schema: &JSONSchemaProps) -> impl Iterator<Item = (&String, &JSONSchemaProps)> {
    schema.properties.iter().flatten().filter(|(_, field)| !is_refused(field))
}

fn is_refused(schema: &JSONSchemaProps) -> bool {
    rules(schema).iter().any(|rule| rule.rule == "false")
}

fn rules(schema: &JSONSchemaProps) -> &[ValidationRule] {
    schema.x_kubernetes_validations.as_deref().unwrap_or_default()
}

/// What a list or a map holds.
fn inner(schema: &JSONSchemaProps) -> Option<(&'static str, &JSONSchemaProps)> {
    match (&schema.items, &schema.additional_properties) {
        (Some(JSONSchemaPropsOrArray::Schema(items)), _) => Some(("[]", items)),
        (_, Some(JSONSchemaPropsOrBool::Schema(values))) => Some(("{}", values)),
        _ => None,
    }
}

impl Section<'_> {
    /// The section in Markdown.
    pub fn render(&self, columns: &[Column]) -> String {
        let mut text = format!("\n## `{}`\n\n", written(&self.path));
        if let Some(description) = &self.schema.description {
            text += &format!("{description}\n\n");
        }
        if let Some(twin) = &self.same_as {
            text += &format!("The fields and rules are those of [`{}`](#{}).\n", written(twin), anchor(twin));
            return text;
        }
        let heads: Vec<_> =
            ["Field"].into_iter().chain(columns.iter().map(|column| column.title())).collect();
        let rows = served(self.schema).map(|(name, field)| self.row(name, field, columns)).collect();
        text += &Table::new(&heads, rows).render();
        let rules = self.rules_in_words();
        if !rules.is_empty() {
            text += &format!("\nRules:\n\n{}", rules.concat());
        }
        text
    }

    fn row(&self, name: &str, field: &JSONSchemaProps, columns: &[Column]) -> Vec<String> {
        let cell = |column: &Column| match column {
            Column::Type => self.type_of(&format!("{}.{name}", self.path), field),
            Column::Default => self.default_of(name, field),
            Column::Limits => limits_of(field),
            Column::Meaning if columns.contains(&Column::Default) => self.meaning_beside_default(name, field),
            Column::Meaning => field.description.clone().unwrap_or_default(),
        };
        [format!("`{name}`")].into_iter().chain(columns.iter().map(cell)).collect()
    }

    /// Without the sentence that the column of defaults already says.
    fn meaning_beside_default(&self, name: &str, field: &JSONSchemaProps) -> String {
        let description = field.description.as_deref().unwrap_or_default();
        let default = format!(" Defaults to {}.", self.default_of(name, field));
        description.replace(&default, "").replace(" Required.", "")
    }

    fn type_of(&self, path: &str, field: &JSONSchemaProps) -> String {
        if has_section(field) {
            return format!("[object](#{})", anchor(path));
        }
        match (inner(field), field.type_.as_deref(), field.format.as_deref()) {
            (Some((suffix, inner)), kind, _) => {
                let container = if kind == Some("array") { "list of" } else { "map of" };
                format!("{container} {}", self.type_of(&format!("{path}{suffix}"), inner))
            }
            (None, _, Some("date-time")) => "time".to_owned(),
            (None, Some(kind), _) => kind.to_owned(),
            (None, None, _) => "integer or string".to_owned(),
        }
    }

    fn default_of(&self, name: &str, field: &JSONSchemaProps) -> String {
        let in_schema = self.schema.required.iter().flatten().any(|required| required == name);
        if in_schema || rules(self.schema).iter().any(|rule| required_field(rule) == Some(name)) {
            return "required".to_owned();
        }
        let in_words = || {
            let (_, rest) = field.description.as_deref()?.split_once("Defaults to ")?;
            rest.split(['.', ';']).next().map(str::to_owned)
        };
        field.default.as_ref().map(|value| value.0.to_string()).or_else(in_words).unwrap_or_default()
    }

    /// The rules of this object, and of the lists and maps in it that have no section of their own.
    fn rules_in_words(&self) -> Vec<String> {
        let own = rules(self.schema).iter().filter(|rule| required_field(rule).is_none());
        let own = own.map(|rule| in_words(rule.field_path.as_deref().unwrap_or_default(), rule));
        let of_fields =
            served(self.schema).filter(|(_, field)| !has_section(field)).flat_map(|(name, field)| {
                rules(field).iter().map(move |rule| {
                    in_words(&format!(".{name}{}", rule.field_path.as_deref().unwrap_or_default()), rule)
                })
            });
        own.chain(of_fields).collect()
    }
}

/// The field that a rule does no more than require: the table says so.
fn required_field(rule: &ValidationRule) -> Option<&str> {
    let name = rule.rule.strip_prefix("has(self.")?.strip_suffix(')')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(name)
}

fn in_words(field: &str, rule: &ValidationRule) -> String {
    let message = rule.message.as_deref().unwrap_or_default();
    match field.trim_start_matches('.') {
        "" => format!("- {}\n", sentence(message)),
        field => format!("- `{field}`: {message}.\n"),
    }
}

/// The limits of a field, and of what is in it where it is a list or map of simple values.
fn limits_of(field: &JSONSchemaProps) -> String {
    let own = limits::of(field);
    let each = match inner(field) {
        Some((_, inner)) if !has_section(inner) => limits::of(inner),
        _ => String::new(),
    };
    match (own.is_empty(), each.is_empty()) {
        (_, true) => own,
        (true, false) => format!("each: {each}"),
        (false, false) => format!("{own}; each: {each}"),
    }
}

/// How Markdown viewers link to the section of `path`.
fn anchor(path: &str) -> String {
    let kept = written(path).to_lowercase();
    kept.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
}
