//! `basalt localnet`: several validators as child processes, in one terminal.
//!
//! ```text
//! Settings ─► Plan (pure: ports, folders, arguments) ─► Supervisor ─┬─► Child ─► basalt --validator …
//! Ctrl-C, SIGTERM ──────────────────────────────────────► events ───┤      └─ lines, its end ─► events
//! basalt localnet ctl ─► socket (a line of JSON) ───────► events ───┴─► Log (a thread: slow terminals hold up nobody)
//! ```

mod child;
mod ctl;
mod error;
mod log;
mod plan;
mod protocol;
mod socket;
mod summary;
mod supervisor;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use basalt_keystore::{KeyType, Keystore};
use clap::{Args, Subcommand};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use self::{
    ctl::CtlArgs,
    error::LocalnetError,
    log::Log,
    plan::{BASE_PORT, BASE_PORT_MAX, BASE_PORT_MIN, NAMES, NodePlan, Plan, Settings},
    socket::Claim,
    supervisor::{EVENTS_WAITING_MAX, Event, Probe, STOP_PATIENCE, Supervisor, Tools},
};
use super::{
    tx::Node,
    validator::{BlockTime, pace},
};
use crate::{
    chain_spec::{ChainSpec, DEV_ACCOUNTS, DevValidator, LOCAL_EPOCH_LENGTH},
    folder,
    network::peer_id,
    stdout,
};

/// Flags of `localnet`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LocalnetArgs {
    /// What to do with one that runs.
    #[command(subcommand)]
    command: Option<LocalnetCommand>,

    /// How many validators, 1 to 6: Alice, Bob, Charlie, Dave, Eve, Ferdie.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=6))]
    validators: u8,

    /// Where the data are kept [default: a temporary folder that is removed at the end].
    #[arg(short = 'd', long, value_name = "FOLDER")]
    base_path: Option<PathBuf>,

    /// Keep the data in a temporary folder that is removed at the end.
    #[arg(long, conflicts_with = "base_path")]
    tmp: bool,

    /// The RPC port of the first node; the others follow, and the ports for peers (30333 …) and metrics (9615 …) move
    /// along with it.
    #[arg(long, value_name = "PORT", default_value_t = BASE_PORT)]
    base_port: u16,

    /// The time between blocks: 500ms, 2s; 0 for as fast as it goes.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    block_time: BlockTime,

    /// The time between blocks while no transaction waits [default: 10s, or the block time if that is longer].
    #[arg(long, value_name = "TIME")]
    empty_block_time: Option<BlockTime>,

    /// Blocks of an epoch: after each, the validators may be other ones. 0: never.
    #[arg(long, value_name = "BLOCKS", default_value_t = LOCAL_EPOCH_LENGTH)]
    epoch_length: u32,

    /// What the nodes log: a level (error, warn, info, debug, trace), or target=level pairs, separated by commas.
    #[arg(short = 'l', long, value_name = "FILTER", default_value = "info", env = "BASALT_LOG")]
    log: String,

    /// Further flags for each node, after --: see `basalt --help`.
    #[arg(last = true, value_name = "NODE FLAGS")]
    node_flags: Vec<OsString>,
}

/// What to do with a localnet that runs.
#[derive(Debug, Subcommand)]
enum LocalnetCommand {
    /// Look at a running localnet, and stop, start, restart and kill its nodes
    ///
    /// How are they?                 basalt localnet ctl status
    /// A power failure at one node:  basalt localnet ctl kill dave
    /// Its return:                   basalt localnet ctl start dave
    /// The end:                      basalt localnet ctl stop
    #[command(verbatim_doc_comment)]
    Ctl(CtlArgs),
}

impl LocalnetArgs {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LocalnetError::system("the tasks of the localnet did not start"))?;
        runtime.block_on(async {
            match &self.command {
                Some(LocalnetCommand::Ctl(arguments)) => arguments.run().await,
                None => self.start().await,
            }
        })?;
        Ok(())
    }

    fn settings(&self) -> Result<Settings, LocalnetError> {
        Ok(Settings {
            validators: usize::from(self.validators),
            base_port: self.base_port,
            block_time: self.block_time,
            empty_block_time: pace(self.block_time, self.empty_block_time)?.empty,
            log: self.log.clone(),
            node_flags: self.node_flags.clone(),
        })
    }

    /// Starts the network, and keeps it until somebody stops it.
    async fn start(&self) -> Result<(), LocalnetError> {
        let settings = self.settings()?;
        let folder = Folder::choose(self.base_path.as_deref())?;
        // In this order: what is wrong is found out before anything is written.
        let claim = Claim::take(folder.path(), &socket::registry()?)?;
        let plan = Plan::new(&settings, claim.folder(), peer_id)?;
        check_ports(&plan, settings.base_port)?;
        let spec = ChainSpec::local(settings.validators)?.with_epoch_length(self.epoch_length);
        put_spec(claim.folder(), &spec)?;
        put_keys(&plan, &spec)?;

        let (events, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        let listening = claim.listen(events.clone())?;
        let interrupts = tokio::spawn(interrupts(events.clone())?);
        let is_temporary = matches!(folder, Folder::Temporary(_));
        let tools = Tools {
            program: std::env::current_exe()
                .map_err(LocalnetError::system("the path of this program is not known"))?,
            patience: STOP_PATIENCE,
            probe: asks_for_health(),
            log: Log::stderr()
                .map_err(LocalnetError::system("the thread that writes the log did not start"))?,
            all_answer: Box::new(move |plan| stdout::line(&summary::text(plan, is_temporary))),
        };
        let outcome = Supervisor::new(plan, tools, events).run(heard).await;
        interrupts.abort();
        listening.finish().await;
        // The claim ends before a temporary folder is removed.
        drop(claim);
        outcome
    }
}

/// The data of a localnet.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn choose(base_path: Option<&Path>) -> Result<Self, LocalnetError> {
        match base_path {
            None => {
                let made = tempfile::Builder::new().prefix("basalt-localnet-").tempdir();
                made.map(Self::Temporary).map_err(LocalnetError::folder(std::env::temp_dir()))
            }
            Some(path) => {
                fs::create_dir_all(path).map_err(LocalnetError::folder(path))?;
                Ok(Self::Kept(path.to_owned()))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// Gives each node the keys that the chain names for it. They are known to everybody, as the accounts are.
fn put_keys(plan: &Plan, spec: &ChainSpec) -> Result<(), LocalnetError> {
    for (node, name) in plan.nodes.iter().zip(DEV_ACCOUNTS) {
        let folder = folder::keystore(&folder::of_chain(&plan.folder.join(node.name), spec));
        let keystore = Keystore::open(folder)?;
        let validator = DevValidator::of(name);
        keystore.insert(KeyType::Vote, &validator.suri)?;
        keystore.insert(KeyType::Vrf, &validator.vrf_suri)?;
    }
    Ok(())
}

/// Writes the specification into the folder, unless another one's data are there.
fn put_spec(folder: &Path, spec: &ChainSpec) -> Result<(), LocalnetError> {
    let path = Plan::chain_file(folder);
    let text = serde_json::to_string_pretty(spec)?;
    match fs::read_to_string(&path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) => Err(LocalnetError::OtherChain { path }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::write(&path, text).map_err(LocalnetError::folder(path))
        }
        Err(error) => Err(LocalnetError::Folder { path, error }),
    }
}

/// Refuses to start where a port is taken: one node that does not start is harder to understand.
fn check_ports(plan: &Plan, base_port: u16) -> Result<(), LocalnetError> {
    match plan.ports().find(|(port, _, _)| !is_free(*port)) {
        None => Ok(()),
        Some((port, what, node)) => {
            Err(LocalnetError::PortTaken { port, what, node, other: free_base(base_port) })
        }
    }
}

/// A base port, apart from `taken` by tens, with which all ports are free; the next ten if there is none.
fn free_base(taken: u16) -> u16 {
    let all_free = |base: &u16| {
        let mut ports = (0..NAMES.len()).flat_map(|index| plan::all_ports(*base, index));
        ports.all(is_free)
    };
    let above = (1..=50u16).filter_map(|tens| taken.checked_add(tens * 10));
    let mut candidates = above.filter(|base| (BASE_PORT_MIN..=BASE_PORT_MAX).contains(base)).peekable();
    let next = candidates.peek().copied().unwrap_or(BASE_PORT);
    candidates.find(all_free).unwrap_or(next)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// Asks a node over its RPC.
fn asks_for_health() -> Probe {
    Arc::new(|node: &NodePlan| {
        let url = node.url();
        Box::pin(async move {
            match Node::connect(&url).await {
                Ok(node) => node.health().await.is_ok(),
                Err(_) => false,
            }
        })
    })
}

/// Tells of each wish that the localnet end: Ctrl-C, SIGTERM, a closed terminal.
fn interrupts(events: mpsc::Sender<Event>) -> Result<impl Future<Output = ()> + Send, LocalnetError> {
    let listen = |kind| signal(kind).map_err(LocalnetError::system("signals cannot be received"));
    let (mut interrupt, mut terminate, mut hangup) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if events.send(Event::Interrupt).await.is_err() {
                return;
            }
        }
    })
}
