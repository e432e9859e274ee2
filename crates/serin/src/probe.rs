//! `serin probe`: asks a running operator whether it is ready, as `helm test` does, without another image.

use std::time::Duration;

use anyhow::{Context as _, bail};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::args::ProbeArgs;

/// How long one question may take.
const CALL: Duration = Duration::from_secs(5);

/// How long is waited between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs `serin probe`: asks until the answer is yes.
///
/// # Errors
/// The answer was still another one, or none, when the time was up. It is part of the error.
pub async fn run(args: ProbeArgs) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(args.timeout);
    loop {
        let answer = timeout(CALL, ask(&args.url)).await.context("no answer in time").flatten();
        match answer {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() + PAUSE >= until => {
                return Err(error.context(format!("{} is not ready", args.url)));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn ask(url: &Uri) -> anyhow::Result<()> {
    let authority = url.authority().context("the URL has no host")?;
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.context("cannot connect")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(url.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority.as_str())
        .body(Empty::<Bytes>::new())?;
    // Takes the sender with it: the connection ends when nobody can send any more.
    let exchange = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        anyhow::Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    let (answer, _) = tokio::join!(exchange, async { drop(connection.await) });
    match answer? {
        (StatusCode::OK, _) => Ok(()),
        (status, body) => bail!("{status}: {}", body.trim()),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    async fn served(status: StatusCode) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/readyz", get(move || async move { (status, "caches\n") }));
        tokio::spawn(async { axum::serve(listener, router).await });
        format!("http://{address}/readyz")
    }

    async fn probe(url: String) -> anyhow::Result<()> {
        run(ProbeArgs { url: url.parse().unwrap(), timeout: 0 }).await
    }

    #[tokio::test]
    async fn a_ready_operator_passes() {
        probe(served(StatusCode::OK).await).await.unwrap();
    }

    #[tokio::test]
    async fn what_it_says_instead_is_part_of_the_error() {
        let error = probe(served(StatusCode::SERVICE_UNAVAILABLE).await).await.unwrap_err();
        assert!(format!("{error:#}").ends_with("is not ready: 503 Service Unavailable: caches"), "{error:#}");
    }

    #[tokio::test]
    async fn nobody_there_is_told() {
        let error = probe("http://127.0.0.1:1/readyz".to_owned()).await.unwrap_err();
        assert!(format!("{error:#}").contains("cannot connect"), "{error:#}");
    }
}
