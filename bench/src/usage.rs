//! CPU time and memory of a process, from `/proc`.

use std::{fs, time::Duration};

use anyhow::Context as _;

/// Clock ticks per second in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux of today (proc(5),
/// `sysconf(_SC_CLK_TCK)`).
const TICK: Duration = Duration::from_millis(10);

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// User and system time, that of children included.
    pub(crate) cpu: Duration,
    /// Memory in use now, in KiB (`VmRSS`), without children.
    pub(crate) rss_kib: u64,
    /// The most memory that was in use, in KiB (`VmHWM`), without children.
    pub(crate) peak_rss_kib: u64,
}

impl Usage {
    /// Of process `id`.
    pub(crate) fn of(id: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status"));
        let status = status.with_context(|| format!("process {id}"))?;
        Ok(Self {
            cpu: cpu(id)?,
            rss_kib: kib(&status, "VmRSS:").unwrap_or_default(),
            peak_rss_kib: kib(&status, "VmHWM:").unwrap_or_default(),
        })
    }

    /// Of this process.
    pub(crate) fn of_self() -> anyhow::Result<Self> {
        // The children of this process are what is measured, so they are left out here.
        let id = std::process::id();
        let mut usage = Self::of(id)?;
        usage.cpu = own_cpu(&stat(id)?).context("unreadable /proc/self/stat")?;
        Ok(usage)
    }
}

/// Its own time, that of children it has waited for, and that of children still running.
fn cpu(id: u32) -> anyhow::Result<Duration> {
    let stat = stat(id)?;
    let ended = sum_of_fields(&stat, 15..=16);
    let mut sum = own_cpu(&stat)
        .zip(ended)
        .map(|(own, ended)| own + ended)
        .with_context(|| format!("unreadable /proc/{id}/stat"))?;
    for child in children(id) {
        // A child that has just ended is counted with its parent from now on.
        sum += cpu(child).unwrap_or_default();
    }
    Ok(sum)
}

fn stat(id: u32) -> anyhow::Result<String> {
    fs::read_to_string(format!("/proc/{id}/stat")).with_context(|| format!("process {id}"))
}

fn own_cpu(stat: &str) -> Option<Duration> {
    sum_of_fields(stat, 13..=14)
}

/// Sum of tick fields, by their number in proc(5) less one.
fn sum_of_fields(stat: &str, fields: std::ops::RangeInclusive<usize>) -> Option<Duration> {
    // The second field is the program's name in parentheses and may hold spaces; the third
    // field follows its last parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    let values: Vec<_> = rest.split_ascii_whitespace().collect();
    let mut ticks = 0;
    for field in fields {
        ticks += values.get(field - 2)?.parse::<u32>().ok()?;
    }
    Some(TICK * ticks)
}

fn children(id: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|ids| {
            ids.split_ascii_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn kib(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// utime 7, stime 3, cutime 20, cstime 1.
    const STAT: &str = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 7 3 20 1 20 0 4 0 100";

    #[test]
    fn ticks_are_found_behind_a_name_with_parentheses() {
        assert_eq!(own_cpu(STAT), Some(Duration::from_millis(100)));
        assert_eq!(
            sum_of_fields(STAT, 15..=16),
            Some(Duration::from_millis(210))
        );
    }

    #[test]
    fn memory_is_read_in_kib() {
        let status = "VmPeak:\t  999 kB\nVmHWM:\t   15716 kB\nVmRSS:\t 8 kB\n";
        assert_eq!(kib(status, "VmHWM:"), Some(15_716));
        assert_eq!(kib(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Usage::of_self().unwrap().peak_rss_kib > 0);
    }
}
