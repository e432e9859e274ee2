use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use tokio::time::{Duration, advance};

use super::*;

fn object(name: &str, uid: &str, version: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some("shop".into()),
            name: Some(name.into()),
            uid: Some(uid.into()),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

fn owned(name: &str, uid: &str, version: &str, owner: &str) -> ConfigMap {
    let mut object = object(name, uid, version);
    object.metadata.labels = Some([("owner".to_owned(), owner.to_owned())].into());
    object
}

fn owner(object: &ConfigMap) -> Vec<IndexKey> {
    object
        .metadata
        .labels
        .iter()
        .filter_map(|labels| labels.get("owner"))
        .map(|o| o.as_str().into())
        .collect()
}

fn cache() -> Cache<ConfigMap> {
    Cache::new(owner, |object| object.metadata.managed_fields = None)
}

fn relist(cache: &Cache<ConfigMap>, objects: Vec<ConfigMap>) -> Changed<ConfigMap> {
    cache.apply_event(Event::Init);
    for object in objects {
        cache.apply_event(Event::InitApply(object));
    }
    cache.apply_event(Event::InitDone)
}

/// `name@version` of everything held.
fn held(cache: &Cache<ConfigMap>) -> Vec<String> {
    cache.all().iter().map(|object| text(object)).collect()
}

/// `before>after` of each change.
fn changes(changed: &Changed<ConfigMap>) -> Vec<String> {
    let side = |object: &Option<Arc<ConfigMap>>| object.as_deref().map(text).unwrap_or_default();
    let mut all: Vec<_> = changed.iter().map(|c| format!("{}>{}", side(&c.before), side(&c.after))).collect();
    all.sort();
    all
}

fn text(object: &ConfigMap) -> String {
    let meta = &object.metadata;
    format!("{}@{}", meta.name.as_deref().unwrap(), meta.resource_version.as_deref().unwrap())
}

#[test]
fn the_watch_adds_changes_and_removes() {
    let cache = cache();
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "1")))), [">a@1"]);
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "2")))), ["a@1>a@2"]);
    assert_eq!(changes(&cache.apply_event(Event::Delete(object("a", "u1", "3")))), ["a@2>"]);
    assert_eq!(held(&cache), [""; 0]);
}

#[test]
fn objects_are_found_by_name_and_by_index_in_a_fixed_order() {
    let cache = cache();
    for name in ["b", "a", "c"] {
        cache.apply_event(Event::Apply(owned(name, name, "1", "x")));
    }
    assert!(cache.get("shop", "a").is_some());
    assert!(cache.get("other", "a").is_none());
    let names = |key: &str| cache.by_index(key).iter().map(|object| text(object)).collect::<Vec<_>>();
    assert_eq!(names("x"), ["a@1", "b@1", "c@1"]);

    cache.apply_event(Event::Apply(owned("b", "b", "2", "y")));
    cache.apply_event(Event::Delete(owned("c", "c", "3", "x")));
    assert_eq!(names("x"), ["a@1"]);
    assert_eq!(names("y"), ["b@2"]);
    assert_eq!(names("z"), [""; 0]);
}

#[test]
fn an_object_that_changes_owner_names_both() {
    let cache = cache();
    cache.apply_event(Event::Apply(owned("a", "u1", "1", "x")));
    let changed = cache.apply_event(Event::Apply(owned("a", "u1", "2", "y")));
    let owners: Vec<_> = changed.objects().flat_map(|object| owner(object)).collect();
    assert_eq!(owners, ["x".into(), "y".into()] as [IndexKey; 2]);
}

#[test]
fn objects_are_trimmed_on_every_way_in() {
    let cache = cache();
    let with_fields = |name: &str| {
        let mut object = object(name, name, "1");
        object.metadata.managed_fields = Some(vec![ManagedFieldsEntry::default()]);
        object
    };
    relist(&cache, vec![with_fields("listed")]);
    cache.apply_event(Event::Apply(with_fields("watched")));
    cache.written(with_fields("written"));
    assert_eq!(cache.all().len(), 3);
    assert!(cache.all().iter().all(|object| object.metadata.managed_fields.is_none()));
}

#[test]
fn our_write_wins_until_the_watch_has_caught_up() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "5")]);
    assert_eq!(changes(&cache.written(object("a", "u1", "9"))), ["a@5>a@9"]);

    assert!(cache.apply_event(Event::Apply(object("a", "u1", "7"))).is_empty());
    assert_eq!(held(&cache), ["a@9"]);
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "9")))), ["a@5>a@9"]);
    assert!(cache.apply_event(Event::Apply(object("a", "u1", "9"))).is_empty());
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "10")))), ["a@9>a@10"]);
}

#[test]
fn the_watch_tells_of_our_writes_what_it_has_not_told() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1"), object("b", "u2", "2"), object("c", "u3", "3")]);
    // Two writes, of which the watch shows only the second; a creation; and a deletion.
    cache.written(object("a", "u1", "4"));
    cache.written(object("a", "u1", "5"));
    cache.written(object("new", "u4", "6"));
    cache.deleted("shop", "b", "u2");
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "5")))), ["a@1>a@5"]);
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("new", "u4", "6")))), [">new@6"]);
    assert_eq!(changes(&cache.apply_event(Event::Delete(object("b", "u2", "7")))), ["b@2>"]);

    // So does a list.
    cache.written(object("a", "u1", "8"));
    cache.written(object("new", "u4", "9"));
    cache.deleted("shop", "c", "u3");
    let changed = relist(&cache, vec![object("a", "u1", "8")]);
    assert_eq!(changes(&changed), ["a@5>a@8", "c@3>", "new@6>"]);
    assert!(relist(&cache, vec![object("a", "u1", "8")]).is_empty());
}

#[test]
fn an_object_that_we_replaced_is_told_of_as_one_change() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);
    cache.deleted("shop", "a", "u1");
    cache.written(object("a", "u2", "4"));
    assert!(cache.apply_event(Event::Delete(object("a", "u1", "3"))).is_empty());
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u2", "4")))), ["a@1>a@4"]);
}

#[test]
fn an_answer_that_comes_in_late_is_ignored() {
    let cache = cache();
    cache.apply_event(Event::Apply(object("a", "u1", "10")));
    assert!(cache.written(object("a", "u1", "9")).is_empty(), "compared as numbers, not as text");
    assert_eq!(held(&cache), ["a@10"]);
}

#[test]
fn a_version_that_is_no_number_counts_as_newer() {
    let cache = cache();
    cache.apply_event(Event::Apply(object("a", "u1", "10")));
    cache.apply_event(Event::Apply(object("a", "u1", "x")));
    assert_eq!(held(&cache), ["a@x"]);
}

#[test]
fn what_we_deleted_stays_gone() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);
    assert_eq!(changes(&cache.deleted("shop", "a", "u1")), ["a@1>"]);
    assert!(cache.apply_event(Event::Apply(object("a", "u1", "2"))).is_empty());
    assert_eq!(held(&cache), [""; 0]);

    // A successor of the same name is another object.
    cache.apply_event(Event::Apply(object("a", "u2", "4")));
    assert!(cache.apply_event(Event::Delete(object("a", "u1", "3"))).is_empty());
    assert_eq!(held(&cache), ["a@4"]);
}

#[test]
fn a_delete_of_another_uid_removes_nothing() {
    let cache = cache();
    cache.apply_event(Event::Apply(object("a", "u2", "4")));
    assert!(cache.deleted("shop", "a", "u1").is_empty());
    assert_eq!(held(&cache), ["a@4"]);
}

#[test]
fn the_delete_of_a_successor_removes_what_is_held() {
    let cache = cache();
    cache.apply_event(Event::Apply(object("a", "u1", "1")));
    assert_eq!(changes(&cache.apply_event(Event::Delete(object("a", "u2", "9")))), ["a@1>"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_never_brings_back_what_the_watch_saw_deleted() {
    let cache = cache();
    cache.apply_event(Event::Apply(object("a", "u1", "2")));
    cache.apply_event(Event::Delete(object("a", "u1", "3")));
    assert!(cache.written(object("a", "u1", "2")).is_empty());
    assert_eq!(held(&cache), [""; 0]);

    // Not remembered for ever: no request takes this long.
    advance(Duration::from_secs(121)).await;
    cache.apply_event(Event::Delete(object("b", "u9", "4")));
    assert_eq!(changes(&cache.written(object("a", "u1", "2"))), [">a@2"]);
}

#[test]
fn a_list_takes_effect_at_once_and_only_as_a_whole() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1"), object("b", "u2", "2")]);

    cache.apply_event(Event::Init);
    cache.apply_event(Event::InitApply(object("a", "u1", "7")));
    assert_eq!(held(&cache), ["a@1", "b@2"]);
    // The list broke off and begins anew.
    cache.apply_event(Event::Init);
    cache.apply_event(Event::InitApply(object("c", "u3", "8")));
    cache.apply_event(Event::InitApply(object("a", "u1", "1")));
    assert_eq!(changes(&cache.apply_event(Event::InitDone)), [">c@8", "b@2>"], "a is as it was");
    assert_eq!(held(&cache), ["a@1", "c@8"]);
}

#[test]
fn a_list_has_the_last_word_even_if_its_versions_are_lower() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "900")]);
    assert_eq!(changes(&relist(&cache, vec![object("a", "u1", "20")])), ["a@900>a@20"]);
}

#[test]
fn what_we_wrote_while_the_list_was_made_survives_it() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);

    cache.apply_event(Event::Init);
    cache.written(object("a", "u1", "5"));
    cache.written(object("new", "u2", "6"));
    cache.apply_event(Event::InitApply(object("a", "u1", "1")));
    assert!(cache.apply_event(Event::InitDone).is_empty());
    assert_eq!(held(&cache), ["a@5", "new@6"]);

    // Only the object that the list lacked is in doubt, and only once.
    let unlisted: Vec<_> = cache.take_unlisted().iter().map(|object| text(object)).collect();
    assert_eq!(unlisted, ["new@6"]);
    assert!(cache.take_unlisted().is_empty());
    assert_eq!(changes(&cache.deleted("shop", "new", "u2")), ["new@6>"]);
}

#[test]
fn what_we_wrote_before_the_list_vanishes_with_it() {
    let cache = cache();
    cache.written(object("a", "u1", "5"));
    assert_eq!(changes(&relist(&cache, vec![])), ["a@5>"]);
    assert!(cache.take_unlisted().is_empty());
    assert!(cache.written(object("a", "u1", "4")).is_empty(), "an even later answer does not bring it back");
}

#[test]
fn what_we_deleted_while_the_list_was_made_stays_gone() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);
    cache.apply_event(Event::Init);
    cache.deleted("shop", "a", "u1");
    cache.apply_event(Event::InitApply(object("a", "u1", "1")));
    assert!(cache.apply_event(Event::InitDone).is_empty());
    assert_eq!(held(&cache), [""; 0]);
}

#[test]
fn what_we_made_and_deleted_while_the_list_was_made_is_forgotten() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);
    cache.apply_event(Event::Init);
    cache.written(object("a", "u1", "2"));
    cache.deleted("shop", "a", "u1");
    assert_eq!(changes(&cache.apply_event(Event::InitDone)), ["a@1>"]);
    assert!(relist(&cache, vec![]).is_empty());
}

#[test]
fn a_list_that_began_after_our_delete_is_believed() {
    let cache = cache();
    relist(&cache, vec![object("a", "u1", "1")]);
    cache.deleted("shop", "a", "u1");
    // It lives after all: the store was restored from a backup.
    assert_eq!(changes(&relist(&cache, vec![object("a", "u1", "1")])), [">a@1"]);
    assert_eq!(changes(&cache.apply_event(Event::Apply(object("a", "u1", "2")))), ["a@1>a@2"]);
}

#[tokio::test]
async fn synced_means_one_complete_list() {
    let cache = Arc::new(cache());
    let waiting = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.wait_synced().await }
    });
    cache.apply_event(Event::Init);
    cache.apply_event(Event::InitApply(object("a", "u1", "1")));
    tokio::task::yield_now().await;
    assert!(!cache.is_synced() && !waiting.is_finished());
    cache.apply_event(Event::InitDone);
    waiting.await.unwrap();
    assert!(cache.is_synced() && cache.is_served());
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_complete_and_empty() {
    let cache = cache();
    cache.apply_event(Event::Init);
    assert!(cache.not_served().is_empty());
    cache.wait_synced().await;
    assert!(cache.is_synced() && !cache.is_served());

    // Its CRD arrives, and goes again.
    assert_eq!(changes(&relist(&cache, vec![object("a", "u1", "1")])), [">a@1"]);
    assert!(cache.is_served());
    assert_eq!(changes(&cache.not_served()), ["a@1>"]);
    assert!(cache.is_synced() && !cache.is_served());
}
