//! Processor time that the host of a virtual machine gave to others.

use std::fs;

/// The time of all processors since the machine started, in ticks (`/proc/stat`, proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    /// Something here wanted to run, and the host ran somebody else.
    stolen: u64,
}

impl Ticks {
    /// Until now; none where the kernel does not tell.
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user.
        let ticks = line.split_ascii_whitespace().take(8).map(str::parse);
        let ticks: Vec<u64> = ticks.collect::<Result<_, _>>().ok()?;
        Some(Self {
            all: ticks.iter().sum(),
            stolen: *ticks.get(7)?,
        })
    }

    /// Which share of the time since then was taken away, in per cent.
    fn stolen_since(self, then: Self) -> f64 {
        let all = self.all.saturating_sub(then.all).max(1);
        self.stolen.saturating_sub(then.stolen) as f64 * 100.0 / all as f64
    }
}

/// Watches what is taken from here on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Option<Ticks>);

impl Watch {
    pub(crate) fn begin() -> Self {
        Self(Ticks::now())
    }

    /// The share that was taken since the beginning, in per cent; none where the kernel does not
    /// tell.
    pub(crate) fn percent(self) -> Option<f64> {
        let (then, now) = self.0.zip(Ticks::now())?;
        Some(now.stolen_since(then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stolen_share_is_of_the_time_in_between() {
        let then = Ticks::parse("cpu  10 0 10 70 0 0 5 5 3 0\ncpu0 1 2 3\n").unwrap();
        let now = Ticks::parse("cpu  40 0 30 100 0 0 5 25 9 0\n").unwrap();
        assert_eq!(now.stolen_since(then), 20.0);
        assert_eq!(then.stolen_since(then), 0.0);
    }

    #[test]
    fn a_kernel_that_does_not_tell_is_no_error() {
        assert_eq!(Ticks::parse("cpu  1 2 3 4\n"), None);
        assert_eq!(Ticks::parse("intr 5\n"), None);
    }
}
