//! What a process costs, as `/proc` tells it.

use std::{fs, io, time::Duration};

/// Ticks of processor time in a second: what Linux shows to programs, whatever it counts by itself.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time that a process has used, in user and system mode, by all its threads.
///
/// # Errors
///
/// If there is no such process, or no `/proc`.
pub fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    cpu_of(&stat).ok_or_else(|| not_as_expected("stat", &stat))
}

/// Memory that a process holds now, and the most it ever held, in bytes.
///
/// # Errors
///
/// If there is no such process, or no `/proc`.
pub fn memory(pid: u32) -> io::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    line("VmRSS:").zip(line("VmHWM:")).ok_or_else(|| not_as_expected("status", &status))
}

fn not_as_expected(file: &str, text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/…/{file} is not as expected: {text}"))
}

fn cpu_of(stat: &str) -> Option<Duration> {
    // The name before it may hold anything, brackets and spaces included.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = |at: usize| fields.split(' ').nth(at)?.parse::<u64>().ok();
    let all = ticks(11)?.checked_add(ticks(12)?)?;
    Some(Duration::from_millis(all.checked_mul(1_000)? / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 9 0 0 0 250 125 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(3_750)));
        assert_eq!(cpu_of("7 (a) S 1"), None);
        let (now, peak) = memory(std::process::id()).unwrap();
        assert!(now > 0 && peak >= now);
        cpu(std::process::id()).unwrap();
    }
}
