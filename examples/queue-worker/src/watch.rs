//! Notices that the labels have changed.
//!
//! The kubelet does not write into the file. It writes a new folder beside it and renames a symbolic link over another:
//!
//! ```text
//! /etc/podinfo/labels -> ..data/labels
//! /etc/podinfo/..data -> ..2026_11_25_09_41_07.1234567     this link is what changes
//! ```
//!
//! A watch on the file follows the links to an inode that goes away with the first change: it fires once and never
//! again. So the folder is watched, and the file is opened by its path each time, never by one resolved earlier.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};
use tracing::{debug, info, warn};

use crate::settings;

/// What is known of the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels<T> {
    /// The settings of the last reading that was any good. A bad one does not take them away.
    pub settings: Option<T>,
    /// What was wrong with the last reading.
    pub problem: Option<String>,
}

/// Reads the file now, and again whenever it may have changed, until nobody listens any more.
pub fn follow<T>(file: PathBuf, reread: Duration) -> watch::Receiver<Labels<T>>
where
    T: DeserializeOwned + PartialEq + Clone + Debug + Send + Sync + 'static,
{
    let (labels, receiver) = watch::channel(Labels { settings: None, problem: None });
    update(&labels, &file);
    tokio::spawn(async move {
        let touched = Arc::new(Notify::new());
        let mut watcher = None;
        let mut complained = false;
        let mut timer = tokio::time::interval(reread);
        loop {
            // First the watch, then the file: what changes in between is not missed.
            if watcher.is_none() {
                watcher = watch_folder_of(&file, touched.clone(), &mut complained);
            }
            update(&labels, &file);
            // Why a timer, too: each user of a node has 128 inotify instances unless its administrator says otherwise,
            // and all containers of that user share them; some sandboxes and network file systems send no events at
            // all. A pod that misses its promotion works on the wrong queue for ever, and a read costs microseconds.
            tokio::select! {
                () = touched.notified() => {}
                _ = timer.tick() => {}
                () = labels.closed() => return,
            }
        }
    });
    receiver
}

fn watch_folder_of(file: &Path, touched: Arc<Notify>, complained: &mut bool) -> Option<RecommendedWatcher> {
    let folder = file.parent()?;
    let on_event = move |event: notify::Result<Event>| {
        // Reading is an event as well: answering it by reading would never end.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            touched.notify_one();
        }
    };
    let watcher = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watcher
        .inspect_err(|error| {
            if !*complained {
                warn!(folder = %folder.display(), %error, "no watch on the folder of the labels: reading it by the clock");
                *complained = true;
            }
        })
        .ok()
}

/// Reads the file. Whoever listens is woken only if it says something else than before: a change of labels that are not
/// settings is none.
fn update<T>(labels: &watch::Sender<Labels<T>>, file: &Path)
where
    T: DeserializeOwned + PartialEq + Clone + Debug,
{
    // A few hundred bytes from memory: not worth a thread for blocking work.
    let read = settings::read::<T>(file);
    labels.send_if_modified(|labels| {
        let new = match read {
            Ok(settings) => Labels { settings: Some(settings), problem: None },
            Err(error) => Labels { settings: labels.settings.clone(), problem: Some(error.to_string()) },
        };
        if *labels == new {
            return false;
        }
        match (&new.settings, &new.problem) {
            (Some(settings), None) => info!(?settings, "read from the labels"),
            (Some(settings), Some(problem)) => warn!(%problem, ?settings, "keeping the settings of before"),
            (None, problem) => debug!(problem, "no settings yet"),
        }
        *labels = new;
        true
    });
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::settings::Settings;

    /// A folder that changes as the kubelet changes it.
    struct Podinfo {
        folder: tempfile::TempDir,
        version: u32,
    }

    impl Podinfo {
        fn new(text: &str) -> Self {
            let mut podinfo = Self { folder: tempfile::tempdir().unwrap(), version: 0 };
            podinfo.write(text);
            symlink("..data/labels", podinfo.file()).unwrap();
            podinfo
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("labels")
        }

        fn write(&mut self, text: &str) {
            let old = format!("..2026_11_25_09_41_07.{}", self.version);
            self.version += 1;
            let new = format!("..2026_11_25_09_41_07.{}", self.version);
            let folder = self.folder.path();
            std::fs::create_dir(folder.join(&new)).unwrap();
            std::fs::write(folder.join(&new).join("labels"), text).unwrap();
            symlink(&new, folder.join("..data_tmp")).unwrap();
            std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
            if folder.join(&old).exists() {
                std::fs::remove_dir_all(folder.join(&old)).unwrap();
            }
        }
    }

    fn labels(role: &str, other: &str) -> String {
        format!(
            "other=\"{other}\"\nrabbitHost=\"h\"\nrabbitPort=\"5672\"\nrabbitQueue=\"q\"\nrole=\"{role}\""
        )
    }

    type Receiver = watch::Receiver<Labels<Settings>>;

    async fn until(receiver: &mut Receiver, what: impl Fn(&Labels<Settings>) -> bool) -> Labels<Settings> {
        let found =
            tokio::time::timeout(Duration::from_secs(5), receiver.wait_for(|labels| what(labels))).await;
        found.expect("within 5 s").expect("still read").clone()
    }

    fn role(labels: &Labels<Settings>) -> Option<&str> {
        labels.settings.as_ref().map(|settings| settings.role.as_str())
    }

    const HOUR: Duration = Duration::from_secs(3600);

    /// Many times, because a watch on the file would see the first one, too.
    #[tokio::test]
    async fn every_swap_is_seen_at_once_and_not_by_the_clock() {
        let mut podinfo = Podinfo::new(&labels("role-0", ""));
        let mut receiver = follow(podinfo.file(), HOUR);
        assert_eq!(role(&receiver.borrow_and_update()), Some("role-0"), "read before it returns");
        for n in 1..20 {
            let new = format!("role-{n}");
            podinfo.write(&labels(&new, ""));
            until(&mut receiver, |labels| role(labels) == Some(&new)).await;
        }
    }

    #[tokio::test]
    async fn a_file_that_is_written_in_place_is_seen_and_reading_it_causes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("labels");
        std::fs::write(&file, labels("preview", "")).unwrap();
        let touched = Arc::new(Notify::new());
        let watcher = watch_folder_of(&file, touched.clone(), &mut false);
        assert!(watcher.is_some());
        for _ in 0..3 {
            settings::read::<Settings>(&file).unwrap();
        }
        let quiet = tokio::time::timeout(Duration::from_millis(200), touched.notified()).await;
        assert!(quiet.is_err(), "woken by its own reading");

        let mut receiver = follow(file.clone(), HOUR);
        std::fs::write(&file, labels("active", "")).unwrap();
        until(&mut receiver, |labels| role(labels) == Some("active")).await;
    }

    #[tokio::test]
    async fn other_labels_wake_nobody() {
        let mut podinfo = Podinfo::new(&labels("preview", "1"));
        let mut receiver = follow::<Settings>(podinfo.file(), HOUR);
        receiver.mark_unchanged();
        podinfo.write(&labels("preview", "2"));
        podinfo.write(&labels("active", "3"));
        receiver.changed().await.unwrap();
        assert_eq!(role(&receiver.borrow()), Some("active"), "the first thing that is heard of");
    }

    #[tokio::test]
    async fn a_bad_reading_leaves_the_last_good_settings() {
        let mut podinfo = Podinfo::new(&labels("preview", ""));
        let mut receiver = follow(podinfo.file(), HOUR);
        podinfo.write("rabbitHost=\"h\"");
        let bad = until(&mut receiver, |labels| labels.problem.is_some()).await;
        assert_eq!(role(&bad), Some("preview"));
        assert!(bad.problem.as_ref().is_some_and(|text| text.ends_with("label role is missing")), "{bad:?}");
        podinfo.write(&labels("active", ""));
        let good = until(&mut receiver, |labels| role(labels) == Some("active")).await;
        assert_eq!(good.problem, None);
    }

    #[tokio::test]
    async fn the_clock_finds_what_no_event_announces() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("later").join("labels");
        let mut receiver = follow(file.clone(), Duration::from_millis(50));
        let nothing = until(&mut receiver, |labels| labels.problem.is_some()).await;
        assert_eq!(nothing.settings, None);
        std::fs::create_dir(folder.path().join("later")).unwrap();
        std::fs::write(&file, labels("preview", "")).unwrap();
        until(&mut receiver, |labels| role(labels) == Some("preview")).await;
    }
}
