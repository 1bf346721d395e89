//! The commands that ask a server, by gRPC.

mod clean;
mod connect;
mod follow;
mod json;
mod list;
mod message;
mod refusal;
mod request;
mod style;
mod trace;
mod words;

use sms_core::SystemEntropy;
use sms_grpc::proto::v1 as wire;

use crate::args::{Cli, Connection, OneMessage, PreviewArgs, SendArgs};
use crate::failure::Failure;
use crate::output;
use connect::Client;
pub(crate) use list::list;
use style::Style;

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) json: bool,
    pub(crate) style: Style,
}

impl Form {
    /// As the command line asks for it.
    pub(crate) fn of(cli: &Cli) -> Self {
        Self {
            json: cli.json,
            style: Style::of_stdout(),
        }
    }

    fn message(&self, message: &wire::Message) -> Result<(), Failure> {
        match self.json {
            true => output::line(&json::message(message).to_string()),
            false => output::text(&message::details(message, self.style)),
        }
    }
}

/// A connection as the command line and the configuration ask for it.
pub(crate) async fn connect(cli: &Cli, connection: &Connection) -> Result<Client, Failure> {
    Client::connect(connect::Target::of(cli, connection)?).await
}

/// `sms send`.
pub(crate) async fn send(cli: &Cli, args: &SendArgs) -> Result<(), Failure> {
    let form = Form::of(cli);
    let sending = request::of_send(args, &SystemEntropy)?;
    let mut client = connect(cli, &args.connection).await?;
    let response = client.send(sending).await?;
    let message = response.message.unwrap_or_default();
    if args.quiet {
        return output::line(&message.id);
    }
    if form.json {
        output::line(&json::accepted(&message, response.replayed).to_string())?;
    } else {
        output::text(&message::accepted(
            &message,
            response.replayed,
            args.wait,
            form.style,
        ))?;
    }
    if args.wait {
        return follow::until_final(&mut client, &message.id, form).await;
    }
    Ok(())
}

/// `sms status`.
pub(crate) async fn status(cli: &Cli, args: &OneMessage) -> Result<(), Failure> {
    let message = connect(cli, &args.connection).await?.get(&args.id).await?;
    Form::of(cli).message(&message)
}

/// `sms watch`.
pub(crate) async fn watch(cli: &Cli, args: &OneMessage) -> Result<(), Failure> {
    let mut client = connect(cli, &args.connection).await?;
    follow::until_final(&mut client, &args.id, Form::of(cli)).await
}

/// `sms trace`.
pub(crate) async fn trace(cli: &Cli, args: &OneMessage) -> Result<(), Failure> {
    let form = Form::of(cli);
    let message = connect(cli, &args.connection).await?.get(&args.id).await?;
    match form.json {
        true => form.message(&message),
        false => output::text(&trace::whole_life(&message, form.style)),
    }
}

/// `sms cancel`.
pub(crate) async fn cancel(cli: &Cli, args: &OneMessage) -> Result<(), Failure> {
    let form = Form::of(cli);
    let message = connect(cli, &args.connection)
        .await?
        .cancel(&args.id)
        .await?;
    match form.json {
        true => form.message(&message),
        false => output::line(&format!("canceled {}", message.id)),
    }
}

/// `sms preview`.
pub(crate) async fn preview(cli: &Cli, args: &PreviewArgs) -> Result<(), Failure> {
    let form = Form::of(cli);
    let request = request::of_preview(args)?;
    let preview = connect(cli, &args.connection)
        .await?
        .preview(request)
        .await?;
    match form.json {
        true => output::line(&json::preview(&preview).to_string()),
        false => output::text(&message::preview(&preview)),
    }
}
