//! One HTTP/1.1 exchange over a Unix socket.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::order::Order;

/// The longest answer that is read, in bytes. The status of a thousand lists is far shorter.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Nobody serves the socket, or this user may not open it.
    #[error("{0}; does the gate run, and may this user reach it?")]
    Connect(io::Error),
    /// The runtime can't be made.
    #[error(transparent)]
    Runtime(io::Error),
    /// The order can't be written as a request.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// The exchange broke off.
    #[error(transparent)]
    Exchange(#[from] hyper::Error),
    /// The answer broke off or is too long.
    #[error("the answer can't be read: {0}")]
    Answer(Box<dyn std::error::Error + Send + Sync>),
}

/// Gives an order and waits for the answer, however long a reload takes.
///
/// # Errors
/// See [`CallError`]. The gate may have done what was ordered all the same, unless it could not be
/// reached.
pub(super) fn call(socket: &Path, order: &Order) -> Result<(StatusCode, Bytes), CallError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CallError::Runtime)?.block_on(exchange(socket, order))
}

async fn exchange(socket: &Path, order: &Order) -> Result<(StatusCode, Bytes), CallError> {
    let stream = UnixStream::connect(socket).await.map_err(CallError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors come out of the sender too.
    tokio::spawn(connection);
    let response = sender.send_request(request(order)?).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    Ok((status, body.map_err(CallError::Answer)?.to_bytes()))
}

fn request(order: &Order) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = order.body.as_ref().map(|body| body.to_string()).unwrap_or_default();
    Request::builder()
        .method(&order.method)
        .uri(order.path)
        .header(header::HOST, "s3bouncer")
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))
}
