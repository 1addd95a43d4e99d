//! `GET /metrics` over HTTP, for Prometheus and for people.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use basalt_chain::Chain;
use basalt_pool::PoolHandle;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use prometheus::{Registry, TEXT_FORMAT};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::Metrics;

/// Connections at once: a Prometheus or two, and a person. Further ones wait until one is closed.
const CONNECTIONS_MAX: usize = 16;

/// How long one request may take, from its connection to the last byte of its answer.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// How long to wait when the system has no connection to give, such as when all file handles are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the figures come from.
pub(crate) struct Source {
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Heights.
    pub(crate) chain: Arc<Chain>,
    /// Waiting transactions.
    pub(crate) pool: PoolHandle,
}

/// A server at work.
pub(crate) struct MetricsServer {
    /// Where it listens, with the port it was given.
    pub(crate) local_addr: SocketAddr,
    /// Where other parts add their figures.
    pub(crate) registry: Registry,
    /// Dropped or used, it ends `serving`.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    counting: JoinHandle<()>,
}

impl MetricsServer {
    /// Counts, listens and answers until [`Self::stop`].
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub(crate) async fn start(address: SocketAddr, source: Source) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local_addr = listener.local_addr()?;
        // Subscribed at once, not when the task gets its turn: blocks may come any time now.
        let events = source.chain.subscribe();
        let registry = source.metrics.registry();
        let counting = tokio::spawn(Arc::clone(&source.metrics).follow(Arc::clone(&source.chain), events));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, Arc::new(source), stopped));
        Ok(Self { local_addr, registry, stop, serving, counting })
    }

    /// Stops, with all requests at work: afterwards nothing holds the chain any more.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.counting.abort();
        for task in [self.serving, self.counting] {
            // Its end is all that matters.
            let _ = task.await;
        }
    }
}

async fn serve(listener: TcpListener, source: Arc<Source>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            if connections.len() >= CONNECTIONS_MAX {
                connections.join_next().await;
            }
            listener.accept().await
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            _ = &mut stopped => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let source = Arc::clone(&source);
                // Who is slow, or hangs up, gets no answer.
                connections
                    .spawn(async move { drop(timeout(REQUEST_TIME_MAX, answer(stream, source)).await) });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection to the metrics was not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.shutdown().await;
}

/// One request and its answer: scrapes are seconds apart, so connections are not kept.
async fn answer(stream: TcpStream, source: Arc<Source>) -> hyper::Result<()> {
    let service = service_fn(|request| respond(request, &source));
    http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await
}

async fn respond(request: Request<Incoming>, source: &Source) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, text) = match (request.uri().path(), is_read) {
        ("/metrics", true) => match source.metrics.scrape(&source.chain, &source.pool).await {
            Ok(text) => (StatusCode::OK, TEXT_FORMAT, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        },
        ("/metrics", false) => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, "metrics are read with GET\n".to_owned())
        }
        _ => (StatusCode::NOT_FOUND, TEXT, "metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
    }
    Ok(response)
}

/// For people.
const TEXT: &str = "text/plain; charset=utf-8";
