//! A bare reverse proxy: the framework and the HTTP library of the product, and nothing around them.
//! It passes bodies through as they come and looks at none of them.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::{Authority, Scheme};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::child;

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    upstream: Authority,
}

/// The process: prints its address, and ends when its standard input does.
pub async fn serve(upstream: SocketAddr) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let proxy = Proxy {
        client: Client::builder(TokioExecutor::new()).build(connector),
        upstream: upstream.to_string().parse()?,
    };
    let router = Router::new().fallback(forward).with_state(proxy);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        () = child::orphaned() => {}
    }
    Ok(())
}

async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(proxy.upstream);
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    match proxy.client.request(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(error) => {
            eprintln!("the bare proxy: {error}");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}
