//! The swarm: transports, and the behaviours of libp2p beside ours.

use std::{sync::Arc, time::Duration};

use libp2p::{
    PeerId, StreamProtocol, Swarm, Transport, autonat,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    dcutr, dns, identify,
    identity::Keypair,
    kad::{self, store::MemoryStore},
    mdns, noise, ping, relay,
    swarm::{Config as SwarmConfig, NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, websocket, yamux,
};

use crate::{
    Config, NetworkError, Plane, admission::Admission, behaviour, clock::Clock, gate::Gate,
    handler::Protocols, limits, plane::chain_protocol,
};

#[cfg(feature = "upnp")]
type Upnp = libp2p::upnp::tokio::Behaviour;
#[cfg(not(feature = "upnp"))]
type Upnp = libp2p::swarm::dummy::Behaviour;

#[cfg(feature = "upnp")]
fn upnp() -> Result<Upnp, NetworkError> {
    Ok(Upnp::default())
}

#[cfg(not(feature = "upnp"))]
fn upnp() -> Result<Upnp, NetworkError> {
    Err(NetworkError::Transport {
        what: "UPnP",
        detail:
            "this program was built without it; open the port on the router, or build with --features upnp"
                .into(),
    })
}

/// Everything that runs on connections. Ours is the last, so that it hears only of what no other turns down.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviours {
    pub(crate) identify: Gate<identify::Behaviour>,
    ping: ping::Behaviour,
    pub(crate) kademlia: Toggle<Gate<kad::Behaviour<MemoryStore>>>,
    mdns: Toggle<mdns::tokio::Behaviour>,
    autonat_client: Toggle<autonat::v2::client::Behaviour>,
    autonat_server: Toggle<autonat::v2::server::Behaviour>,
    relay_server: Toggle<relay::Behaviour>,
    relay_client: Toggle<relay::client::Behaviour>,
    dcutr: Toggle<dcutr::Behaviour>,
    upnp: Toggle<Upnp>,
    pub(crate) planes: behaviour::Behaviour,
}

/// Makes the swarm. It listens nowhere yet.
pub(crate) fn swarm(
    config: &Config,
    keypair: &Keypair,
    clock: Clock,
) -> Result<Swarm<Behaviours>, NetworkError> {
    let local = keypair.public().to_peer_id();
    let (transport, relay_client) = transport(config, keypair)?;
    let behaviours = behaviours(config, keypair, clock, relay_client)?;
    let swarm_config = SwarmConfig::with_tokio_executor()
        .with_idle_connection_timeout(config.connections.idle_timeout)
        .with_max_negotiating_inbound_streams(limits::STREAMS_NEGOTIATING_MAX);
    Ok(Swarm::new(transport, behaviours, local, swarm_config))
}

type Connections = Boxed<(PeerId, StreamMuxerBox)>;

fn multiplexing() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(limits::STREAMS_PER_CONNECTION_MAX);
    config
}

fn transport(
    config: &Config,
    keypair: &Keypair,
) -> Result<(Connections, Option<relay::client::Behaviour>), NetworkError> {
    let failed = |what| move |detail: String| NetworkError::Transport { what, detail };
    let encryption = noise::Config::new(keypair).map_err(|e| failed("encryption")(e.to_string()))?;
    let with_names = || {
        let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
        dns::tokio::Transport::system(tcp).map_err(|e| failed("name resolution")(e.to_string()))
    };
    let streams = websocket::Config::new(with_names()?).or_transport(with_names()?);
    let plain = streams
        .upgrade(Version::V1Lazy)
        .authenticate(encryption.clone())
        .multiplex(multiplexing())
        .timeout(limits::UPGRADE_TIMEOUT)
        .boxed();
    #[cfg(feature = "quic")]
    let plain = {
        let quic = libp2p::quic::tokio::Transport::new(libp2p::quic::Config::new(keypair));
        let quic = quic.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
        let quic =
            dns::tokio::Transport::system(quic).map_err(|e| failed("name resolution")(e.to_string()))?;
        quic.or_transport(plain).map(|either, _| either.into_inner()).boxed()
    };
    if !config.reach.relay_client {
        return Ok((plain, None));
    }
    let (relayed, behaviour) = relay::client::new(keypair.public().to_peer_id());
    let relayed = relayed
        .upgrade(Version::V1Lazy)
        .authenticate(encryption)
        .multiplex(multiplexing())
        .timeout(limits::UPGRADE_TIMEOUT)
        .boxed();
    let all = relayed.or_transport(plain).map(|either, _| either.into_inner()).boxed();
    Ok((all, Some(behaviour)))
}

fn behaviours(
    config: &Config,
    keypair: &Keypair,
    clock: Clock,
    relay_client: Option<relay::client::Behaviour>,
) -> Result<Behaviours, NetworkError> {
    let local = keypair.public().to_peer_id();
    let identify = identify::Config::new(limits::IDENTIFY_PROTOCOL.to_owned(), keypair.public())
        .with_agent_version(config.agent.clone())
        // Who is where, our own store knows.
        .with_cache_size(0);
    let ping = ping::Config::new().with_interval(limits::PING_PERIOD).with_timeout(limits::PING_TIMEOUT);
    let mdns = match config.discovery.mdns {
        true => Some(
            mdns::tokio::Behaviour::new(mdns::Config::default(), local)
                .map_err(|e| NetworkError::Transport { what: "mDNS", detail: e.to_string() })?,
        ),
        false => None,
    };
    let reach = config.reach;
    let has_relay = relay_client.is_some();
    Ok(Behaviours {
        identify: Gate::new(identify::Behaviour::new(identify), limits::IDENTIFY_RATE, clock),
        ping: ping::Behaviour::new(ping),
        kademlia: config
            .discovery
            .kademlia
            .then(|| kademlia(config, local))
            .transpose()?
            .map(|kademlia| Gate::new(kademlia, limits::KADEMLIA_RATE, clock))
            .into(),
        mdns: mdns.into(),
        autonat_client: reach.autonat.then(autonat::v2::client::Behaviour::default).into(),
        autonat_server: reach.autonat.then(autonat::v2::server::Behaviour::default).into(),
        relay_server: reach
            .relay_server
            .then(|| relay::Behaviour::new(local, relay::Config::default()))
            .into(),
        relay_client: relay_client.into(),
        dcutr: (reach.dcutr && has_relay).then(|| dcutr::Behaviour::new(local)).into(),
        upnp: reach.upnp.then(upnp).transpose()?.into(),
        planes: behaviour::Behaviour::new(
            protocols(config)?,
            clock,
            Admission::new(config.connections, config.reserved_only),
        ),
    })
}

fn protocol(name: String) -> Result<StreamProtocol, NetworkError> {
    StreamProtocol::try_from_owned(name)
        .map_err(|e| NetworkError::Transport { what: "a protocol name", detail: e.to_string() })
}

fn protocols(config: &Config) -> Result<Protocols, NetworkError> {
    let names: Result<Vec<_>, _> =
        Plane::ALL.into_iter().map(|plane| protocol(plane.protocol(config.genesis))).collect();
    Ok(Arc::from(names?))
}

fn kademlia(config: &Config, local: PeerId) -> Result<kad::Behaviour<MemoryStore>, NetworkError> {
    let mut kademlia = kad::Config::new(protocol(chain_protocol(config.genesis, "kad"))?);
    kademlia
        // Peers only, no records: they come to us as events, which drop them.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_record_ttl(None)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        // Only those whose handshake succeeded.
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        // We ask when we look for peers.
        .set_periodic_bootstrap_interval(None)
        .set_query_timeout(Duration::from_secs(20));
    let mut kademlia = kad::Behaviour::with_config(local, MemoryStore::new(local), kademlia);
    // With AutoNAT it finds out by itself whether it can serve.
    if !config.reach.autonat {
        kademlia.set_mode(Some(kad::Mode::Server));
    }
    Ok(kademlia)
}
