//! The tables of `sms-bench cluster`, as Markdown.

use std::fmt;

use super::run::Run;
use crate::{
    percentiles::millis,
    report::{median, percent},
};

/// All runs, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report {
    runs: Vec<(usize, Run)>,
}

impl Report {
    pub(super) fn add(&mut self, round: usize, run: Run) {
        self.runs.push((round, run));
    }

    /// Of each round: throughput, and CPU time, of a program over those of the bare one.
    fn ratios(&self, program: &str) -> Vec<(usize, f64, f64)> {
        let of = |program: &str, round: usize| {
            let mut runs = self.runs.iter();
            let found = runs.find(|(number, run)| *number == round && run.program == program);
            found.map(|(_, run)| run)
        };
        let ratio = |round| {
            let (bare, sms) = (of("bare", round)?, of(program, round)?);
            let throughput = sms.full.taken_per_s / bare.full.taken_per_s;
            let cpu = sms.cpu_ms_per_1000() / bare.cpu_ms_per_1000();
            Some((round, throughput, cpu))
        };
        let rounds = self.runs.iter().map(|(round, _)| *round).max().unwrap_or(0);
        (1..=rounds).filter_map(ratio).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_full(f, &self.runs)?;
        writeln!(f)?;
        write_costs(f, &self.runs)?;
        write_at_rate(f, &self.runs)?;
        for program in ["sms", "sms in roles"] {
            let ratios = self.ratios(program);
            if !ratios.is_empty() {
                writeln!(f)?;
                write_ratios(f, program, &ratios)?;
            }
        }
        let mut weighed = self
            .runs
            .iter()
            .filter_map(|(_, run)| run.bytes_per_message);
        match weighed.next_back() {
            Some(bytes) => writeln!(f, "\nRedis: {bytes} bytes of memory per delivered message"),
            None => Ok(()),
        }
    }
}

fn write_full(f: &mut fmt::Formatter<'_>, runs: &[(usize, Run)]) -> fmt::Result {
    writeln!(
        f,
        "| round | program | taken/s | accepted/s | accept p50 / p99, ms | \
         accepted to taken p50 / p99, ms | taken by the host, % |"
    )?;
    writeln!(f, "|--:|---|--:|--:|--:|--:|--:|")?;
    for (round, run) in runs {
        let full = &run.full;
        writeln!(
            f,
            "| {round} | {} | {:.0} | {:.0} | {} / {} | {} / {} | {} |",
            run.program,
            full.taken_per_s,
            full.accepted_per_s,
            millis(full.accept.p50_us),
            millis(full.accept.p99_us),
            millis(full.handed_over.p50_us),
            millis(full.handed_over.p99_us),
            percent(full.stolen_percent),
        )?;
    }
    Ok(())
}

fn write_costs(f: &mut fmt::Formatter<'_>, runs: &[(usize, Run)]) -> fmt::Result {
    writeln!(
        f,
        "| round | program | CPU ms per 1,000 messages, Redis and RabbitMQ included | by process |"
    )?;
    writeln!(f, "|--:|---|--:|---|")?;
    for (round, run) in runs {
        let part = |cost: &crate::run::Cost| {
            let name = cost.process;
            format!("{name} {:.0}", cost.cpu_ms_per_1000)
        };
        let parts: Vec<_> = run.costs.iter().map(part).collect();
        writeln!(
            f,
            "| {round} | {} | {:.0} | {} |",
            run.program,
            run.cpu_ms_per_1000(),
            parts.join(", "),
        )?;
    }
    Ok(())
}

fn write_at_rate(f: &mut fmt::Formatter<'_>, runs: &[(usize, Run)]) -> fmt::Result {
    let mut measured = runs
        .iter()
        .filter_map(|(round, run)| Some((round, run.program, run.at_rate.as_ref()?)))
        .peekable();
    if measured.peek().is_none() {
        return Ok(());
    }
    writeln!(
        f,
        "\n| round | program | at a constant rate, /s | accept p50 / p99, ms | \
         accepted to taken p50 / p99 / max, ms | taken by the host, % |"
    )?;
    writeln!(f, "|--:|---|--:|--:|--:|--:|")?;
    for (round, program, outcome) in measured {
        writeln!(
            f,
            "| {round} | {program} | {:.0} | {} / {} | {} / {} / {} | {} |",
            outcome.accepted_per_s,
            millis(outcome.accept.p50_us),
            millis(outcome.accept.p99_us),
            millis(outcome.handed_over.p50_us),
            millis(outcome.handed_over.p99_us),
            millis(outcome.handed_over.max_us),
            percent(outcome.stolen_percent),
        )?;
    }
    Ok(())
}

fn write_ratios(
    f: &mut fmt::Formatter<'_>,
    program: &str,
    ratios: &[(usize, f64, f64)],
) -> fmt::Result {
    writeln!(
        f,
        "| round | throughput, {program} : bare | CPU per message, {program} : bare |"
    )?;
    writeln!(f, "|--:|--:|--:|")?;
    for (round, throughput, cpu) in ratios {
        writeln!(f, "| {round} | {throughput:.2} | {cpu:.2} |")?;
    }
    let throughput = median(ratios.iter().map(|(_, ratio, _)| *ratio).collect());
    let cpu = median(ratios.iter().map(|(_, _, ratio)| *ratio).collect());
    writeln!(f, "| median | {throughput:.2} | {cpu:.2} |")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arrivals::Stats, load::Sent, outcome::Outcome, run::Cost};

    fn run(program: &'static str, took_us: u64, cpu: f64) -> Run {
        let sent = Sent {
            started_us: vec![1],
            accepted_us: vec![2],
            ids: vec![None],
        };
        let cost = |process, of_gateway, cpu_ms_per_1000| Cost {
            process,
            of_gateway,
            cpu_ms_per_1000,
            peak_rss_kib: 0,
        };
        Run {
            program,
            full: Outcome::new(&sent, &[1 + took_us], Stats::default()),
            costs: vec![cost(program, true, cpu), cost("load", false, 9.0)],
            at_rate: None,
            bytes_per_message: (program == "sms").then_some(820),
        }
    }

    #[test]
    fn ratios_compare_within_a_round_and_leave_out_provider_and_load() {
        let mut report = Report::default();
        report.add(1, run("bare", 4_000, 400.0));
        report.add(1, run("sms", 2_000, 300.0));
        report.add(2, run("bare", 4_000, 400.0));
        assert_eq!(report.ratios("sms"), [(1, 2.0, 0.75)]);
        assert_eq!(report.ratios("sms in roles"), []);
        let text = report.to_string();
        assert!(text.contains("| median | 2.00 | 0.75 |"), "{text}");
        assert!(text.contains("820 bytes"), "{text}");
        assert!(!text.contains("constant rate"), "{text}");
    }
}
