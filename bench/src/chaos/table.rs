//! What a run came to, for people.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use super::{
    books::Books,
    check::{Index, state_name},
    plan::Step,
};

/// One fault and what followed.
#[derive(Clone, Debug)]
pub(super) struct Struck {
    pub(super) step: Step,
    /// Since the load began.
    pub(super) begun: Duration,
    pub(super) mended: Duration,
    /// After it was mended; none if the flow did not come back in time.
    pub(super) recovered: Option<Duration>,
}

/// Everything that is printed at the end.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) struck: &'a [Struck],
    pub(super) books: &'a Books,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.faults(f)?;
        writeln!(f)?;
        self.totals(f)?;
        writeln!(f)?;
        self.states(f)
    }
}

impl Table<'_> {
    fn faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "fault",
            "at s",
            "lasted s",
            "flows after s",
            "calls failed",
            "in vain",
        ];
        let [fault, at, lasted, after, failed, vain] = head;
        writeln!(
            f,
            "{fault:<24} {at:>6} {lasted:>9} {after:>14} {failed:>13} {vain:>8}"
        )?;
        for one in self.struck {
            let after = match one.recovered {
                Some(after) => format!("{:.1}", after.as_secs_f64()),
                None => "never".to_owned(),
            };
            let (failed, vain) = self.failures(one);
            writeln!(
                f,
                "{:<24} {:>6.1} {:>9.1} {after:>14} {failed:>13} {vain:>8}",
                one.step.fault.to_string(),
                one.begun.as_secs_f64(),
                (one.mended - one.begun).as_secs_f64(),
            )?;
        }
        Ok(())
    }

    /// Calls that failed while this fault was felt, and messages whose every call failed.
    fn failures(&self, one: &Struck) -> (usize, usize) {
        // Until the next one begins: a call that hangs fails late.
        let next = self.struck.iter().find(|other| other.begun > one.begun);
        let end = next.map_or(Duration::MAX, |next| next.begun);
        let felt = |at: Duration| at >= one.begun && at < end;
        let wishes = self.books.wishes.iter();
        let failed = wishes.clone().flat_map(|wish| &wish.failures);
        let vain = wishes.filter(|wish| {
            wish.is_in_vain() && wish.failures.last().is_some_and(|last| felt(last.at))
        });
        (
            failed.filter(|failure| felt(failure.at)).count(),
            vain.count(),
        )
    }

    /// In the words of Jepsen's checker of queues.
    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let books = self.books;
        let index = Index::new(books);
        let attempted = books.wishes.len();
        let acknowledged = books
            .wishes
            .iter()
            .filter(|wish| !wish.is_in_vain())
            .count();
        let answered: usize = books.wishes.iter().map(|wish| wish.ids.len()).sum();
        let known = |id: &String| index.by_id.contains_key(&**id);
        let lost = books.wishes.iter().flat_map(|wish| &wish.ids);
        let lost = lost.filter(|id| !known(id)).count();
        let recovered = books
            .wishes
            .iter()
            .filter(|wish| wish.is_in_vain() && index.by_number.contains_key(&wish.number));
        let mut taken = HashMap::<&str, usize>::new();
        for call in books.calls.iter().filter(|call| call.taken.is_some()) {
            *taken.entry(&call.reference).or_default() += 1;
        }
        let doubled = taken.values().filter(|times| **times > 1).count();
        writeln!(
            f,
            "attempted     {attempted:>7}  messages, {answered} calls answered with an id"
        )?;
        writeln!(f, "acknowledged  {acknowledged:>7}")?;
        writeln!(f, "lost          {lost:>7}  acknowledged, and not there")?;
        writeln!(
            f,
            "recovered     {:>7}  not acknowledged, and there",
            recovered.count()
        )?;
        writeln!(f, "stored        {:>7}", books.messages.len())?;
        writeln!(f, "submissions   {:>7}  at the provider", books.calls.len())?;
        writeln!(f, "taken         {:>7}  messages", taken.len())?;
        writeln!(
            f,
            "duplicated    {doubled:>7}  taken twice, as their policy prefers"
        )?;
        let acknowledged = books
            .reports
            .iter()
            .filter(|one| one.acknowledged.is_some());
        let (acknowledged, posted) = (acknowledged.count(), books.reports.len());
        writeln!(
            f,
            "reports       {posted:>7}  posted, {acknowledged} acknowledged"
        )?;
        writeln!(f, "glimpses      {:>7}", books.glimpses.len())
    }

    fn states(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut states = BTreeMap::<String, usize>::new();
        let mut outcomes = BTreeMap::<String, usize>::new();
        for message in &self.books.messages {
            *states.entry(state_name(message.state())).or_default() += 1;
            for attempt in &message.attempts {
                let name = attempt.outcome().as_str_name();
                let name = name.trim_start_matches("ATTEMPT_OUTCOME_").to_lowercase();
                *outcomes.entry(name).or_default() += 1;
            }
        }
        writeln!(f, "states    {}", listed(&states))?;
        write!(f, "attempts  {}", listed(&outcomes))
    }
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let each = counts.iter().map(|(name, count)| format!("{count} {name}"));
    each.collect::<Vec<_>>().join(", ")
}
