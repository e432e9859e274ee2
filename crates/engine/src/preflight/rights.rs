//! Rights that the operator lacks, told from the API server's own words.

use super::finding::{Finding, Name};
use super::kinds::RIGHT_MISSING;
use super::report::Report;
use super::subject::Subject;

/// A right, as a refusal names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub verb: String,
    /// With its group, as in `httproutes.gateway.networking.k8s.io`.
    pub resource: String,
    /// Empty for the whole cluster.
    pub namespace: String,
}

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    for right in subject.inputs.refusals.iter().filter_map(|words| missing_right(words)) {
        let Right { verb, resource, namespace } = &right;
        let object = Name::new("Rollout", &*subject.name.namespace, &*subject.name.name);
        let place =
            if namespace.is_empty() { "the cluster".to_owned() } else { format!("namespace {namespace}") };
        report.find(Finding::new(
            &RIGHT_MISSING,
            &object,
            "spec",
            format!("the operator may not {verb} {resource} in {place}"),
            format!("grant {verb} on {resource} to its ServiceAccount"),
        ));
    }
}

/// The right that a refusal names; nothing where it was refused for another reason, as by a policy.
pub fn missing_right(words: &str) -> Option<Right> {
    let (_, rest) = words.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (plural, rest) = rest.split_once("\" in API group \"")?;
    let (group, rest) = rest.split_once('"')?;
    let namespace = rest.split_once(" in the namespace \"").and_then(|(_, rest)| rest.split_once('"'));
    let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    Some(Right {
        verb: verb.to_owned(),
        resource,
        namespace: namespace.map(|(namespace, _)| namespace.to_owned()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_told_from_other_refusals() {
        let words = "httproutes.gateway.networking.k8s.io \"web\" is forbidden: User \"system:serviceaccount:a:b\" cannot \
                     patch resource \"httproutes\" in API group \"gateway.networking.k8s.io\" in the namespace \"shop\"";
        let right = missing_right(words).unwrap();
        assert_eq!((&*right.verb, &*right.namespace), ("patch", "shop"));
        assert_eq!(right.resource, "httproutes.gateway.networking.k8s.io");
        assert_eq!(
            missing_right(
                "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": cannot be privileged"
            ),
            None
        );
    }
}
