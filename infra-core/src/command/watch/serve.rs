//! `/metrics` and `/healthz`.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};

use super::Board;

/// How many are answered at once; more wait.
const AT_ONCE: usize = 32;
/// How long somebody may take to ask and to be answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request.
const LONGEST: usize = 16 << 10;

/// Serves the board until it is dropped.
pub async fn serve(board: Board, listener: TcpListener) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of sockets, mostly: others end soon.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let board = board.clone();
        let service = service_fn(move |request| answered(&board, &request));
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LONGEST);
        let answering = server.keep_alive(false).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // Who goes away or takes too long is not answered.
            drop(tokio::time::timeout(PATIENCE, answering).await);
            drop(permit);
        });
    }
}

fn answered(
    board: &Board,
    request: &Request<Incoming>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + use<> {
    let response = answer(board, request.method(), request.uri().path());
    async move { Ok(response) }
}

fn answer(board: &Board, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, kind, text) = match path {
        _ if !matches!(*method, Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned())
        }
        "/metrics" => (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", board.metrics()),
        "/healthz" => match board.health() {
            Ok(()) => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{why}\n")),
        },
        _ => {
            let text = "here are /metrics and /healthz\n".to_owned();
            (StatusCode::NOT_FOUND, "text/plain", text)
        }
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
