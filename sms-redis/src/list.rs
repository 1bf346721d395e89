//! Listing by filter and page.

use sms_core::{ListFilter, Message, MessageId, Page, PageToken, State, StateCounts};

use crate::cursor::{Merged, Place};
use crate::error::Failure;
use crate::keys::Shard;
use crate::store::Inner;
use crate::{code, deadlines, read, value};

/// The most messages that one call looks at, which is some tens of milliseconds. What fits may
/// be rarer than that: then the page is short, or empty, and its token goes on from there.
const EXAMINED: usize = 10_000;

/// The most messages loaded at a time.
const LOADED: usize = 500;

/// Where a list is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// Nowhere: nothing fits.
    Nothing,
    /// All messages, until there are enough that fit.
    All,
    /// The indexes of these unusual states.
    Rare(Vec<State>),
    /// The index of deadlines, which every open message has; all of it, and sorted.
    Open,
}

pub(crate) async fn list(
    store: &Inner,
    filter: &ListFilter,
    after: Option<&PageToken>,
    size: usize,
) -> Result<Page, Failure> {
    let below = after.map(place_of).transpose()?;
    if size == 0 {
        return Ok(Page::default());
    }
    let source = if filter.states.is_empty() {
        Source::All
    } else {
        source(filter, &read::count(store).await?, size)
    };
    match source {
        Source::Nothing => Ok(Page::default()),
        Source::Open => open(store, filter, below.as_ref(), size).await,
        Source::All => {
            let key = |shard: &Shard| (shard.all.clone(), shard.slot);
            let sets = store.keys.shards().iter().map(key).collect();
            merged(store, filter, below, size, sets).await
        }
        Source::Rare(states) => {
            let of = |shard: &Shard, state: &State| (shard.rare(*state), shard.slot);
            let pairs = store
                .keys
                .shards()
                .iter()
                .flat_map(|shard| states.iter().map(move |state| of(shard, state)));
            let sets = pairs.collect();
            merged(store, filter, below, size, sets).await
        }
    }
}

/// The cheapest place to look.
fn source(filter: &ListFilter, counts: &StateCounts, size: usize) -> Source {
    let mut states = filter.states.clone();
    states.sort();
    states.dedup();
    states.retain(|state| counts.get(*state) > 0);
    if states.is_empty() {
        return Source::Nothing;
    }
    if states.iter().all(|state| code::is_rare(*state)) {
        return Source::Rare(states);
    }
    let open: u64 = counts
        .iter()
        .filter(|(state, _)| !state.is_final())
        .map(|(_, count)| count)
        .sum();
    // If they are spread evenly, one in `total / fitting` fits.
    let fitting: u64 = states.iter().map(|state| counts.get(*state)).sum();
    let wanted = fitting.min(u64::try_from(size).unwrap_or(u64::MAX));
    let among_all = counts.total() / fitting.max(1) * wanted;
    let all_open = states.iter().all(|state| !state.is_final());
    if all_open && open < among_all.min(EXAMINED as u64) {
        Source::Open
    } else {
        Source::All
    }
}

/// A page goes on below the last place that was looked at.
fn token_of((time, member): &Place) -> Result<PageToken, Failure> {
    let id = deadlines::id_of(member)?;
    Ok(PageToken(format!("{time}.{id}")))
}

fn place_of(token: &PageToken) -> Result<Place, Failure> {
    let place = || {
        let (time, id) = token.0.split_once('.')?;
        let is_number = time.bytes().all(|byte| byte.is_ascii_digit());
        let time = time.parse().ok().filter(|_| is_number)?;
        let id: MessageId = id.parse().ok()?;
        Some((time, id.as_bytes().to_vec()))
    };
    place().ok_or(Failure::PageToken)
}

/// The bounds of the time of acceptance, as Redis writes them.
fn bounds(filter: &ListFilter, below: Option<&Place>) -> (String, String) {
    let lowest = filter.accepted_from.map_or(0, |from| from.as_millis());
    let before = filter.accepted_before.map(|before| before.as_millis());
    let highest = match (before, below) {
        (Some(before), Some((time, _))) if *time < before => time.to_string(),
        (Some(before), _) => format!("({before}"),
        (None, Some((time, _))) => time.to_string(),
        (None, None) => "+inf".to_owned(),
    };
    (lowest.to_string(), highest)
}

async fn merged(
    store: &Inner,
    filter: &ListFilter,
    below: Option<Place>,
    size: usize,
    sets: Vec<(String, u16)>,
) -> Result<Page, Failure> {
    let bounds = bounds(filter, below.as_ref());
    let step = (size.min(LOADED) * 2 / sets.len().max(1)).max(8);
    let mut merged = Merged::new(sets, below, bounds, step);
    let mut found: Vec<(Place, Message)> = Vec::new();
    let mut examined = 0;
    loop {
        // One more than fits on the page tells whether there is another page.
        let wanted = (size + 1 - found.len()).clamp(LOADED.min(size + 1), LOADED);
        let places = merged.next(store, wanted).await?;
        let is_end = places.len() < wanted;
        let last = places.last().cloned();
        examined += places.len();
        found.extend(fitting(store, filter, places).await?);
        if found.len() > size {
            return page(found, size, None);
        }
        if is_end {
            return page(found, size, None);
        }
        if examined >= EXAMINED {
            return page(found, size, last);
        }
    }
}

/// Loads what is at these places, and keeps what fits.
async fn fitting(
    store: &Inner,
    filter: &ListFilter,
    places: Vec<Place>,
) -> Result<Vec<(Place, Message)>, Failure> {
    let ids: Vec<MessageId> = places
        .iter()
        .map(|(_, member)| deadlines::id_of(member))
        .collect::<Result<_, _>>()?;
    let messages = read::load(store, &ids).await?;
    drop_missing(store, &ids, &messages).await;
    let both = places.into_iter().zip(messages);
    Ok(both
        .filter_map(|(place, message)| Some((place, message?)))
        .filter(|(_, message)| filter.matches(message))
        .collect())
}

/// What was deleted by somebody else would be found for ever, and may fill pages with nothing.
/// Most that is missing was removed just now, and has no place in an index any more.
async fn drop_missing(store: &Inner, ids: &[MessageId], messages: &[Option<Message>]) {
    let both = ids.iter().zip(messages);
    let missing: Vec<MessageId> = both
        .filter_map(|(id, message)| message.is_none().then_some(*id))
        .collect();
    if let Err(failure) = deadlines::without_missing(store, &missing).await {
        tracing::debug!(%failure, "places of messages stay that are not there");
    }
}

/// A page of what was found; `last` is where looking stopped before the end.
fn page(
    mut found: Vec<(Place, Message)>,
    size: usize,
    last: Option<Place>,
) -> Result<Page, Failure> {
    let more = found.len() > size;
    found.truncate(size);
    let shown = found.last().map(|(place, _)| place.clone());
    let next = if more { shown } else { last };
    Ok(Page {
        messages: found.into_iter().map(|(_, message)| message).collect(),
        next: next.as_ref().map(token_of).transpose()?,
    })
}

/// Looks at all open messages; they are few.
async fn open(
    store: &Inner,
    filter: &ListFilter,
    below: Option<&Place>,
    size: usize,
) -> Result<Page, Failure> {
    let requests = store.of_each_shard("ZRANGE", |shard| &shard.due, &["0", "-1"]);
    let mut members = Vec::new();
    for answer in store.servers.read(requests).await? {
        for member in value::array(answer, "deadlines")? {
            members.extend(value::bytes(member, "deadlines")?.map(|member| (0, member)));
        }
    }
    let mut found = Vec::new();
    for some in members.chunks(LOADED) {
        let fitting = fitting(store, filter, some.to_vec()).await?;
        found.extend(fitting.into_iter().map(|((_, member), message)| {
            let time = message.request.accepted_at.as_millis();
            ((time, member), message)
        }));
    }
    found.retain(|(place, _)| below.is_none_or(|below| place < below));
    found.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
    page(found, size, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(State, u64)]) -> StateCounts {
        let mut counts = StateCounts::default();
        for (state, count) in of {
            counts.set(*state, *count);
        }
        counts
    }

    #[test]
    fn a_list_is_read_where_it_is_cheapest() {
        let usual = counts(&[
            (State::Queued, 3),
            (State::Sent, 500),
            (State::Delivered, 1_000_000),
            (State::Failed, 20),
        ]);
        for (states, expected) in [
            (vec![State::Failed], Source::Rare(vec![State::Failed])),
            (vec![State::Expired], Source::Nothing),
            (vec![State::Queued], Source::Open),
            (vec![State::Queued, State::Sent], Source::Open),
            (vec![State::Delivered], Source::All),
            (vec![State::Failed, State::Delivered], Source::All),
        ] {
            let filter = ListFilter {
                states: states.clone(),
                ..ListFilter::default()
            };
            assert_eq!(source(&filter, &usual, 50), expected, "{states:?}");
        }
        let backlog = counts(&[(State::Queued, 1_000_000), (State::Delivered, 10)]);
        let filter = ListFilter {
            states: vec![State::Queued],
            ..ListFilter::default()
        };
        assert_eq!(source(&filter, &backlog, 50), Source::All);
    }

    #[test]
    fn a_token_leads_back_to_its_place() {
        let id: MessageId = "018f4e9a-7c1b-7abc-8def-0123456789ab".parse().unwrap();
        let place = (1_767_225_600_000, id.as_bytes().to_vec());
        let token = token_of(&place).ok().unwrap();
        assert_eq!(place_of(&token).ok(), Some(place));
    }
}
