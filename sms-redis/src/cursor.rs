//! Reading several sorted sets as if they were one, the highest first.

use std::collections::VecDeque;

use crate::error::Failure;
use crate::servers::Request;
use crate::store::Inner;
use crate::value;

/// A place in the order: time of acceptance, then id.
pub(crate) type Place = (i64, Vec<u8>);

/// Where reading of one set has got to.
#[derive(Debug)]
struct Cursor {
    key: String,
    slot: u16,
    read: VecDeque<Place>,
    /// The last place that was read.
    last: Option<Place>,
    /// How many places at the time of the last one were read already.
    again: usize,
    is_at_end: bool,
}

/// Several sets, each read in steps.
#[derive(Debug)]
pub(crate) struct Merged {
    cursors: Vec<Cursor>,
    /// Places at or above this are passed over.
    below: Option<Place>,
    /// The bounds of the times, as Redis writes them.
    lowest: String,
    highest: String,
    step: usize,
}

impl Merged {
    /// `sets` are keys and their slots; `step` is how many places are read from each at a time.
    pub(crate) fn new(
        sets: impl IntoIterator<Item = (String, u16)>,
        below: Option<Place>,
        (lowest, highest): (String, String),
        step: usize,
    ) -> Self {
        let cursor = |(key, slot)| Cursor {
            key,
            slot,
            read: VecDeque::new(),
            last: None,
            again: 0,
            is_at_end: false,
        };
        Self {
            cursors: sets.into_iter().map(cursor).collect(),
            below,
            lowest,
            highest,
            step,
        }
    }

    /// Up to so many places more; fewer only at the end. A place that is in several sets comes
    /// once.
    pub(crate) async fn next(&mut self, store: &Inner, most: usize) -> Result<Vec<Place>, Failure> {
        let mut places: Vec<Place> = Vec::with_capacity(most);
        while places.len() < most {
            self.fill(store).await?;
            let Some(place) = self.pop() else {
                break;
            };
            self.below = Some(place.clone());
            places.push(place);
        }
        Ok(places)
    }

    /// The highest place of all; whatever is not below the last one was given already.
    fn pop(&mut self) -> Option<Place> {
        let highest = self
            .cursors
            .iter_mut()
            .max_by(|one, other| one.read.front().cmp(&other.read.front()))?;
        highest.read.pop_front()
    }

    /// Sees to it that every set that has more has something read.
    async fn fill(&mut self, store: &Inner) -> Result<(), Failure> {
        loop {
            let below = self.below.as_ref();
            for cursor in &mut self.cursors {
                while cursor
                    .read
                    .front()
                    .is_some_and(|place| below.is_some_and(|below| place >= below))
                {
                    cursor.read.pop_front();
                }
            }
            let empty: Vec<&mut Cursor> = self
                .cursors
                .iter_mut()
                .filter(|cursor| cursor.read.is_empty() && !cursor.is_at_end)
                .collect();
            if empty.is_empty() {
                return Ok(());
            }
            let highest = match below {
                Some((time, _)) => time.to_string(),
                None => self.highest.clone(),
            };
            let requests = empty
                .iter()
                .map(|cursor| cursor.request(&highest, &self.lowest, self.step));
            let answers = store.servers.read(requests.collect()).await?;
            for (cursor, answer) in empty.into_iter().zip(answers) {
                let scored = value::scored(answer, "a sorted set")?;
                cursor.take(scored, self.step);
            }
        }
    }
}

impl Cursor {
    /// From the time of the last place on, so much more than was read at that time. Not by an
    /// offset: what is removed meanwhile would shift others into what is passed over.
    fn request(&self, highest: &str, lowest: &str, step: usize) -> Request {
        let from = match &self.last {
            Some((time, _)) => time.to_string(),
            None => highest.to_owned(),
        };
        let mut cmd = redis::cmd("ZRANGE");
        cmd.arg(&self.key).arg(from).arg(lowest);
        cmd.arg("BYSCORE").arg("REV").arg("LIMIT");
        cmd.arg(0).arg(self.again + step).arg("WITHSCORES");
        Request {
            slot: self.slot,
            cmd,
        }
    }

    fn take(&mut self, scored: Vec<Place>, step: usize) {
        self.is_at_end = scored.len() < self.again + step;
        for place in &scored {
            if self.last.as_ref().is_none_or(|last| place < last) {
                self.last = Some(place.clone());
                self.read.push_back(place.clone());
            }
        }
        let time = self.last.as_ref().map(|(time, _)| *time);
        let again = scored.iter().filter(|(at, _)| Some(*at) == time);
        self.again = again.count();
    }
}
