//! A node without any manners: nothing but encrypted connections. Also used by the tests of whole nodes (`tests/e2e`).

use std::time::Duration;

use basalt_network::{BlockId, Multiaddr, PeerId, Plane, Roles, Status, limits};
use basalt_primitives::H256;
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Stream, StreamProtocol, Swarm, SwarmBuilder,
    identity::Keypair,
    noise,
    swarm::{SwarmEvent, dial_opts::DialOpts},
    tcp, yamux,
};
use libp2p_stream as streams;
use parity_scale_codec::Encode;

/// See above.
pub(crate) struct Hostile {
    pub(crate) id: PeerId,
    control: streams::Control,
    target: libp2p::PeerId,
    genesis: H256,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Hostile {
    /// Connects to the node at `address`, which ends with its name, and says nothing. Waits for as long as it takes.
    pub(crate) async fn dial(address: &Multiaddr, genesis: H256) -> Self {
        let keypair = Keypair::generate_ed25519();
        let id = keypair.public().to_peer_id().to_string().parse().expect("it is an id");
        let mut swarm: Swarm<streams::Behaviour> = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
            .expect("encryption works")
            .with_behaviour(|_| streams::Behaviour::new())
            .expect("it cannot fail")
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let target =
            address.peer().expect("the address names a peer").to_string().parse().expect("it is an id");
        let address = address.to_string().parse().expect("it is an address");
        swarm.dial(DialOpts::peer_id(target).addresses(vec![address]).build()).expect("nothing forbids it");
        let control = swarm.behaviour().new_control();
        loop {
            match swarm.next().await.expect("it never ends") {
                SwarmEvent::ConnectionEstablished { .. } => break,
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("no connection: {error}"),
                _ => {}
            }
        }
        let driver = tokio::spawn(async move { while swarm.next().await.is_some() {} });
        Self { id, control, target, genesis, driver }
    }

    /// Goes through the handshake as a validator would that has this block. An error if it is not welcome.
    pub(crate) async fn shake(&mut self, best: BlockId) -> std::io::Result<()> {
        let mut stream = self.open(Plane::Handshake).await.map_err(std::io::Error::other)?;
        let roles = Roles::FULL.with(Roles::AUTHORITY);
        let status = Status { version: limits::VERSION, genesis: self.genesis, roles, best, finalized: best };
        send(&mut stream, &status.encode()).await?;
        receive(&mut stream).await?;
        send(&mut stream, &[0]).await?;
        match receive(&mut stream).await?[..] {
            [0] => Ok(()),
            ref refusal => Err(std::io::Error::other(format!("refused: {refusal:?}"))),
        }
    }

    pub(crate) async fn open(&mut self, plane: Plane) -> Result<Stream, streams::OpenStreamError> {
        self.open_named(plane.protocol(self.genesis)).await
    }

    pub(crate) async fn open_named(&mut self, protocol: String) -> Result<Stream, streams::OpenStreamError> {
        let protocol = StreamProtocol::try_from_owned(protocol).expect("it begins with a slash");
        self.control.open_stream(self.target, protocol).await
    }

    /// What the node sends on a plane.
    pub(crate) fn accept(&mut self, plane: Plane) -> streams::IncomingStreams {
        let protocol = StreamProtocol::try_from_owned(plane.protocol(self.genesis)).expect("as above");
        self.control.accept(protocol).expect("once")
    }
}

pub(crate) async fn send(stream: &mut Stream, message: &[u8]) -> std::io::Result<()> {
    let mut whole = u32::try_from(message.len()).map_err(std::io::Error::other)?.to_le_bytes().to_vec();
    whole.extend_from_slice(message);
    stream.write_all(&whole).await?;
    stream.flush().await
}

pub(crate) async fn receive(stream: &mut Stream) -> std::io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await?;
    let mut message = vec![0; u32::from_le_bytes(prefix) as usize];
    stream.read_exact(&mut message).await?;
    Ok(message)
}
