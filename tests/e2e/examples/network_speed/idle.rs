//! What validators cost that have nothing to do.

use std::time::{Duration, Instant};

use basalt_e2e::process;

use crate::{
    Result,
    net::{Net, connect, head},
};

/// Blocks before it begins: caches are warm, and validators know each other.
const BEFORE: Duration = Duration::from_secs(5);

/// Processor time and memory of each validator over `seconds`, without any transaction.
pub(crate) async fn idle(net: &Net, seconds: u64) -> Result<()> {
    let processes = net.processes()?;
    tokio::time::sleep(BEFORE).await;
    let (first, _) = head(&connect(0).await?).await?;
    let before = processes.iter().map(|(_, pid)| process::cpu(*pid)).collect::<std::io::Result<Vec<_>>>()?;
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let passed = begin.elapsed();
    println!("processes: {processes:?}");
    for ((name, pid), before) in processes.iter().zip(before) {
        let used = process::cpu(*pid)?.saturating_sub(before);
        let (memory, peak) = process::memory(*pid)?;
        println!(
            "{name:<8} {:.2} % of a core, {} MiB resident (at most {} MiB)",
            used.as_secs_f64() / passed.as_secs_f64() * 100.0,
            memory >> 20,
            peak >> 20,
        );
    }
    let (last, _) = head(&connect(0).await?).await?;
    println!("{} blocks in {:.1} s", last - first, passed.as_secs_f64());
    Ok(())
}
