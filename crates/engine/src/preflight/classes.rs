//! The GatewayClass behind a Gateway, and what it supports.

use super::finding::{Finding, Name};
use super::inputs::Lookup;
use super::kinds::{FEATURE_UNSUPPORTED, GATEWAY_CLASS_MISSING, GATEWAY_CLASS_NOT_ACCEPTED};
use super::objects::{Gateway, GatewayClass};
use super::parents::is_not;
use super::report::Report;
use super::subject::Subject;

pub fn judge(subject: &Subject<'_>, gateway: &Name, of: &Gateway, report: &mut Report) {
    let object = Name::new("GatewayClass", "", &*of.class);
    match subject.inputs.beyond.classes.get(&object) {
        Lookup::Found(class) => {
            if let Some(told) = is_not(&class.conditions, "Accepted") {
                report.find(Finding::new(
                    &GATEWAY_CLASS_NOT_ACCEPTED,
                    &object,
                    "status.conditions[Accepted]",
                    format!("is {}: {}", told.status, told.words()),
                    "see whether its controller runs, or use another class",
                ));
            }
            // No step needs a feature today.
            features(&object, class, &[]).into_iter().for_each(|finding| report.find(finding));
        }
        Lookup::Unseen(why) => report.unseen(object.to_string(), why),
        Lookup::Missing => report.find(Finding::new(
            &GATEWAY_CLASS_MISSING,
            gateway,
            "spec.gatewayClassName",
            format!("{object} does not exist"),
            "create it, or name another one",
        )),
    }
}

/// The features that steps need and a class does not list. A class that lists none does not say what it supports.
pub fn features(object: &Name, class: &GatewayClass, needed: &[&str]) -> Vec<Finding> {
    let Some(listed) = &class.features else { return Vec::new() };
    let lacks = needed.iter().filter(|feature| !listed.iter().any(|known| known == *feature));
    lacks
        .map(|feature| {
            Finding::new(
                &FEATURE_UNSUPPORTED,
                object,
                "status.supportedFeatures",
                format!("does not list {feature}, which a step needs"),
                "leave the step out, or use another class",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_class_that_lists_features_can_lack_one() {
        let object = Name::new("GatewayClass", "", "eg");
        let lacking = |features: Option<&[&str]>| {
            let listed = features.map(|features| features.iter().map(|name| (*name).to_owned()).collect());
            let class = GatewayClass { features: listed, ..GatewayClass::default() };
            super::features(&object, &class, &["HTTPRouteRequestPercentageMirror"]).len()
        };
        assert_eq!(lacking(None), 0);
        assert_eq!(lacking(Some(&["HTTPRoute"])), 1);
        assert_eq!(lacking(Some(&["HTTPRoute", "HTTPRouteRequestPercentageMirror"])), 0);
    }
}
