//! What probes and monitoring ask: `/livez`, `/readyz` and `/metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Metrics;
use crate::readiness::Readiness;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers on `listener` for ever.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, metrics: Metrics, readiness: Readiness) -> std::io::Result<()> {
    axum::serve(listener, router(metrics, readiness)).await
}

fn router(metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(exposition).with_state(metrics))
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let (ready, gates) = readiness.report();
    match ready {
        true => (StatusCode::OK, format!("{gates}ready\n")),
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("{gates}not ready\n")),
    }
}

async fn exposition(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, Response};
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, readiness: &Readiness) -> (StatusCode, Response<()>, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(Metrics::new(), readiness.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        (parts.status, Response::from_parts(parts, ()), text)
    }

    #[tokio::test]
    async fn lives_and_stands_by_from_the_start() {
        let readiness = Readiness::default();
        assert_eq!(ask("/livez", &readiness).await.0, StatusCode::OK);
        assert_eq!(ask("/readyz", &readiness).await.0, StatusCode::OK);
        assert_eq!(ask("/else", &readiness).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn is_ready_when_every_gate_is_open() {
        let readiness = Readiness::default();
        readiness.close("caches");
        readiness.open("other");
        let (status, _, text) = ask("/readyz", &readiness).await;
        assert_eq!(
            (status, text.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "[-] caches\n[+] other\nnot ready\n")
        );
        readiness.open("caches");
        let (status, _, text) = ask("/readyz", &readiness).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "[+] caches\n[+] other\nready\n"));
    }

    #[tokio::test]
    async fn metrics_say_what_format_they_are() {
        let (status, response, text) = ask("/metrics", &Readiness::default()).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], OPEN_METRICS);
        assert!(text.contains("serin_leader") && text.ends_with("# EOF\n"), "{text}");
    }
}
