//! One run: the load, one fault after the other, and the wait until all is over.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

use super::{
    Arguments,
    books::{self, Books, Counts},
    check::{self, Breach},
    dice::Dice,
    glimpses::{self, Glimpses},
    ledger::Ledger,
    load::Sending,
    place::Place,
    plan::{self, Step},
    recovery::Flow,
    strike,
    table::Struck,
};

/// Between two looks at what is still open.
const POLL: Duration = Duration::from_millis(500);
/// A run that has begun.
pub(super) struct Run {
    dice: Dice,
    ledger: Ledger,
    sending: Arc<Sending>,
    seen: Glimpses,
    rate: f64,
}

impl Run {
    pub(super) fn new(
        dice: Dice,
        ledger: Ledger,
        place: &Place,
        arguments: &Arguments,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            dice,
            ledger,
            sending: Sending::new(dice, &place.apis())?,
            seen: Glimpses::default(),
            rate: arguments.rate,
        })
    }

    /// Sends, and breaks one thing after the other meanwhile.
    pub(super) async fn under_load(
        &self,
        place: &mut Place,
        arguments: &Arguments,
    ) -> anyhow::Result<Vec<Struck>> {
        let load = tokio::spawn(Arc::clone(&self.sending).run(self.rate));
        let looking = glimpses::look(self.dice, Arc::clone(&self.sending), self.seen.clone());
        let looking = tokio::spawn(looking);
        let struck = self.break_all(place, arguments).await;
        self.sending.stop();
        load.await.context("the load ended early")?;
        looking.abort();
        struck
    }

    async fn break_all(
        &self,
        place: &mut Place,
        arguments: &Arguments,
    ) -> anyhow::Result<Vec<Struck>> {
        let flow = Flow {
            sending: Arc::clone(&self.sending),
            ledger: self.ledger.clone(),
            rate: self.rate,
            bound: Duration::from_secs(arguments.recovery),
        };
        let began = Instant::now();
        flow.recovered()
            .await
            .context("before anything was broken")?;
        let minutes = arguments.minutes.unwrap_or_default();
        let until = Duration::from_secs_f64(minutes * 60.0);
        let mut struck = Vec::new();
        for number in 0.. {
            let mut steps = plan::round(self.dice, number);
            steps.retain(|step| {
                let name = step.fault.to_string();
                arguments
                    .only
                    .as_ref()
                    .is_none_or(|only| name.contains(&**only))
            });
            let bar = bar(steps.len());
            for step in steps {
                bar.set_message(step.fault.to_string());
                let one = self.break_one(place, step, &flow, began).await?;
                say(&bar, &one, &self.sending);
                let is_over = one.recovered.is_none();
                struck.push(one);
                if is_over {
                    // What is broken next would be blamed for it.
                    return Ok(struck);
                }
                bar.inc(1);
                sleep(step.fault.calm()).await;
            }
            bar.finish_and_clear();
            if began.elapsed() >= until {
                break;
            }
        }
        Ok(struck)
    }

    async fn break_one(
        &self,
        place: &mut Place,
        step: Step,
        flow: &Flow,
        began: Instant,
    ) -> anyhow::Result<Struck> {
        let begun = began.elapsed();
        let broken = strike::strike(place, step).await;
        broken.with_context(|| step.fault.to_string())?;
        let mended = began.elapsed();
        let recovered = flow.recovered().await;
        if let Err(error) = &recovered {
            eprintln!("{}: {error}", step.fault);
        }
        Ok(Struck {
            step,
            begun,
            mended,
            recovered: recovered.ok(),
        })
    }

    /// Waits until the books balance, or for as long as there is patience.
    pub(super) async fn settle(
        &self,
        place: &Place,
        patience: u64,
    ) -> anyhow::Result<(Books, Vec<Breach>)> {
        let patience = Duration::from_secs(patience);
        let began = Instant::now();
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(100));
        loop {
            let counts = Counts::ask(place.admins()[0]).await?;
            let out = self.ledger.reports();
            let out = out.iter().filter(|one| one.acknowledged.is_none()).count();
            let (open, late) = (counts.open(), began.elapsed() >= patience);
            spinner.set_message(format!("{open} messages open, {out} reports on their way"));
            if late || (open == 0 && out == 0) {
                let books = self.books(place).await?;
                let breaches = check::check(&books);
                if late || breaches.is_empty() {
                    spinner.finish_and_clear();
                    return Ok((books, breaches));
                }
            }
            sleep(POLL).await;
        }
    }

    async fn books(&self, place: &Place) -> anyhow::Result<Books> {
        let mut counts = Vec::new();
        for admin in place.admins() {
            counts.push(Counts::ask(admin).await?);
        }
        let glimpses = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.clone()
        };
        Ok(Books {
            wishes: self.sending.wishes(),
            calls: self.ledger.calls(),
            reports: self.ledger.reports(),
            messages: books::list(self.sending.channel(0)).await?,
            glimpses,
            counts,
        })
    }
}

fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed} {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Tells what a fault came to, above the bar, or as a line where there is no terminal.
fn say(bar: &ProgressBar, one: &Struck, sending: &Sending) {
    let (accepted, in_vain) = sending.counts();
    let after = one.recovered.map_or("never".to_owned(), |after| {
        format!("{:.1} s", after.as_secs_f64())
    });
    let line = format!(
        "{:<24} flows after {after:>6}; {accepted} accepted, {in_vain} in vain",
        one.step.fault.to_string()
    );
    if bar.is_hidden() {
        eprintln!("{line}");
    } else {
        bar.println(line);
    }
}
