//! Reports whose message is not known yet, in memory.

use std::collections::{BTreeSet, HashMap};

use crate::{ParkedReport, ReportKey, Timestamp};

/// Parked reports by what they wait for, and by when to look again.
#[derive(Debug, Default)]
pub(super) struct Parking {
    under: HashMap<ReportKey, Vec<ParkedReport>>,
    /// A place for each time at which something under a key is to be looked at.
    again: BTreeSet<(Timestamp, ReportKey)>,
}

impl Parking {
    pub(super) fn park(&mut self, parked: ParkedReport) {
        self.unpark(&parked);
        let key = parked.key.clone();
        self.again.insert((parked.look_again_at, key.clone()));
        self.under.entry(key).or_default().push(parked);
    }

    /// Removes what the report repeats.
    pub(super) fn unpark(&mut self, parked: &ParkedReport) {
        let Some(under_key) = self.under.get_mut(&parked.key) else {
            return;
        };
        for one in under_key.iter() {
            self.again.remove(&(one.look_again_at, parked.key.clone()));
        }
        under_key.retain(|earlier| !earlier.report.repeats(&parked.report));
        let stay = under_key
            .iter()
            .map(|one| (one.look_again_at, parked.key.clone()));
        self.again.extend(stay);
        if under_key.is_empty() {
            self.under.remove(&parked.key);
        }
    }

    pub(super) fn under(&self, key: &ReportKey) -> &[ParkedReport] {
        self.under.get(key).map_or(&[], Vec::as_slice)
    }

    /// Those to look at now, the longest overdue first. Costs what it gives, because it is asked
    /// for several times a second.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &ParkedReport> {
        let places = self.again.iter().take_while(move |(at, _)| *at <= now);
        places.flat_map(|(at, key)| {
            let under_key = self.under(key).iter();
            under_key.filter(move |parked| parked.look_again_at == *at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Report, ReportStatus};

    fn parked(id: &str, code: &str, seconds: i64) -> ParkedReport {
        let provider: crate::ProviderName = "main".parse().unwrap();
        let at = Timestamp::from_millis(seconds * 1_000);
        ParkedReport {
            key: ReportKey {
                provider: provider.clone(),
                provider_id: id.parse().unwrap(),
            },
            report: Report {
                received_at: at,
                provider,
                status: ReportStatus::Delivered,
                provider_id: None,
                receipt_id: None,
                code: Some(code.into()),
                text: None,
                late: false,
            },
            look_again_at: at,
        }
    }

    /// What is left behind would be walked over four times a second, for ever.
    #[test]
    fn every_place_leads_to_a_report_and_every_report_has_one() {
        let mut parking = Parking::default();
        for seconds in [1, 2, 3] {
            parking.park(parked("a", "0", seconds));
            parking.park(parked("a", "1", 3));
            parking.park(parked("b", "0", 4));
        }
        let due: Vec<_> = parking.due(Timestamp::MAX).cloned().collect();
        let expected = [
            parked("a", "0", 3),
            parked("a", "1", 3),
            parked("b", "0", 4),
        ];
        assert_eq!((due, parking.again.len()), (expected.to_vec(), 2));
        parking.unpark(&expected[1]);
        assert_eq!(parking.due(Timestamp::MAX).count(), 2);
        for one in &expected {
            parking.unpark(one);
        }
        assert!(parking.again.is_empty() && parking.under.is_empty());
    }
}
