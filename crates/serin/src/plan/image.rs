//! Another image for a container of a Rollout.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

/// Sets an image as `--image` asks for it: `IMAGE`, or `CONTAINER=IMAGE`.
///
/// # Errors
/// There is no such container, or several of which none is named.
pub fn set(rollout: &mut Value, wanted: &str) -> anyhow::Result<()> {
    let (container, image) = match wanted.split_once('=') {
        Some((container, image)) => (Some(container), image),
        None => (None, wanted),
    };
    let containers = rollout.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
    let containers = containers.filter(|found| !found.is_empty());
    let containers = containers.context("the Rollout's template has no containers")?;
    let names: Vec<String> =
        containers.iter().map(|found| found["name"].as_str().unwrap_or_default().to_owned()).collect();
    let index = match container {
        Some(name) => names.iter().position(|found| found == name),
        None if names.len() == 1 => Some(0),
        None => {
            bail!("--image has to name a container, as in {}=IMAGE: there are {}", names[0], names.join(", "))
        }
    };
    let index = index.with_context(|| format!("no such container; there are {}", names.join(", ")))?;
    containers[index]["image"] = json!(image);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(names: &[&str]) -> Value {
        let containers: Vec<Value> = names.iter().map(|name| json!({"name": name, "image": "old"})).collect();
        json!({"spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn the_only_container_need_not_be_named() {
        let mut rollout = rollout(&["web"]);
        set(&mut rollout, "registry:5000/web:2").unwrap();
        assert_eq!(rollout["spec"]["template"]["spec"]["containers"][0]["image"], "registry:5000/web:2");
    }

    #[test]
    fn of_several_one_is_named() {
        let mut rollout = rollout(&["web", "sidecar"]);
        set(&mut rollout, "sidecar=new").unwrap();
        let containers = &rollout["spec"]["template"]["spec"]["containers"];
        assert_eq!((&containers[0]["image"], &containers[1]["image"]), (&json!("old"), &json!("new")));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let told = |names: &[&str], wanted| set(&mut rollout(names), wanted).unwrap_err().to_string();
        assert_eq!(
            told(&["web", "sidecar"], "new"),
            "--image has to name a container, as in web=IMAGE: there are web, sidecar"
        );
        assert_eq!(told(&["web"], "api=new"), "no such container; there are web");
        assert_eq!(told(&[], "new"), "the Rollout's template has no containers");
    }
}
