//! A message for people.

use prost_types::Timestamp as WireTime;
use sms_grpc::proto::v1 as wire;

use super::clean::clean;
use super::style::Style;
use super::words;

/// Lines of names and values, the values below each other.
#[derive(Default)]
pub(super) struct Rows(Vec<(&'static str, String)>);

impl Rows {
    pub(super) fn add(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    fn add_time(&mut self, name: &'static str, at: Option<&WireTime>) {
        if let Some(at) = at {
            self.add(name, words::for_people(at));
        }
    }

    pub(super) fn text(&self, indent: usize) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let line =
            |(name, value): &(&str, String)| format!("{:indent$}{name:<width$}  {value}\n", "");
        self.0.iter().map(line).collect()
    }
}

/// The state of a message in its colour.
pub(super) fn state(message: &wire::Message, style: Style) -> String {
    style.state(message.state(), &words::state(message.state))
}

fn size(message: &wire::Message) -> String {
    let segments = match message.segments {
        1 => "1 segment".to_owned(),
        many => format!("{many} segments"),
    };
    format!(
        "{segments}, {}",
        words::encoding_for_people(message.encoding)
    )
}

/// That a message was accepted, and what to do next.
pub(super) fn accepted(
    message: &wire::Message,
    replayed: bool,
    waits: bool,
    style: Style,
) -> String {
    let mut rows = Rows::default();
    rows.add("to", clean(&message.to));
    rows.add("provider", &*message.provider);
    rows.add("size", size(message));
    if let Some(at) = &message.send_at {
        rows.add("send at", words::for_people(at));
    }
    let what = match replayed {
        true => "accepted already",
        false => "accepted",
    };
    let mut text = format!("{what} {}\n{}", style.bold(&message.id), rows.text(2));
    if replayed {
        text.push_str("  The key belongs to this earlier message; nothing further is sent.\n");
    }
    if !waits {
        let next = format!("Follow it: sms watch {}\n", message.id);
        text.push_str(&style.dim(&next));
    }
    text
}

/// A message as it is now.
pub(super) fn details(message: &wire::Message, style: Style) -> String {
    let mut rows = Rows::default();
    rows.add("state", state(message, style));
    let ending = words::state(message.ending);
    if !ending.is_empty() {
        rows.add(
            "ending",
            format!("{ending}, once the attempt under way has ended"),
        );
    }
    rows.add("to", clean(&message.to));
    if !message.from.is_empty() {
        rows.add("from", clean(&message.from));
    }
    rows.add("text", clean(&message.text));
    rows.add("size", size(message));
    rows.add("provider", &*message.provider);
    rows.add("attempts", message.attempts.len().to_string());
    if let Some(last) = message.attempts.last() {
        rows.add("last answer", answer(last));
    }
    rows.add_time("accepted", message.accepted_at.as_ref());
    rows.add_time("send at", message.send_at.as_ref());
    rows.add_time("next attempt", message.next_attempt_at.as_ref());
    rows.add_time("finished", message.finished_at.as_ref());
    if message.finished_at.is_none() {
        rows.add_time("expires", message.expires_at.as_ref());
    }
    format!("{}\n{}", style.bold(&message.id), rows.text(2))
}

/// What a provider said to an attempt: its outcome, code and words.
pub(super) fn answer(attempt: &wire::Attempt) -> String {
    let outcome = words::outcome(attempt.outcome);
    let outcome = match outcome.is_empty() {
        true => "under way".to_owned(),
        false => outcome,
    };
    let said = [&attempt.code, &attempt.description].map(|words| clean(words));
    let said = said
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect::<Vec<_>>();
    match said.is_empty() {
        true => outcome,
        false => format!("{outcome} ({})", said.join(" ")),
    }
}

/// What a text becomes.
pub(super) fn preview(preview: &wire::PreviewMessageResponse) -> String {
    let mut rows = Rows::default();
    let encoding = words::encoding_for_people(preview.encoding);
    let original = words::encoding_for_people(preview.original_encoding);
    rows.add(
        "encoding",
        match encoding == original {
            true => encoding.to_owned(),
            false => format!("{encoding} (as it was given: {original})"),
        },
    );
    rows.add("segments", preview.segments.to_string());
    let unit = match preview.encoding() {
        wire::Encoding::Gsm7 => "septets",
        _ => "units of 16 bits",
    };
    let (units, each) = (preview.units, preview.units_per_segment);
    rows.add(
        "length",
        format!("{units} {unit}, at most {each} in a segment"),
    );
    for one in &preview.replacements {
        let to = match one.to.is_empty() {
            true => "nothing".to_owned(),
            false => format!("\"{}\"", clean(&one.to)),
        };
        rows.add(
            "replaced",
            format!("\"{}\" by {to}, {} times", clean(&one.from), one.count),
        );
    }
    rows.add("provider", &*preview.provider);
    rows.add("text", clean(&preview.text));
    rows.text(0)
}
