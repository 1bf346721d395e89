//! Reports whose message is not known yet.

use std::time::Duration;

use redis::Value;
use sms_core::{ParkedReport, Report, ReportKey, Timestamp};

use crate::bytes::{Decoder, Encoder, Unreadable};
use crate::deadlines::Entry;
use crate::error::Failure;
use crate::keys::{self, Shard};
use crate::place;
use crate::read::TOGETHER;
use crate::script::Run;
use crate::servers::{Answer, Request};
use crate::store::Inner;
use crate::{deadlines, progress, request, value};

const FORM: &str = "a parked report";

/// Digits in front of a stored report that tell the order.
const ORDER: usize = 15;

/// How long a place that leads to no readable report is left alone.
const SET_ASIDE: Duration = Duration::from_secs(3_600);

/// What a report says. Two that say the same repeat each other.
fn saying(report: &Report) -> Vec<u8> {
    let mut out = Encoder::default();
    out.text(report.provider.as_str());
    out.text(report.status.as_str());
    let texts = [
        report.provider_id.as_ref().map(|id| id.as_str()),
        report.receipt_id.as_deref(),
        report.code.as_deref(),
    ];
    for text in texts {
        out.byte(u8::from(text.is_some()));
        out.text(text.unwrap_or_default());
    }
    out.0
}

/// The name of its key, and what it says, with a byte between that no name has.
fn member(parked: &ParkedReport) -> Vec<u8> {
    let mut member = keys::early_name(&parked.key).into_bytes();
    member.push(0);
    member.extend(saying(&parked.report));
    member
}

fn encode(parked: &ParkedReport) -> Vec<u8> {
    let mut out = Encoder::default();
    out.signed(parked.look_again_at.as_millis());
    out.raw(&progress::encode_report(&parked.report));
    out.0
}

fn decode(key: ReportKey, stored: &[u8]) -> Result<ParkedReport, Unreadable> {
    let bytes = stored.get(ORDER..).ok_or(Unreadable::Part(FORM))?;
    let mut from = Decoder(bytes);
    let look_again_at = Timestamp::from_millis(from.signed(FORM)?);
    Ok(ParkedReport {
        key,
        look_again_at,
        report: progress::decode_report(from.0)?,
    })
}

pub(crate) async fn park(store: &Inner, reports: &[ParkedReport]) -> Result<(), Failure> {
    let requests = by_shard(store, reports, |shard, reports| {
        let run = Run::new(&store.scripts.park, shard.slot, 2 + reports.len());
        let mut run = run.arg(&shard.again).arg(&shard.parked);
        for parked in reports {
            run.push(shard.early(&parked.key));
        }
        for parked in reports {
            run.push(saying(&parked.report));
            run.push(encode(parked));
            run.push(parked.look_again_at.as_millis());
            run.push(member(parked));
        }
        run.request()
    });
    store.servers.write(requests).await?;
    Ok(())
}

pub(crate) async fn unpark(store: &Inner, reports: &[ParkedReport]) -> Result<(), Failure> {
    let requests = by_shard(store, reports, |shard, reports| {
        let run = Run::new(&store.scripts.unpark, shard.slot, 1 + reports.len());
        let mut run = run.arg(&shard.again);
        for parked in reports {
            run.push(shard.early(&parked.key));
        }
        for parked in reports {
            run.push(saying(&parked.report));
            run.push(member(parked));
        }
        run.request()
    });
    store.servers.write(requests).await?;
    Ok(())
}

fn by_shard(
    store: &Inner,
    reports: &[ParkedReport],
    request: impl Fn(&Shard, &[&ParkedReport]) -> Request,
) -> Vec<Request> {
    let shards = reports
        .iter()
        .map(|parked| store.keys.shard_of_key(&parked.key));
    let batches = place::by_shard(&store.keys, shards);
    let requests = batches.iter().map(|batch| {
        let of_shard: Vec<_> = batch.places.iter().map(|at| &reports[*at]).collect();
        request(batch.shard, &of_shard)
    });
    requests.collect()
}

/// One look-up for each key, all sent together. Nearly always nothing is there: where one server
/// has all slots, it is asked that first, for all keys at once.
pub(crate) async fn parked(
    store: &Inner,
    keys: &[ReportKey],
) -> Result<Vec<ParkedReport>, Failure> {
    if store.servers.is_one() && keys.len() > 1 && !is_any(store, keys).await? {
        return Ok(Vec::new());
    }
    let requests = keys.iter().map(|key| {
        let shard = &store.keys.shards()[store.keys.shard_of_key(key)];
        let mut cmd = redis::cmd("HVALS");
        cmd.arg(shard.early(key));
        Request {
            slot: shard.slot,
            cmd,
        }
    });
    let answers = store.servers.read(requests.collect()).await?;
    let mut found = Vec::new();
    for (key, answer) in keys.iter().zip(answers) {
        let mut under_key = Vec::new();
        for stored in value::array(answer, FORM)? {
            under_key.extend(value::bytes(stored, FORM)?);
        }
        // The digits in front tell in which order they came.
        under_key.sort();
        for stored in under_key {
            match decode(key.clone(), &stored) {
                Ok(parked) => found.push(parked),
                Err(error) => passed_over(&error),
            }
        }
    }
    Ok(found)
}

/// Whether reports are parked under any of these keys.
async fn is_any(store: &Inner, keys: &[ReportKey]) -> Result<bool, Failure> {
    let some = |keys: &[ReportKey]| {
        let mut cmd = redis::cmd("EXISTS");
        for key in keys {
            let shard = &store.keys.shards()[store.keys.shard_of_key(key)];
            cmd.arg(shard.early(key));
        }
        Request { slot: 0, cmd }
    };
    let requests = keys.chunks(TOGETHER).map(some).collect();
    let answers = store.servers.read(requests).await?;
    Ok(answers.iter().any(|answer| *answer != Value::Int(0)))
}

/// One that cannot be read must not hide the others.
fn passed_over(error: &Unreadable) {
    tracing::error!(%error, "a parked report is passed over");
}

pub(crate) async fn due(
    store: &Inner,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<ParkedReport>, Failure> {
    let at = now.as_millis().to_string();
    let entries = deadlines::lowest(store, |shard| &shard.again, &at, limit).await?;
    let mut due = Vec::with_capacity(entries.len());
    let mut set_aside = Vec::new();
    let answers = stored(store, &entries).await;
    for (entry, answer) in entries.into_iter().zip(answers) {
        let (_, shard, member) = entry;
        // Its shard has gone away meanwhile.
        let Ok(stored) = answer.and_then(|answer| value::bytes(answer, FORM)) else {
            continue;
        };
        match read(&member, stored) {
            Ok(Some(parked)) => due.push(parked),
            Ok(None) => set_aside.push((shard, member)),
            Err(error) => {
                passed_over(&error);
                set_aside.push((shard, member));
            }
        }
    }
    look_later(store, set_aside, now + SET_ASIDE).await;
    Ok(due)
}

/// The reports of these places as they are stored.
async fn stored(store: &Inner, entries: &[Entry]) -> Vec<Answer> {
    let request = |(_, shard, member): &Entry| {
        let shard = &store.keys.shards()[*shard];
        let (name, saying) = split(member);
        let mut cmd = redis::cmd("HGET");
        cmd.arg(shard.early_named(name)).arg(saying);
        Request {
            slot: shard.slot,
            cmd,
        }
    };
    let requests: Vec<Request> = entries.iter().map(request).collect();
    store.servers.read_each(&requests).await
}

/// None if nothing is stored any more.
fn read(member: &[u8], stored: Option<Vec<u8>>) -> Result<Option<ParkedReport>, Unreadable> {
    let Some(stored) = stored else {
        return Ok(None);
    };
    let key = key_of(split(member).0)?;
    decode(key, &stored).map(Some)
}

/// Moves what leads to no report out of the way: enough of it would hide all others.
async fn look_later(store: &Inner, set_aside: Vec<(usize, Vec<u8>)>, at: Timestamp) {
    let request = |(shard, member): (usize, Vec<u8>)| {
        let shard = &store.keys.shards()[shard];
        let mut cmd = redis::cmd("ZADD");
        cmd.arg(&shard.again)
            .arg("XX")
            .arg(at.as_millis())
            .arg(member);
        Request {
            slot: shard.slot,
            cmd,
        }
    };
    let requests = set_aside.into_iter().map(request).collect();
    if let Err(failure) = store.servers.read(requests).await {
        tracing::debug!(%failure, "places without a report stay in front");
    }
}

/// The name of its key, and what the report says. A member that was not made here leads to
/// nothing.
fn split(member: &[u8]) -> (&str, &[u8]) {
    let end = member.iter().position(|byte| *byte == 0);
    let (name, saying) = member.split_at(end.unwrap_or(0));
    let name = std::str::from_utf8(name).unwrap_or_default();
    (name, saying.get(1..).unwrap_or_default())
}

fn key_of(name: &str) -> Result<ReportKey, Unreadable> {
    let (provider, provider_id) = name.split_once('/').ok_or(Unreadable::Part(FORM))?;
    Ok(ReportKey {
        provider: request::parse(provider, FORM)?,
        provider_id: request::parse(provider_id, FORM)?,
    })
}
