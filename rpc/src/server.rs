//! Start and stop the server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use basalt_rpc_api::{
    AuthorApiServer, BasaltApiServer, ChainApiServer, ChildStateApiServer, EngineApiServer, GrandpaApiServer,
    KeystoreApiServer, PaymentApiServer, StateApiServer, SystemApiServer, UNSAFE_METHODS,
};
use http::{Method, header};
use jsonrpsee::{
    RpcModule,
    server::{
        BatchRequestConfig, PingConfig, RandomStringIdProvider, ServerConfig, ServerHandle,
        middleware::http::ProxyGetRequestLayer,
    },
    types::ErrorObjectOwned,
};
use serde_json::json;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::{
    RpcError,
    author::Author,
    basalt::Basalt,
    chain::ChainFamily,
    child_state::ChildState,
    config::{Config, Cors},
    engine::Engine,
    error::Error,
    grandpa::Grandpa,
    keystore::Keys,
    limits,
    node::{Node, Services},
    origin::OriginLayer,
    payment::Payment,
    state::State,
    system::System,
};

/// How long browsers may remember that a page may use the node.
const PREFLIGHT_AGE_MAX: Duration = Duration::from_secs(3600);

/// Characters of a subscription id, random so that no client guesses another's. As the reference node.
const SUBSCRIPTION_ID_CHARS: usize = 16;

/// The server; see [`Server::start`].
#[derive(Debug)]
pub struct Server;

/// A server at work. It goes on when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the port it was given.
    pub local_addr: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    /// Stops listening, and waits until the calls at work are answered and all connections closed.
    pub async fn stop(self) {
        // An error says that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

impl Server {
    /// Listens and serves until [`Running::stop`], on the runtime it is called from.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn start(config: Config, services: Services) -> Result<Running, RpcError> {
        let wrong_address = |e| RpcError::listen(config.listen, e);
        let cors = Arc::new(config.cors);
        let unsafe_allowed = config.unsafe_methods.allowed_at(config.listen);
        let module = methods(services, config.response_bytes_max, unsafe_allowed)?;
        let health = ProxyGetRequestLayer::new([("/health", "system_health")])
            .map_err(|e| RpcError::Methods(e.to_string()))?;
        let layers = tower::ServiceBuilder::new()
            .layer(OriginLayer { cors: Arc::clone(&cors), loopback: config.listen.ip().is_loopback() })
            .layer(cors_layer(cors))
            .layer(health);
        let limits = ServerConfig::builder()
            .max_connections(config.connections_max)
            .max_subscriptions_per_connection(config.subscriptions_per_connection_max)
            .max_request_body_size(config.request_bytes_max)
            .max_response_body_size(config.response_bytes_max)
            .set_batch_request_config(BatchRequestConfig::Limit(config.batch_requests_max))
            .set_message_buffer_capacity(limits::MESSAGES_BUFFERED_MAX)
            .enable_ws_ping(
                PingConfig::new()
                    .ping_interval(config.ping_interval)
                    .inactive_limit(limits::PONG_WAIT)
                    .max_failures(limits::PINGS_MISSED_MAX),
            )
            .set_id_provider(RandomStringIdProvider::new(SUBSCRIPTION_ID_CHARS))
            .build();
        let server = jsonrpsee::server::Server::builder()
            .set_config(limits)
            .set_http_middleware(layers)
            .build(config.listen)
            .await
            .map_err(wrong_address)?;
        let local_addr = server.local_addr().map_err(wrong_address)?;
        if unsafe_allowed && !local_addr.ip().is_loopback() {
            tracing::warn!(%local_addr, "everybody who can connect may use the unsafe RPC methods");
        }
        tracing::info!(%local_addr, "RPC over HTTP and WebSocket");
        Ok(Running { local_addr, handle: server.start(module) })
    }
}

/// What the server tells browsers about pages that may use it.
fn cors_layer(cors: Arc<Cors>) -> CorsLayer {
    let origins = match *cors {
        Cors::All => AllowOrigin::from(Any),
        Cors::LocalAnd(_) => {
            AllowOrigin::predicate(move |origin, _| origin.to_str().is_ok_and(|origin| cors.allows(origin)))
        }
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(PREFLIGHT_AGE_MAX)
}

/// All methods that are served, and `rpc_methods`, which lists them.
fn methods(
    services: Services,
    response_bytes_max: u32,
    unsafe_allowed: bool,
) -> Result<RpcModule<()>, RpcError> {
    let (engine, keystore) = (services.engine.clone(), services.keystore.clone());
    let node = Node::new(services, response_bytes_max);
    let clash = |e: jsonrpsee::core::RegisterMethodError| RpcError::Methods(e.to_string());
    let mut module = RpcModule::new(());
    module.merge(ChainFamily(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(State(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(ChildState(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(Author(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(System(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(Grandpa(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    module.merge(Basalt(Arc::clone(&node)).into_rpc()).map_err(clash)?;
    if let Some(keystore) = keystore {
        module.merge(Keys { node: Arc::clone(&node), keystore }.into_rpc()).map_err(clash)?;
    }
    module.merge(Payment(node).into_rpc()).map_err(clash)?;
    if let Some(engine) = engine {
        module.merge(Engine(engine).into_rpc()).map_err(clash)?;
    }
    let refused: Vec<&'static str> = if unsafe_allowed {
        Vec::new()
    } else {
        UNSAFE_METHODS.iter().copied().filter(|name| module.remove_method(name).is_some()).collect()
    };
    let mut names: Vec<&str> = module.method_names().chain(["rpc_methods"]).collect();
    names.sort_unstable();
    let list = json!({ "methods": names });
    module.register_method("rpc_methods", move |_, (), _| list.clone()).map_err(clash)?;
    // Whoever calls them learns why they are missing, though they are not listed.
    for name in refused {
        module
            .register_method(name, |_, (), _| Err::<(), _>(ErrorObjectOwned::from(Error::Unsafe)))
            .map_err(clash)?;
    }
    Ok(module)
}
