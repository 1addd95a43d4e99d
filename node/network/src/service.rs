//! The one task that owns the swarm: who is connected, who is dialled, who is sent away.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use basalt_primitives::Moment;
use futures::StreamExt;
use libp2p::{
    Swarm, kad, mdns, ping,
    swarm::{
        ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};

use crate::{
    Config, Cost, Heads, Multiaddr, NetworkError, NetworkHandle, PeerId,
    addresses::believable,
    backoff, behaviour,
    clock::Clock,
    events::{
        BlockRequestReceiver, ConsensusReceiver, PeerEventReceiver, PeerEvents, Receivers,
        TransactionReceiver,
    },
    gate,
    gossip::{Gossip, Votes},
    handle::Command,
    identity, limits,
    mailbox::Mailbox,
    metrics::Metrics,
    peer_store::{Consequence, PeerStore, Redial, file},
    queue::FairQueue,
    service::links::{Link, Live, Note},
    shared::{Charges, Shared},
    transport::{self, Behaviours, BehavioursEvent},
};

mod links;

/// Stops the network. When it is dropped, the network stops, too, but nobody waits for the file of peers.
#[derive(Debug)]
pub struct NetworkService {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl NetworkService {
    /// Closes all connections, and returns when the peer store is on disk.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // It ends by itself or has panicked, which the runtime has reported.
        let _ = self.task.await;
    }
}

/// Starts the network within the current tokio runtime.
///
/// # Errors
///
/// If the identity or the peer store cannot be read, an address names no peer where it must, or no address to listen on can be
/// used.
pub fn start(
    config: Config,
    heads: Heads,
) -> Result<(NetworkHandle, Receivers, NetworkService), NetworkError> {
    let keypair = identity::load(&config.identity)?;
    let local = PeerId(keypair.public().to_peer_id());
    let clock = Clock::start();
    let known = match &config.folder {
        Some(folder) => file::read(folder)?,
        None => Vec::new(),
    };
    let metrics =
        Metrics::new().map_err(|e| NetworkError::Transport { what: "the metrics", detail: e.to_string() })?;
    let mut swarm = transport::swarm(&config, &keypair, clock)?;
    for address in &config.listen {
        swarm
            .listen_on(address.0.clone())
            .map_err(|e| NetworkError::Listen { address: address.clone(), detail: e.to_string() })?;
    }
    for address in &config.external {
        swarm.add_external_address(address.clone().without_peer().0);
    }
    let (block_requests, incoming) = mpsc::channel(limits::BLOCK_REQUESTS_QUEUE);
    let (commands, orders) = mpsc::channel(limits::COMMANDS_QUEUE);
    let (listening, listening_at) = watch::channel(Vec::new());
    let shared = Arc::new(Shared {
        local,
        roles: config.roles,
        clock,
        metrics,
        peers: RwLock::default(),
        heads: watch::Sender::new(heads),
        listening,
        charges: Mailbox::new(Charges::default()),
        votes: Mutex::new(Votes::new()),
        gossip: Mutex::new(Gossip::new()),
        consensus_inbox: Arc::new(Mailbox::new(FairQueue::new(limits::CONSENSUS_QUEUE))),
        transactions_inbox: Arc::new(Mailbox::new(FairQueue::new(limits::TRANSACTIONS_INBOX))),
        peer_events: Arc::new(Mailbox::new(PeerEvents::default())),
        block_requests,
        serving: Arc::new(Semaphore::new(limits::REQUESTS_SERVED_MAX)),
        asking: Arc::new(Semaphore::new(limits::REQUESTS_OPEN_MAX)),
        pulling: Arc::new(Semaphore::new(limits::PULLS_OPEN_MAX)),
    });
    let receivers = Receivers {
        consensus: ConsensusReceiver(Arc::clone(&shared.consensus_inbox)),
        transactions: TransactionReceiver(Arc::clone(&shared.transactions_inbox)),
        block_requests: BlockRequestReceiver(incoming),
        peers: PeerEventReceiver(Arc::clone(&shared.peer_events)),
    };
    let store = PeerStore::restore(known, clock.now());
    let (notes_in, notes) = mpsc::channel(limits::COMMANDS_QUEUE);
    let mut service = Service {
        redial: Redial {
            first: config.connections.redial_first,
            max: config.connections.redial_max,
            reserved_max: config.connections.redial_reserved_max,
        },
        config,
        shared: Arc::clone(&shared),
        swarm,
        store,
        links: HashMap::new(),
        live: HashMap::new(),
        dialing: HashMap::new(),
        notes_in,
        stored_at: clock.now(),
        discovered_at: 0,
        discoveries: 0,
    };
    service.prepare()?;
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(service.run(orders, notes, stopped));
    let handle = NetworkHandle { shared, commands, listening: listening_at };
    tracing::info!(peer_id = %local, "network started");
    Ok((handle, receivers, NetworkService { stop, task }))
}

struct Service {
    config: Config,
    redial: Redial,
    shared: Arc<Shared>,
    swarm: Swarm<Behaviours>,
    store: PeerStore,
    /// All connections.
    links: HashMap<ConnectionId, Link>,
    /// All peers whose handshake succeeded.
    live: HashMap<PeerId, Live>,
    /// Dials under way.
    dialing: HashMap<ConnectionId, Option<PeerId>>,
    notes_in: mpsc::Sender<Note>,
    stored_at: Moment,
    discovered_at: Moment,
    /// How often Kademlia was asked since the last new peer.
    discoveries: u32,
}

impl Service {
    /// Takes over what the configuration and the file know of peers.
    fn prepare(&mut self) -> Result<(), NetworkError> {
        let now = self.shared.now();
        for peer in self.store.banned(now) {
            self.admission().set_banned(peer, true);
        }
        let (bootnodes, reserved) = (self.config.bootnodes.clone(), self.config.reserved.clone());
        if bootnodes.len() + reserved.len() > limits::RESERVED_MAX {
            let max = limits::RESERVED_MAX;
            return Err(NetworkError::TooMany { what: "reserved peers and boot nodes", max });
        }
        for address in bootnodes {
            let peer = address.peer().ok_or_else(|| NetworkError::NoPeer { address: address.clone() })?;
            self.store.set_bootnode(peer, now);
            self.store.add_address(peer, address, now);
        }
        for address in reserved {
            self.reserve(address)?;
        }
        Ok(())
    }

    async fn run(
        mut self,
        mut orders: mpsc::Receiver<Command>,
        mut notes: mpsc::Receiver<Note>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut tick = tokio::time::interval(limits::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shared = Arc::clone(&self.shared);
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                event = self.swarm.select_next_some() => self.on_swarm(event),
                Some(note) = notes.recv() => self.on_note(note),
                Some((peer, cost, times)) = shared.charges.take(Charges::pop) => self.on_charge(peer, cost, times),
                Some(command) = orders.recv() => self.on_command(command),
                _ = tick.tick() => self.on_tick(),
            }
        }
        for (_, live) in self.live.drain() {
            live.stop();
        }
        shared.peers.write().clear();
        shared.consensus_inbox.close();
        shared.transactions_inbox.close();
        shared.peer_events.close();
        if let Some(folder) = &self.config.folder
            && let Err(error) = file::write(folder, &self.store.entries(shared.now()))
        {
            tracing::warn!(%error, "the known peers were not written");
        }
        tracing::info!("network stopped");
    }

    fn admission(&mut self) -> &mut crate::admission::Admission<ConnectionId> {
        &mut self.swarm.behaviour_mut().planes.admission
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehavioursEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                let address = Multiaddr(address).without_peer();
                self.shared.listening.send_modify(|all| all.push(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let address = Multiaddr(address).without_peer();
                self.shared.listening.send_modify(|all| all.retain(|other| *other != address));
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a listener failed once"),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(?addresses, ?reason, "no longer listening");
                let gone: Vec<Multiaddr> =
                    addresses.into_iter().map(|address| Multiaddr(address).without_peer()).collect();
                self.shared.listening.send_modify(|all| all.retain(|other| !gone.contains(other)));
            }
            SwarmEvent::ConnectionEstablished { connection_id, .. } => {
                self.dialing.remove(&connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.dialing.remove(&connection_id);
                self.on_dial_failed(peer_id.map(PeerId), &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(address = %send_back_addr, %error, "an incoming connection failed");
            }
            _ => {}
        }
    }

    fn on_dial_failed(&mut self, peer: Option<PeerId>, error: &DialError) {
        // Somebody else is there already, or at it.
        if matches!(error, DialError::DialPeerConditionFalse(_)) {
            return;
        }
        tracing::debug!(?peer, %error, "dial failed");
        self.shared.metrics.dials_failed.inc();
        if let Some(peer) = peer {
            let now = self.shared.now();
            self.store.failed(&peer, &self.redial, backoff::random(), now);
        }
    }

    fn on_behaviour(&mut self, event: BehavioursEvent) {
        match event {
            BehavioursEvent::Planes(event) => self.on_planes(event),
            BehavioursEvent::Ping(ping::Event { peer, connection, result }) => match result {
                Ok(time) => {
                    if let Some(live) = self.live.get(&PeerId(peer)) {
                        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                        live.peer.details.lock().ping_ms = Some(ms);
                    }
                }
                Err(ping::Failure::Unsupported) => {}
                Err(error) => {
                    tracing::debug!(%peer, %error, "no answer to a ping: closing the connection");
                    self.swarm.close_connection(connection);
                }
            },
            BehavioursEvent::Identify(gate::Event::Inner(libp2p::identify::Event::Received {
                connection_id,
                info,
                ..
            })) => self.on_identified(connection_id, info),
            BehavioursEvent::Identify(gate::Event::Excess(peer))
            | BehavioursEvent::Kademlia(gate::Event::Excess(peer)) => {
                self.shared.charge(PeerId(peer), Cost::Flood, 8);
            }
            BehavioursEvent::Kademlia(gate::Event::Inner(kad::Event::OutboundQueryProgressed {
                result: kad::QueryResult::GetClosestPeers(result),
                ..
            })) => {
                let peers = match result {
                    Ok(found) => found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                let private = self.config.discovery.private_addresses;
                for found in peers {
                    self.learn(PeerId(found.peer_id), found.addrs, private);
                }
            }
            BehavioursEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.learn(PeerId(peer), vec![address], true);
                }
            }
            _ => {}
        }
    }

    /// Takes in addresses that others tell.
    fn learn(&mut self, peer: PeerId, addresses: Vec<libp2p::Multiaddr>, private: bool) {
        if peer == self.shared.local {
            return;
        }
        let now = self.shared.now();
        for address in addresses.into_iter().take(limits::ADDRESSES_PER_PEER_MAX).map(Multiaddr) {
            if believable(&address, &peer, private) {
                self.store.add_address(peer, address, now);
            }
        }
    }

    fn on_charge(&mut self, peer: PeerId, cost: Cost, times: u32) {
        let now = self.shared.now();
        self.shared.metrics.charges.with_label_values(&[cost.name()]).inc_by(times.into());
        let consequence = self.store.charge(peer, cost, times, now);
        let score = self.store.score(&peer, now);
        tracing::debug!(%peer, cost = cost.name(), times, score, ?consequence, "charged");
        match consequence {
            Consequence::None => {}
            Consequence::Disconnect => {
                if self.swarm.disconnect_peer_id(peer.0).is_ok() {
                    tracing::info!(%peer, score, cost = cost.name(), "disconnected: too much is held against the peer");
                }
            }
            Consequence::Ban(until) => self.shut_out(peer, until, cost.name()),
        }
    }

    /// Puts a ban into effect.
    fn shut_out(&mut self, peer: PeerId, until: Moment, why: &str) {
        let seconds = until.saturating_sub(self.shared.now()) / 1_000;
        tracing::warn!(%peer, seconds, why, "banned");
        self.shared.metrics.bans.inc();
        self.admission().set_banned(peer, true);
        self.shared.consensus_inbox.update(|queue| queue.remove(&peer));
        let unread = self.shared.transactions_inbox.update(|queue| queue.remove(&peer));
        self.shared.forget_transactions(&unread);
        if let Some(kademlia) = self.swarm.behaviour_mut().kademlia.as_mut() {
            kademlia.inner.remove_peer(&peer.0);
        }
        let _ = self.swarm.disconnect_peer_id(peer.0);
    }

    fn on_command(&mut self, command: Command) {
        let now = self.shared.now();
        // Who asked may have given up.
        match command {
            Command::Dial(address, reply) => {
                let _ = reply.send(self.dial_once(address));
            }
            Command::Reserve(address, reply) => {
                let reserved = self.reserve(address);
                self.dial_missing(now);
                let _ = reply.send(reserved);
            }
            Command::Unreserve(peer, reply) => {
                let was = self.admission().is_reserved(&peer);
                if was {
                    self.set_reserved(peer, false);
                }
                let _ = reply.send(was);
            }
            Command::Ban(peer, time, reply) => {
                match self.store.ban(peer, time, now) {
                    Some(until) => self.shut_out(peer, until, "by command"),
                    None => drop(self.swarm.disconnect_peer_id(peer.0)),
                }
                let _ = reply.send(());
            }
            Command::Unban(peer, reply) => {
                self.admission().set_banned(peer, false);
                let _ = reply.send(self.store.unban(&peer));
            }
            Command::Banned(reply) => {
                let _ = reply.send(self.store.banned(now));
            }
            Command::Disconnect(peer, reply) => {
                let _ = reply.send(self.swarm.disconnect_peer_id(peer.0).is_ok());
            }
        }
    }

    fn reserve(&mut self, address: Multiaddr) -> Result<PeerId, NetworkError> {
        let now = self.shared.now();
        let peer = address.peer().ok_or_else(|| NetworkError::NoPeer { address: address.clone() })?;
        if peer == self.shared.local {
            // One list for all nodes of a network is a convenience that we do not refuse.
            return Ok(peer);
        }
        let reserved = self.admission().reserved().count();
        if reserved >= limits::RESERVED_MAX && !self.admission().is_reserved(&peer) {
            return Err(NetworkError::TooMany { what: "reserved peers", max: limits::RESERVED_MAX });
        }
        self.set_reserved(peer, true);
        self.admission().set_banned(peer, false);
        self.store.add_address(peer, address, now);
        Ok(peer)
    }

    fn set_reserved(&mut self, peer: PeerId, reserved: bool) {
        let now = self.shared.now();
        self.admission().set_reserved(peer, reserved);
        self.store.set_reserved(peer, reserved, now);
        if let Some(live) = self.live.get(&peer) {
            live.peer.reserved.store(reserved, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn dial_once(&mut self, address: Multiaddr) -> Result<(), NetworkError> {
        let now = self.shared.now();
        let options = match address.peer() {
            Some(peer) if self.store.is_banned(&peer, now) => return Err(NetworkError::Banned { peer }),
            Some(peer) => {
                self.store.add_address(peer, address.clone(), now);
                let options = DialOpts::peer_id(peer.0).condition(PeerCondition::DisconnectedAndNotDialing);
                options.addresses(vec![address.0.clone()]).build()
            }
            None => DialOpts::unknown_peer_id().address(address.0.clone()).build(),
        };
        self.dial(address.peer(), options);
        Ok(())
    }

    fn dial(&mut self, peer: Option<PeerId>, options: DialOpts) {
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                self.dialing.insert(connection, peer);
            }
            Err(error) => self.on_dial_failed(peer, &error),
        }
    }

    /// Dials whom we want and do not have.
    fn dial_missing(&mut self, now: Moment) {
        let room = limits::DIALS_MAX.saturating_sub(self.dialing.len());
        let have = self.admission().taken(false) + self.dialing.len();
        let wanted = self.config.connections.outbound_max.saturating_sub(have);
        let busy: HashSet<PeerId> = self.dialing.values().copied().flatten().collect();
        let local = self.shared.local;
        let connected = |peer: &PeerId| self.swarm.is_connected(&peer.0);
        let skip = |peer: &PeerId| *peer == local || busy.contains(peer) || connected(peer);
        let chosen = self.store.to_dial(wanted, self.config.reserved_only, skip, now);
        for peer in chosen.into_iter().take(room) {
            let addresses = self.store.addresses(&peer).into_iter().map(|address| address.0).collect();
            let options = DialOpts::peer_id(peer.0).condition(PeerCondition::DisconnectedAndNotDialing);
            self.dial(Some(peer), options.addresses(addresses).build());
        }
    }

    fn on_tick(&mut self) {
        let now = self.shared.now();
        for peer in self.store.expire_bans(now) {
            tracing::info!(%peer, "the ban is over");
            self.admission().set_banned(peer, false);
        }
        self.close_overdue(now);
        self.dial_missing(now);
        self.discover(now);
        for live in self.live.values() {
            live.peer.details.lock().score = self.store.score(&live.peer.id, now);
        }
        self.measure(now);
        self.save(now);
    }

    /// Asks peers for peers, while there are fewer than we look for.
    fn discover(&mut self, now: Moment) {
        let looking = self.admission().taken(false) < self.config.connections.outbound_max;
        let pause = limits::DISCOVERY_FIRST.saturating_mul(1 << self.discoveries.min(16));
        let due = now.saturating_sub(self.discovered_at) >= as_ms(pause.min(limits::DISCOVERY_PERIOD));
        if !looking || !due || self.config.reserved_only || self.live.is_empty() {
            return;
        }
        if let Some(kademlia) = self.swarm.behaviour_mut().kademlia.as_mut() {
            self.discovered_at = now;
            self.discoveries = self.discoveries.saturating_add(1);
            kademlia.inner.get_closest_peers(libp2p::PeerId::random());
        }
    }

    fn measure(&mut self, now: Moment) {
        let inbound = self.live.values().filter(|live| live.peer.inbound).count();
        let gauge = |label, count: usize| {
            let gauge = self.shared.metrics.peers.with_label_values(&[label]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        gauge("in", inbound);
        gauge("out", self.live.len() - inbound);
        self.shared.metrics.banned.set(i64::try_from(self.store.banned(now).len()).unwrap_or(i64::MAX));
    }

    /// Writes the peer store, on a thread that may wait for the disk.
    fn save(&mut self, now: Moment) {
        let Some(folder) = self.config.folder.clone() else { return };
        let due = now.saturating_sub(self.stored_at) >= as_ms(limits::STORE_PERIOD);
        if !due || !self.store.take_changed() {
            return;
        }
        self.stored_at = now;
        let entries = self.store.entries(now);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file::write(&folder, &entries) {
                tracing::warn!(%error, "the known peers were not written");
            }
        });
    }

    fn on_planes(&mut self, event: behaviour::Event) {
        match event {
            behaviour::Event::Established { peer, connection, opener, address, inbound } => {
                self.on_established(PeerId(peer), connection, opener, Multiaddr(address), inbound);
            }
            behaviour::Event::Closed { peer, connection } => self.on_closed(PeerId(peer), connection),
            behaviour::Event::FromPeer { peer, connection, event } => {
                self.on_stream(PeerId(peer), connection, event);
            }
            behaviour::Event::Hasty { peer } => self.shared.charge(PeerId(peer), Cost::TooManyStreams, 1),
        }
    }
}

fn as_ms(time: Duration) -> Moment {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
