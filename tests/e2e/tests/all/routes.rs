//! Nothing of a user's route is changed but two numbers, and no edit of anybody else is lost.
//!
//! 200 generated routes, each with the weights of five rollouts: 184 of them are written by the engine's own calls, sent
//! straight to the API server, and 16 by an operator that carries out five canaries on each. Editors edit all of them all
//! the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serin_e2e::api::Language;
use serin_e2e::routes::{Editor, Edits, Generated, any, weights, write_weights};
use serin_e2e::{Api, Chance, Space, manifests};

const ROUTES: usize = 200;
/// So many of them belong to a Rollout, which the operator carries out.
const OPERATED: usize = 16;
const ROLLOUTS: usize = 5;
/// The shares of one rollout, in percent.
const SHARES: [i32; 4] = [10, 50, 100, 0];
const WRITERS: usize = 4;
const EDITORS: u64 = 2;
/// So that the writers come to write, too.
const EDITORS_PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn five_rollouts_on_200_routes_leave_nothing_but_their_weights_and_lose_no_edit() {
    let mut chance = Chance::from_environment();
    let began = Instant::now();
    let space = Space::new("routes");
    let api = space.api();
    let routes: Vec<Generated> =
        (0..ROUTES).map(|number| any(&mut chance, &space.namespace, number)).collect();
    let created: Vec<Value> = routes.iter().map(|route| create(&api, route)).collect();
    let (operated, direct) = routes.split_at(OPERATED);
    space.apply_all(&operated.iter().flat_map(objects).collect::<Vec<_>>());
    until_all(&space, &api, operated, "web:0");

    let (is_over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let edits = std::thread::scope(|scope| {
        let editors: Vec<_> = (0..EDITORS)
            .map(|number| {
                let mine = routes.iter().zip(&created).skip(number as usize).step_by(EDITORS as usize);
                let editors: Vec<Editor> = mine.map(|(route, created)| Editor::new(route, created)).collect();
                let (api, is_over, seed) = (api.clone(), &is_over, chance.below(1_000_000));
                scope.spawn(move || edit(editors, &api, Chance::fixed(seed), is_over))
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (api, refused) = (api.clone(), &refused);
                scope.spawn(move || {
                    let mine = direct.iter().skip(number).step_by(WRITERS);
                    write(&api, &mine.collect::<Vec<_>>(), refused);
                })
            })
            .collect();
        for rollout in 1..=ROLLOUTS {
            let image = format!("web:{rollout}");
            for route in operated {
                update(&api, route, &image);
            }
            until_all(&space, &api, operated, &image);
        }
        // Before the editors are told to stop: a writer that has failed must not leave them at work.
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        let edits: Vec<Edits> = editors.into_iter().map(|editor| editor.join().expect("an editor")).collect();
        written.into_iter().for_each(|written| written.expect("a writer"));
        edits
    });

    for route in &routes {
        let present = api.get("httproutes", &route.name).expect("the route");
        for (stable, canary, alone) in weights(&present, &route.pair) {
            let is_right = canary == 0 && (!alone || stable == 100);
            assert!(is_right, "{}: {stable}/{canary} in {present:#}", route.name);
        }
    }
    let (made, repeated) =
        edits.iter().fold((0, 0), |(made, repeated), edits| (made + edits.made, repeated + edits.repeated));
    let refused = refused.load(Ordering::Relaxed);
    eprintln!(
        "{ROUTES} routes, {ROLLOUTS} rollouts each; {made} edits, {repeated} of them made again; {refused} weights \
         refused because a route was edited meanwhile; {} s",
        began.elapsed().as_secs()
    );
    assert!(made >= ROUTES * 2, "only {made} edits: they were not concurrent");
}

fn create(api: &Api, route: &Generated) -> Value {
    api.create("httproutes", &route.object)
        .unwrap_or_else(|refusal| panic!("{refusal:?}: {:#}", route.object))
}

/// Edits until all is over, and then looks at every route once more.
fn edit(mut editors: Vec<Editor<'_>>, api: &Api, mut chance: Chance, is_over: &AtomicBool) -> Edits {
    while !is_over.load(Ordering::Relaxed) {
        let place = usize::try_from(chance.below(editors.len() as u64)).unwrap();
        editors[place].edit(api, &mut chance).unwrap_or_else(|lost| panic!("{lost}"));
        std::thread::sleep(EDITORS_PAUSE);
    }
    let mut all = Edits::default();
    for editor in &editors {
        let present = api.get("httproutes", editor.name()).expect("the route");
        if let Some(lost) = editor.lost(&present) {
            panic!("{lost}");
        }
        all.made += editor.edits.made;
        all.repeated += editor.edits.repeated;
    }
    all
}

/// The weights of all rollouts, one share of every route after the other.
fn write(api: &Api, routes: &[&Generated], refused: &AtomicUsize) {
    for _ in 0..ROLLOUTS {
        for share in SHARES {
            for route in routes {
                let (written, again) =
                    write_weights(api, route, share).unwrap_or_else(|error| panic!("{error}"));
                refused.fetch_add(again, Ordering::Relaxed);
                for (stable, canary, alone) in weights(&written, &route.pair) {
                    let sum = if alone { 100 } else { stable + canary };
                    let wanted = (sum - sum * i64::from(share) / 100, sum * i64::from(share) / 100);
                    assert_eq!((stable, canary), wanted, "{} at {share}", route.name);
                }
            }
        }
    }
}

/// The Services and the Rollout of a route.
fn objects(route: &Generated) -> Vec<Value> {
    let mut rollout = manifests::rollout();
    rollout["metadata"]["name"] = json!(route.name);
    let spec = &mut rollout["spec"];
    spec["replicas"] = json!(1);
    spec["selector"]["matchLabels"]["app"] = json!(route.name);
    spec["template"]["metadata"]["labels"]["app"] = json!(route.name);
    spec["template"]["spec"]["containers"][0]["image"] = json!("web:0");
    let canary = &mut spec["strategy"]["canary"];
    canary["stableService"] = json!(route.pair.stable);
    canary["canaryService"] = json!(route.pair.canary);
    canary["trafficRouting"]["gatewayAPI"]["httpRoute"] = json!(route.name);
    canary["steps"] = json!([{"setWeight": 10}, {"setWeight": 50}]);
    let service = |name: &str| {
        let mut service = manifests::service(name);
        service["spec"]["selector"]["app"] = json!(route.name);
        service
    };
    vec![service(&route.pair.stable), service(&route.pair.canary), rollout]
}

fn update(api: &Api, route: &Generated, image: &str) {
    let path = "/spec/template/spec/containers/0/image";
    let patch = json!([{"op": "replace", "path": path, "value": image}]);
    api.patch("rollouts", &route.name, Language::Json, &patch).expect("another image");
}

/// Waits until every Rollout has promoted an image.
fn until_all(space: &Space, api: &Api, routes: &[Generated], image: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rollouts: BTreeMap<String, Value> = api
            .list("rollouts")
            .into_iter()
            .map(|rollout| (rollout["metadata"]["name"].as_str().unwrap_or_default().to_owned(), rollout))
            .collect();
        let is_done = |route: &Generated| {
            rollouts.get(&route.name).is_some_and(|rollout| {
                let status = &rollout["status"];
                status["observedGeneration"] == rollout["metadata"]["generation"]
                    && status["phase"] == "Healthy"
                    && status["stableRS"] == status["currentPodHash"]
                    && rollout["spec"]["template"]["spec"]["containers"][0]["image"] == image
            })
        };
        let late: Vec<&str> =
            routes.iter().filter(|route| !is_done(route)).map(|route| route.name.as_str()).collect();
        if late.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            space.fail(&format!("{late:?} have not promoted {image}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
