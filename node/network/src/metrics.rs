//! What the network counts.

use prometheus::{
    IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::{AtomicU64, GenericCounter},
};

use crate::Plane;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// Bytes and messages of one kind of stream since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlaneTraffic {
    /// Bytes received, lengths included.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Messages that found no room in a queue, and those over the agreed rate.
    pub dropped: u64,
}

/// The traffic of all planes, in the order of [`Plane::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic(pub [PlaneTraffic; Plane::ALL.len()]);

impl Traffic {
    /// That of one plane.
    pub fn of(&self, plane: Plane) -> PlaneTraffic {
        self.0[plane.index()]
    }
}

/// The counters. Reading and writing is one atomic operation each.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    bytes: IntCounterVec,
    messages: IntCounterVec,
    dropped: IntCounterVec,
    planes: Vec<PlaneCounters>,
    pub(crate) peers: IntGaugeVec,
    pub(crate) banned: IntGauge,
    pub(crate) bans: GenericCounter<AtomicU64>,
    pub(crate) refused: IntCounterVec,
    pub(crate) charges: IntCounterVec,
    pub(crate) dials_failed: GenericCounter<AtomicU64>,
}

#[derive(Debug, Clone)]
struct PlaneCounters {
    bytes: [GenericCounter<AtomicU64>; 2],
    messages: [GenericCounter<AtomicU64>; 2],
    dropped: GenericCounter<AtomicU64>,
}

impl Metrics {
    /// # Errors
    ///
    /// Never: the names are right (a test makes them).
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let both = ["plane", "direction"];
        let bytes =
            IntCounterVec::new(Opts::new("basalt_network_bytes_total", "Bytes of our own protocols"), &both)?;
        let messages = IntCounterVec::new(
            Opts::new("basalt_network_messages_total", "Messages of our own protocols"),
            &both,
        )?;
        let dropped = IntCounterVec::new(
            Opts::new("basalt_network_dropped_total", "Messages that found no room, or exceeded the rate"),
            &["plane"],
        )?;
        let planes = Plane::ALL.map(|plane| PlaneCounters {
            bytes: ["in", "out"].map(|direction| bytes.with_label_values(&[plane.name(), direction])),
            messages: ["in", "out"].map(|direction| messages.with_label_values(&[plane.name(), direction])),
            dropped: dropped.with_label_values(&[plane.name()]),
        });
        Ok(Self {
            bytes,
            messages,
            dropped,
            planes: planes.to_vec(),
            peers: IntGaugeVec::new(
                Opts::new("basalt_network_peers", "Peers whose handshake succeeded"),
                &["direction"],
            )?,
            banned: IntGauge::new("basalt_network_banned", "Peers that are banned now")?,
            bans: GenericCounter::new("basalt_network_bans_total", "Bans since the start")?,
            refused: IntCounterVec::new(
                Opts::new("basalt_network_refused_total", "Connections that were refused, by us or by them"),
                &["by", "reason"],
            )?,
            charges: IntCounterVec::new(
                Opts::new("basalt_network_charges_total", "What peers were charged for"),
                &["cost"],
            )?,
            dials_failed: GenericCounter::new("basalt_network_dials_failed_total", "Dials that failed")?,
        })
    }

    pub(crate) fn message(&self, plane: Plane, direction: Direction, bytes: usize) {
        let counters = &self.planes[plane.index()];
        counters.bytes[direction as usize].inc_by(bytes as u64);
        counters.messages[direction as usize].inc();
    }

    pub(crate) fn dropped(&self, plane: Plane, count: usize) {
        if count > 0 {
            self.planes[plane.index()].dropped.inc_by(count as u64);
        }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for (of_plane, counters) in traffic.0.iter_mut().zip(&self.planes) {
            *of_plane = PlaneTraffic {
                bytes_in: counters.bytes[0].get(),
                bytes_out: counters.bytes[1].get(),
                messages_in: counters.messages[0].get(),
                messages_out: counters.messages[1].get(),
                dropped: counters.dropped.get(),
            };
        }
        traffic
    }

    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.bytes.clone()))?;
        registry.register(Box::new(self.messages.clone()))?;
        registry.register(Box::new(self.dropped.clone()))?;
        registry.register(Box::new(self.peers.clone()))?;
        registry.register(Box::new(self.banned.clone()))?;
        registry.register(Box::new(self.bans.clone()))?;
        registry.register(Box::new(self.refused.clone()))?;
        registry.register(Box::new(self.charges.clone()))?;
        registry.register(Box::new(self.dials_failed.clone()))
    }
}
