//! What the pod shows to the outside: which version it is, and whether it is to be sent work.

use std::future::IntoFuture;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::consumer::Progress;
use crate::settings::{RoleOnly, Settings};
use crate::watch::Labels;

/// What is served.
#[derive(Clone, Debug)]
pub struct App {
    pub version: String,
    pub pod: String,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// Works on a queue.
    Worker { labels: watch::Receiver<Labels<Settings>>, progress: watch::Receiver<Progress> },
    /// Only serves, as a plain web application does.
    Web { labels: watch::Receiver<Labels<RoleOnly>> },
}

impl App {
    fn describe(&self) -> Value {
        let (role, queue, processed) = match &self.kind {
            Kind::Worker { labels, progress } => {
                let role = labels.borrow().settings.as_ref().map(|settings| settings.role.clone());
                let progress = progress.borrow();
                let queue = progress.consuming.as_ref().map(|settings| settings.rabbit_queue.clone());
                (role, queue, progress.processed)
            }
            Kind::Web { labels } => {
                (labels.borrow().settings.as_ref().map(|labels| labels.role.clone()), None, 0)
            }
        };
        json!({
            "version": self.version,
            "pod": self.pod,
            "role": role,
            "queue": queue,
            "processed": processed,
        })
    }

    /// Ready is who consumes by the settings that were last read: not during a change of role, and not with a role that
    /// is over.
    fn ready(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Web { .. } => Ok(()),
            Kind::Worker { labels, progress } => {
                let Labels { settings, problem } = labels.borrow().clone();
                if settings.is_none() {
                    return Err(problem.unwrap_or_else(|| "no labels".into()));
                }
                let progress = progress.borrow();
                if progress.consuming == settings {
                    return Ok(());
                }
                Err(progress.problem.clone().unwrap_or_else(|| "changing to the queue of its role".into()))
            }
        }
    }
}

/// Serves until `stop`, and finishes the requests that have begun.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(|State(app): State<App>| async move { Json(app.describe()) }))
        // Alive is who answers. What the broker does is no reason to restart this process.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(app);
    axum::serve(listener, router).with_graceful_shutdown(stop).into_future().await
}

async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    match app.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".into()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(role: &str) -> Settings {
        let queue = format!("queue-of-{role}");
        Settings { role: role.into(), rabbit_host: "h".into(), rabbit_port: 5672, rabbit_queue: queue }
    }

    #[test]
    fn ready_is_who_consumes_by_the_latest_settings() {
        let (labels, labels_seen) = watch::channel(Labels { settings: None, problem: None });
        let (progress, progress_seen) = watch::channel(Progress::default());
        let kind = Kind::Worker { labels: labels_seen, progress: progress_seen };
        let app = App { version: "v1".into(), pod: "p".into(), kind };
        assert!(app.ready().is_err(), "nothing read, nothing consumed");
        assert_eq!(app.describe()["role"], Value::Null);

        labels.send_modify(|labels| labels.settings = Some(settings("preview")));
        progress.send_modify(|progress| progress.problem = Some("connect to h:5672".into()));
        assert_eq!(app.ready(), Err("connect to h:5672".into()));

        progress.send_modify(|progress| progress.consuming = Some(settings("preview")));
        assert_eq!(app.ready(), Ok(()));
        assert_eq!(
            app.describe(),
            json!({"version": "v1", "pod": "p", "role": "preview", "queue": "queue-of-preview", "processed": 0})
        );

        labels.send_modify(|labels| labels.settings = Some(settings("active")));
        assert!(app.ready().is_err(), "still on the queue of before");
        assert_eq!(app.describe()["queue"], "queue-of-preview");
    }
}
