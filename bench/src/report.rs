//! The table of `sms-bench compare`, as Markdown.

use std::fmt;

use crate::{percentiles::millis, run::Run};

/// All runs, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    runs: Vec<(usize, Run)>,
}

/// How the two gateways of one round compare.
struct Ratio {
    /// Messages per second end to end of `sms` over those of Kannel.
    throughput: f64,
    /// CPU time per message of `sms` over that of Kannel.
    cpu: f64,
}

impl Report {
    pub(crate) fn add(&mut self, round: usize, run: Run) {
        self.runs.push((round, run));
    }

    fn of(&self, gateway: &str, round: usize) -> Option<&Run> {
        let mut runs = self.runs.iter();
        let found = runs.find(|(number, run)| *number == round && run.gateway == gateway)?;
        Some(&found.1)
    }

    fn ratios(&self) -> Vec<(usize, Ratio)> {
        let rounds = self.runs.iter().map(|(round, _)| *round).max().unwrap_or(0);
        let both = |round| Some((round, self.of("sms", round)?, self.of("Kannel", round)?));
        (1..=rounds)
            .filter_map(both)
            .map(|(round, sms, kannel)| {
                let ratio = Ratio {
                    throughput: sms.full.taken_per_s / kannel.full.taken_per_s,
                    cpu: sms.cpu_ms_per_1000() / kannel.cpu_ms_per_1000(),
                };
                (round, ratio)
            })
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_runs(f, &self.runs)?;
        writeln!(f)?;
        write_costs(f, &self.runs)?;
        let ratios = self.ratios();
        if ratios.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        write_ratios(f, &ratios)
    }
}

fn write_runs(f: &mut fmt::Formatter<'_>, runs: &[(usize, Run)]) -> fmt::Result {
    writeln!(
        f,
        "| round | gateway | taken/s | accepted/s | accept p50 / p99, ms | \
         end to end p50 / p99, ms | at half load: /s, accept p99, ms | store at most | \
         taken by the host, % |"
    )?;
    writeln!(f, "|--:|---|--:|--:|--:|--:|--:|--:|--:|")?;
    for (round, run) in runs {
        let full = &run.full;
        writeln!(
            f,
            "| {round} | {} | {:.0} | {:.0} | {} / {} | {} / {} | {:.0}, {} | {} files, {} KiB | \
             {} / {} |",
            run.gateway,
            full.taken_per_s,
            full.accepted_per_s,
            millis(full.accept.p50_us),
            millis(full.accept.p99_us),
            millis(full.end_to_end.p50_us),
            millis(full.end_to_end.p99_us),
            run.half.accepted_per_s,
            millis(run.half.accept.p99_us),
            run.stored_files,
            run.stored_bytes / 1_024,
            percent(full.stolen_percent),
            percent(run.half.stolen_percent),
        )?;
    }
    Ok(())
}

fn write_costs(f: &mut fmt::Formatter<'_>, runs: &[(usize, Run)]) -> fmt::Result {
    writeln!(
        f,
        "| round | gateway | CPU ms per 1,000 messages | by process | peak memory, MiB |"
    )?;
    writeln!(f, "|--:|---|--:|---|--:|")?;
    for (round, run) in runs {
        let parts: Vec<_> = run
            .costs
            .iter()
            .map(|cost| format!("{} {:.1}", cost.process, cost.cpu_ms_per_1000))
            .collect();
        writeln!(
            f,
            "| {round} | {} | {:.1} | {} | {:.1} |",
            run.gateway,
            run.cpu_ms_per_1000(),
            parts.join(", "),
            run.peak_rss_kib() as f64 / 1_024.0,
        )?;
    }
    Ok(())
}

fn write_ratios(f: &mut fmt::Formatter<'_>, ratios: &[(usize, Ratio)]) -> fmt::Result {
    writeln!(
        f,
        "| round | throughput, sms : Kannel | CPU per message, sms : Kannel |"
    )?;
    writeln!(f, "|--:|--:|--:|")?;
    for (round, ratio) in ratios {
        writeln!(
            f,
            "| {round} | {:.2} | {:.2} |",
            ratio.throughput, ratio.cpu
        )?;
    }
    let throughput = median(ratios.iter().map(|(_, ratio)| ratio.throughput).collect());
    let cpu = median(ratios.iter().map(|(_, ratio)| ratio.cpu).collect());
    writeln!(f, "| median | {throughput:.2} | {cpu:.2} |")
}

/// A share as a table shows it.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{share:.1}"))
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half.wrapping_sub(1)), values.get(half)) {
        (Some(lower), Some(upper)) if values.len().is_multiple_of(2) => {
            f64::midpoint(*lower, *upper)
        }
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arrivals::Stats, load::Sent, outcome::Outcome, run::Cost};

    fn run(gateway: &'static str, end_us: u64, cpu: f64) -> Run {
        let sent = Sent {
            started_us: vec![1],
            accepted_us: vec![2],
            ids: vec![None],
        };
        let outcome = Outcome::new(&sent, &[1 + end_us], Stats::default());
        Run {
            gateway,
            half: outcome.clone(),
            full: outcome,
            costs: vec![
                Cost {
                    process: gateway,
                    of_gateway: true,
                    cpu_ms_per_1000: cpu,
                    peak_rss_kib: 1_024,
                },
                Cost {
                    process: "load",
                    of_gateway: false,
                    cpu_ms_per_1000: 7.0,
                    peak_rss_kib: 1_024,
                },
            ],
            stored_files: 1,
            stored_bytes: 1_024,
        }
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_middle_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![5.0]), 5.0);
    }

    #[test]
    fn ratios_compare_within_a_round_and_leave_out_provider_and_load() {
        let mut report = Report::default();
        report.add(1, run("Kannel", 4_000, 400.0));
        report.add(1, run("sms", 1_000, 100.0));
        let ratios = report.ratios();
        assert_eq!(ratios.len(), 1);
        assert_eq!(ratios[0].1.throughput, 4.0);
        assert_eq!(ratios[0].1.cpu, 0.25);
        assert!(report.to_string().contains("| median | 4.00 | 0.25 |"));
    }

    #[test]
    fn one_gateway_alone_has_no_ratios() {
        let mut report = Report::default();
        report.add(1, run("sms", 1_000, 100.0));
        assert!(report.ratios().is_empty());
        assert!(!report.to_string().contains("median"));
    }
}
