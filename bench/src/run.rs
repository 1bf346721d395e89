//! One measured run of one gateway.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{
    load::{self, Volume},
    outcome::Outcome,
    sink::Sink,
    stored::Stored,
    system::{
        Gateway,
        kannel::{self, Programs, Tuning},
        ours,
        provider::Provider,
    },
    usage::Usage,
};

/// What a gateway may still have to do for a message after the provider has taken it (note the
/// answer, remove the message) belongs to its cost, so CPU time is read so much later.
const SETTLE: Duration = Duration::from_secs(1);

/// A gateway that can be started.
#[derive(Clone, Debug)]
pub(crate) enum System {
    Kannel(Programs, Tuning),
    Ours(PathBuf),
}

/// How every run goes.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) volume: Volume,
    /// Messages before the measured ones: connections open, caches and pools fill.
    pub(crate) warm_up: usize,
    /// Where the temporary folders are made.
    pub(crate) base: Option<PathBuf>,
}

/// CPU time of one process.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) process: &'static str,
    /// Part of the gateway, not of the provider or the load generator.
    pub(crate) of_gateway: bool,
    pub(crate) cpu_ms_per_1000: f64,
    pub(crate) peak_rss_kib: u64,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) gateway: &'static str,
    pub(crate) full: Outcome,
    pub(crate) costs: Vec<Cost>,
    /// The most files and bytes seen in the gateway's store during the run.
    pub(crate) stored_files: u64,
    pub(crate) stored_bytes: u64,
    /// The second part, at half the rate that the first part reached.
    pub(crate) half: Outcome,
}

impl System {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Kannel(..) => "Kannel",
            Self::Ours(_) => "sms",
        }
    }

    async fn start(&self, provider: &Provider, plan: &Plan) -> anyhow::Result<Gateway> {
        let base = plan.base.as_ref();
        match self {
            Self::Kannel(programs, tuning) => {
                kannel::start(programs, tuning, provider.address, base).await
            }
            Self::Ours(binary) => ours::start(binary, provider.address, base).await,
        }
    }

    /// Starts a provider and the gateway afresh and measures: warm-up, full load, half load.
    pub(crate) async fn measure(&self, plan: &Plan) -> anyhow::Result<Run> {
        let provider = Provider::start(plan.base.as_ref()).await?;
        let gateway = self.start(&provider, plan).await?;
        let mut sink = Sink::new(provider.address);
        let mut callers = gateway.target.callers(&plan.volume).await?;

        let warm_up = Volume {
            messages: plan.warm_up,
            rate: None,
            ..plan.volume.clone()
        };
        load::send(&mut callers, &warm_up, 0).await?;
        sink.wait(plan.warm_up).await?;
        tokio::time::sleep(SETTLE).await;
        sink.reset().await?;

        let mut stored = Stored::default();
        let before = usages(&gateway, &provider)?;
        let mut full = tokio::select! {
            outcome = load::measure(&mut callers, &plan.volume, &mut sink) => outcome?,
            never = Stored::watch(gateway.store.clone(), &mut stored) => match never {},
        };
        tokio::time::sleep(SETTLE).await;
        let after = usages(&gateway, &provider)?;
        // Once more, for duplicates that came late.
        full.provider = sink.stats().await?;
        full.check()?;

        let half_volume = Volume {
            rate: Some(full.taken_per_s / 2.0),
            ..plan.volume.clone()
        };
        sink.reset().await?;
        let half = load::measure(&mut callers, &half_volume, &mut sink).await?;
        half.check()?;

        Ok(Run {
            gateway: self.name(),
            costs: costs(&before, &after, gateway.processes.len(), full.messages),
            stored_files: stored.files,
            stored_bytes: stored.bytes,
            half,
            full,
        })
    }
}

impl Run {
    /// CPU time of all processes of the gateway.
    pub(crate) fn cpu_ms_per_1000(&self) -> f64 {
        let gateway = self.costs.iter().filter(|cost| cost.of_gateway);
        gateway.map(|cost| cost.cpu_ms_per_1000).sum()
    }

    /// Peak memory of all processes of the gateway.
    pub(crate) fn peak_rss_kib(&self) -> u64 {
        let gateway = self.costs.iter().filter(|cost| cost.of_gateway);
        gateway.map(|cost| cost.peak_rss_kib).sum()
    }
}

/// The gateway's processes first, then the provider, then this one.
fn usages(gateway: &Gateway, provider: &Provider) -> anyhow::Result<Vec<(&'static str, Usage)>> {
    let others = gateway.processes.iter().chain([&provider.process]);
    let mut usages = others
        .map(|process| Ok((process.name(), process.usage()?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    usages.push(("load", Usage::of_self()?));
    Ok(usages)
}

pub(crate) fn costs(
    before: &[(&'static str, Usage)],
    after: &[(&'static str, Usage)],
    of_gateway: usize,
    messages: usize,
) -> Vec<Cost> {
    let pairs = before.iter().zip(after).enumerate();
    pairs
        .map(|(index, ((process, before), (_, after)))| Cost {
            process,
            of_gateway: index < of_gateway,
            cpu_ms_per_1000: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6
                / messages.max(1) as f64,
            peak_rss_kib: after.peak_rss_kib,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_the_difference_per_thousand_messages() {
        let used = |ms| Usage {
            cpu: Duration::from_millis(ms),
            ..Usage::default()
        };
        let before = [("sms", used(1_000)), ("load", used(0))];
        let after = [("sms", used(3_000)), ("load", used(100))];
        let costs = costs(&before, &after, 1, 20_000);
        assert_eq!(costs[0].cpu_ms_per_1000, 100.0);
        assert!(costs[0].of_gateway);
        assert_eq!(costs[1].cpu_ms_per_1000, 5.0);
        assert!(!costs[1].of_gateway);
    }
}
