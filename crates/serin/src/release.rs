//! `serin release`: lets go of every Rollout, so that they can be deleted when no operator is there to finish them.
//!
//! First it takes the lease, or else the operator would put its finalizer back. Routes, Services and pods stay as they
//! are and go on serving.

use std::time::Duration;

use anyhow::{Context as _, bail};
use json_patch::jsonptr::PointerBuf;
use json_patch::{Patch as JsonPatch, PatchOperation, RemoveOperation, TestOperation};
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::{Api, Client, ResourceExt};
use serin_api::names::FIELD_MANAGER;
use serin_api::rollout::{KIND, PLURAL, VERSION};
use serin_api::{Names, RolloutApi};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::args::ReleaseArgs;
use crate::client;
use crate::clock::Clock;
use crate::lease::{Candidate, Settings, identity};
use serin_process::error::{Category, brief};

/// How long operators stay out afterwards: long enough to be uninstalled, short enough for a change of mind.
const KEEP_OUT: Duration = Duration::from_secs(60);

/// How long one call may take.
const CALL: Duration = Duration::from_secs(10);

/// How often all Rollouts are gone through before giving up, and how long is waited in between.
const ROUNDS: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// How many Rollouts are listed at a time.
const PAGE: u32 = 500;

/// Runs `serin release`.
///
/// # Errors
/// The API server cannot be reached, the lease was lost again, or Rollouts could not be let go of.
pub async fn run(args: ReleaseArgs) -> anyhow::Result<()> {
    let clients = client::connect().await?;
    let namespace = args.lease.namespace(&clients.namespace).to_owned();
    let settings = Settings::new(namespace, args.lease.lease_name.clone(), format!("release_{}", identity()));
    let leadership = Candidate::new(clients.lease, settings, Clock::system()).seize().await;
    let claim = leadership.claim();
    let api = args.api.api();
    let rollouts = rollouts(clients.main, api, args.scope.namespace());
    let names = Names::for_group(api.group);
    tokio::select! {
        released = release_all(rollouts, &names) => released?,
        () = claim.lost() => bail!("lost the lease before every Rollout was let go of"),
    }
    leadership.keep_for(KEEP_OUT).await.context("could not keep operators out")?;
    Ok(())
}

/// Rollouts as far as their metadata go: one that cannot be parsed has to be let go of, too.
fn rollouts(client: Client, api: RolloutApi, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: api.group.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{}/{VERSION}", api.group),
        kind: KIND.to_owned(),
        plural: PLURAL.to_owned(),
    };
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    }
}

/// Removes our finalizer everywhere. What changes under our hands is seen again in the next round.
async fn release_all(rollouts: Api<DynamicObject>, names: &Names) -> anyhow::Result<()> {
    let mut released = 0;
    for _ in 0..ROUNDS {
        let held = held(&rollouts, names).await?;
        if held.is_empty() {
            info!(released, "no Rollout is held any more");
            return Ok(());
        }
        for rollout in held {
            match release(&rollouts, &rollout, names).await {
                Ok(()) => released += 1,
                Err(error) => {
                    warn!(
                        namespace = rollout.namespace(),
                        rollout = rollout.name_any(),
                        "not let go of: {error:#}"
                    );
                }
            }
        }
        sleep(PAUSE).await;
    }
    bail!("some Rollouts still carry the finalizer {}", names.finalizer)
}

/// The Rollouts that carry our finalizer.
async fn held(
    rollouts: &Api<DynamicObject>,
    names: &Names,
) -> anyhow::Result<Vec<PartialObjectMeta<DynamicObject>>> {
    let mut held = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let listed = match timeout(CALL, rollouts.list_metadata(&page)).await.context("no answer")? {
            Ok(listed) => listed,
            // Without the CRD there are no Rollouts.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
            Err(error) => bail!("cannot list Rollouts: {}", brief(&error)),
        };
        held.extend(
            listed.items.into_iter().filter(|rollout| rollout.finalizers().contains(&names.finalizer)),
        );
        match listed.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(held),
        }
    }
}

async fn release(
    rollouts: &Api<DynamicObject>,
    rollout: &PartialObjectMeta<DynamicObject>,
    names: &Names,
) -> anyhow::Result<()> {
    let Some(patch) = removal(rollout.finalizers(), &names.finalizer) else { return Ok(()) };
    // A patch by name goes to the object's own namespace.
    let api = rollouts.clone().constrain(&rollout.namespace().unwrap_or_default());
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let (name, patch) = (rollout.name_any(), Patch::<()>::Json(patch));
    match timeout(CALL, api.patch_metadata(&name, &parameters, &patch)).await.context("no answer")? {
        Ok(_) => Ok(()),
        Err(error) if Category::of(&error) == Category::NotFound => Ok(()),
        Err(error) => bail!("{}", brief(&error)),
    }
}

/// Removes our finalizer from its place, provided that it is still there.
fn removal(finalizers: &[String], finalizer: &str) -> Option<JsonPatch> {
    let index = finalizers.iter().position(|found| found == finalizer)?;
    let path = PointerBuf::from_tokens(["metadata", "finalizers", &index.to_string()]);
    Some(JsonPatch(vec![
        PatchOperation::Test(TestOperation { path: path.clone(), value: finalizer.into() }),
        PatchOperation::Remove(RemoveOperation { path }),
    ]))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_api::{FakeApi, Fault};

    const OURS: &str = "serin.dev/traffic";

    fn path(namespace: &str, name: &str) -> String {
        format!("/apis/serin.dev/v1alpha1/namespaces/{namespace}/rollouts/{name}")
    }

    fn put(api: &FakeApi, namespace: &str, name: &str, finalizers: &[&str]) {
        let rollout = json!({
            "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
            "metadata": { "namespace": namespace, "name": name, "finalizers": finalizers },
            "spec": { "replicas": "unreadable" },
        });
        api.put(&path(namespace, name), rollout);
    }

    fn finalizers(api: &FakeApi, namespace: &str, name: &str) -> Value {
        api.object(&path(namespace, name))["metadata"]["finalizers"].clone()
    }

    async fn release(api: &FakeApi, namespace: Option<&str>) -> anyhow::Result<()> {
        release_all(rollouts(api.client(), RolloutApi::default(), namespace), &Names::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn removes_our_finalizer_and_no_other() {
        let api = FakeApi::default();
        put(&api, "shop", "a", &["before", OURS, "after"]);
        put(&api, "shop", "b", &["other"]);
        put(&api, "team", "c", &[OURS]);
        release(&api, None).await.unwrap();
        assert_eq!(finalizers(&api, "shop", "a"), json!(["before", "after"]));
        assert_eq!(finalizers(&api, "shop", "b"), json!(["other"]));
        assert_eq!(finalizers(&api, "team", "c"), json!([]));
        assert_eq!(
            api.object(&path("shop", "a"))["spec"],
            json!({ "replicas": "unreadable" }),
            "all else stays"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_to_its_namespace() {
        let api = FakeApi::default();
        put(&api, "shop", "a", &[OURS]);
        put(&api, "team", "c", &[OURS]);
        release(&api, Some("team")).await.unwrap();
        assert_eq!(finalizers(&api, "shop", "a"), json!([OURS]));
        assert_eq!(finalizers(&api, "team", "c"), json!([]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_under_our_hands_is_tried_again() {
        let api = FakeApi::default();
        put(&api, "shop", "a", &[OURS]);
        api.fail_next(Method::PATCH, Fault::Status(422));
        release(&api, None).await.unwrap();
        assert_eq!(finalizers(&api, "shop", "a"), json!([]));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_crd_there_is_nothing_to_do() {
        let api = FakeApi::default();
        api.fail_next(Method::GET, Fault::Status(404));
        release(&api, None).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn says_so_when_it_cannot() {
        let api = FakeApi::default();
        put(&api, "shop", "a", &[OURS]);
        for _ in 0..ROUNDS {
            api.fail_next(Method::PATCH, Fault::Status(403));
        }
        let error = release(&api, None).await.unwrap_err();
        assert!(error.to_string().contains(OURS), "{error}");
    }
}
