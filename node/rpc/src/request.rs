//! One HTTP request before the transport sees it: its path, its origin, what it must name; and refusals beside JSON-RPC.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};

use crate::backend::GroupUnavailable;
use crate::error::{INVALID_REQUEST, NOT_FOUND, OVERSIZED, RpcError};
use crate::eth::MissedHeads;
use crate::path::Path;
use crate::server::Connection;
use crate::session::Session;

/// Finds the group of the path and completes the request, or says why it cannot be served.
pub(crate) fn prepare(
    connection: &Connection,
    mut request: HttpRequest<HttpBody>,
) -> Result<HttpRequest<HttpBody>, Box<HttpResponse>> {
    let not_found = |error: &RpcError| Box::new(refusal(StatusCode::NOT_FOUND, error));
    let path = match Path::parse(request.uri().path()) {
        Some(Path::Default) => None,
        Some(Path::Group(id)) => Some(id),
        None => {
            let found: String = request.uri().path().chars().take(80).collect();
            return Err(not_found(&RpcError::new(
                NOT_FOUND,
                format!("path {found:?} is not served; / is the default group and /group/<id> the group with that id"),
            )));
        }
    };
    if let Some(Err(error)) = path.map(|id| connection.shared.node.group(id)) {
        return Err(match error {
            GroupUnavailable::NotReady(_) => Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, &error.into())),
            GroupUnavailable::Missing(_) | GroupUnavailable::NotMember(_) => not_found(&error.into()),
        });
    }
    let websocket = request.headers().contains_key(header::UPGRADE);
    // Browsers hold fetches to CORS, and WebSockets to nothing: that check is the server's.
    if let Some(origin) = request
        .headers()
        .get(header::ORIGIN)
        .filter(|origin| !connection.shared.origins.accept(origin))
        && websocket
    {
        let shown = String::from_utf8_lossy(origin.as_bytes())
            .chars()
            .take(80)
            .collect::<String>();
        let error = RpcError::new(
            INVALID_REQUEST,
            format!("pages of {shown:?} are not let in by this listener"),
        );
        return Err(Box::new(refusal(StatusCode::FORBIDDEN, &error)));
    }
    if request.method() == Method::GET && !websocket {
        let error = RpcError::new(INVALID_REQUEST, "JSON-RPC is asked by POST, or by WebSocket");
        return Err(Box::new(refusal(StatusCode::METHOD_NOT_ALLOWED, &error)));
    }
    // FISCO's documents call with a bare `curl --data`, which names another type. A browser must name JSON, or a page
    // could send without a preflight.
    if request.method() == Method::POST && !request.headers().contains_key(header::ORIGIN) {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let session = Session {
        shared: Arc::clone(&connection.shared),
        path,
        connection: connection.number,
        websocket,
        access: connection.access.clone(),
        gate: Arc::clone(&connection.gate),
        missed_heads: MissedHeads::default(),
    };
    request.extensions_mut().insert(Arc::new(session));
    Ok(request)
}

/// An answer beside JSON-RPC, with its error as the body.
pub(crate) fn refusal(status: StatusCode, error: &RpcError) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(error_json(error)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The body of a refusal.
pub(crate) fn error_json(error: &RpcError) -> String {
    serde_json::json!({"jsonrpc": "2.0", "id": null, "error": {"code": error.code, "message": error.message}})
        .to_string()
}

/// What the transport calls an internal error: a body that names no length and turns out too long, or breaks off.
pub(crate) fn unreadable(limit: u32) -> HttpResponse {
    let error = format!("the body is longer than {limit} bytes, or its chunks are malformed");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, &RpcError::new(OVERSIZED, error))
}
