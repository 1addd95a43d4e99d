//! Refuse requests that a browser sends on behalf of a foreign web page.
//!
//! CORS alone does not do this: browsers let any page open a WebSocket to `localhost` and tell the server only through
//! the `Origin` header. Programs other than browsers send none, or one that names the host they connect to.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::{Either, Ready, ready};
use http::{HeaderMap, StatusCode, header};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tower::{Layer, Service};

use crate::config::Cors;

/// Wraps a service so that foreign pages are refused.
#[derive(Clone, Debug)]
pub(crate) struct OriginLayer {
    /// Which pages may use the node.
    pub(crate) cors: Arc<Cors>,
    /// Whether only this machine can connect.
    pub(crate) loopback: bool,
}

/// A service that foreign pages cannot use.
#[derive(Clone, Debug)]
pub(crate) struct OriginCheck<S> {
    inner: S,
    rule: OriginLayer,
}

impl OriginLayer {
    /// The origin, if it is one to refuse.
    fn refused<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        // What is no text matches nothing that is allowed.
        let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or("");
        // Some Python clients make up an origin from the URL they connect to. On a public address that proves nothing
        // worse than a program; on loopback a page could have rebound its own name to 127.0.0.1.
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let same_host =
            !self.loopback && origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
        (!same_host && !self.cors.allows(origin)).then_some(origin)
    }
}

impl<S> Layer<S> for OriginLayer {
    type Service = OriginCheck<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OriginCheck { inner, rule: self.clone() }
    }
}

impl<S, B> Service<HttpRequest<B>> for OriginCheck<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Either<Ready<Result<HttpResponse, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let Some(origin) = self.rule.refused(request.headers()) else {
            return Either::Right(self.inner.call(request));
        };
        let text = format!(
            "pages from {origin} may not use this node; its operator can allow them with --rpc-cors {origin}\n"
        );
        let mut response = HttpResponse::new(HttpBody::from(text));
        *response.status_mut() = StatusCode::FORBIDDEN;
        Either::Left(ready(Ok(response)))
    }
}
