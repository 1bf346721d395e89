//! `sms list`.

use std::io::{IsTerminal as _, stdout};

use sms_grpc::proto::v1 as wire;

use super::clean::short;
use super::connect::Client;
use super::style::Style;
use super::{Form, connect, json, message, request, words};
use crate::args::{Cli, ListArgs};
use crate::failure::Failure;
use crate::output;
use crate::progress::Screen;

/// How many messages one call asks for.
const PAGE: usize = 500;
/// How much of a text is shown.
const TEXT: usize = 32;

/// Lists messages, the latest first.
pub(crate) async fn list(cli: &Cli, args: &ListArgs) -> Result<(), Failure> {
    let form = Form::of(cli);
    let mut client = connect(cli, &args.connection).await?;
    let mut left = if args.all { usize::MAX } else { args.limit };
    let mut filter = filter(args)?;
    // Rows that scroll by are progress enough.
    let screen = Screen::new(args.all && !form.json && !stdout().is_terminal());
    let (progress, mut listed) = (screen.begin("listing"), 0);
    let mut first = true;
    while left > 0 {
        let size = left.min(PAGE);
        filter.page_size = i32::try_from(size).unwrap_or(i32::MAX);
        let page = ask(&mut client, &filter).await?;
        output::text(&render(&page.messages, first, form))?;
        first = false;
        listed += page.messages.len();
        progress.say(format!("listing: {listed} messages so far"));
        left = left.saturating_sub(page.messages.len());
        filter.page_token = page.next_page_token;
        if filter.page_token.is_empty() {
            return Ok(());
        }
    }
    if !form.json && !args.all {
        output::line(
            &form
                .style
                .dim("There are more: --limit or --all shows them."),
        )?;
    }
    Ok(())
}

async fn ask(
    client: &mut Client,
    filter: &wire::ListMessagesRequest,
) -> Result<wire::ListMessagesResponse, Failure> {
    client.list(filter.clone()).await
}

fn filter(args: &ListArgs) -> Result<wire::ListMessagesRequest, Failure> {
    let state = |state: &sms_core::State| {
        let name = format!("STATE_{}", state.as_str().to_uppercase());
        wire::State::from_str_name(&name)
            .map(i32::from)
            .ok_or_else(|| Failure::usage(format!("--state: {state} is not known to sms.v1")))
    };
    Ok(wire::ListMessagesRequest {
        states: args.states.iter().map(state).collect::<Result<_, _>>()?,
        to: args.to.clone().unwrap_or_default(),
        accepted_from: args.since.map(request::time),
        ..Default::default()
    })
}

fn render(messages: &[wire::Message], first: bool, form: Form) -> String {
    if form.json {
        let line = |one: &wire::Message| format!("{}\n", json::message(one));
        return messages.iter().map(line).collect();
    }
    if first && messages.is_empty() {
        return "no messages\n".into();
    }
    let mut text = String::new();
    if first {
        let header = row("ID", "STATE", "TO", "ACCEPTED", "PROVIDER", "TEXT");
        text.push_str(&form.style.bold(&header));
        text.push('\n');
    }
    messages
        .iter()
        .for_each(|one| text.push_str(&line(one, form.style)));
    text
}

fn line(one: &wire::Message, style: Style) -> String {
    let accepted = one
        .accepted_at
        .as_ref()
        .map(words::for_people)
        .unwrap_or_default();
    let state = message::state(one, style);
    // Colour takes room that is not seen.
    let unseen = state.len() - words::state(one.state).len();
    let padded = format!("{state:<width$}", width = 11 + unseen);
    let line = row(
        &one.id,
        &padded,
        &one.to,
        &accepted,
        &one.provider,
        &short(&one.text, TEXT),
    );
    format!("{line}\n")
}

fn row(id: &str, state: &str, to: &str, accepted: &str, provider: &str, text: &str) -> String {
    format!("{id:<36}  {state:<11}  {to:<16}  {accepted:<23}  {provider:<10}  {text}")
}
