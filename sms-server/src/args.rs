//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sms_core::duration::parse_duration;
use sms_core::{Clock as _, State, SystemClock, Timestamp};

use crate::serve::Role;

/// Sends text messages (SMS) reliably: the server, and commands that ask it
#[derive(Debug, Parser)]
#[command(
    name = "sms",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(
    after_help = "To begin: `sms serve` in one terminal, `sms send --wait +79991234567 \
                        \"Hi\"` in another. It sends nothing until a provider is configured."
)]
pub(crate) struct Cli {
    /// Configuration file; without it ./sms.toml, if there is one
    #[arg(long, global = true, value_name = "FILE", env = "SMS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Writes JSON for machines: one object on one line each
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the server until Ctrl-C or SIGTERM
    Serve(ServeArgs),
    /// Sends a message
    Send(Box<SendArgs>),
    /// Shows a message
    Status(OneMessage),
    /// Follows a message until it is final; succeeds if it is delivered
    Watch(OneMessage),
    /// Shows the whole life of a message: attempts, reports, changes of state
    Trace(OneMessage),
    /// Lists messages, the latest first
    List(ListArgs),
    /// Takes a message back before it is sent
    Cancel(OneMessage),
    /// Shows what a text becomes, without sending it: encoding, segments, provider
    Preview(PreviewArgs),
    /// Checks, shows and begins configurations; makes API keys
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Shows and replays the hints that the broker gave up on. Their messages are not lost: the
    /// store brings them back
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Asks a server on this machine how it is; succeeds if it is ready for work
    Health(HealthArgs),
    /// Runs the provider simulator alone: takes messages, reports deliveries, sends nothing
    Sandbox(SandboxArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Only this part of the work; repeat it for several. Default: all
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<Role>,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Asks only whether the process lives, not whether its store answers and it takes work
    #[arg(long)]
    pub(crate) live: bool,
    /// Where its health is served. Default: `admin.listen` of the configuration, or 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS", env = "SMS_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
}

/// How the server is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// Where the server is. Default: as the configuration says, or http://127.0.0.1:50051
    #[arg(long, value_name = "URL", env = "SMS_SERVER")]
    pub(crate) server: Option<String>,
    /// Key, where the server asks for one; better in the environment than on the command line
    #[arg(long, value_name = "KEY", env = "SMS_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Certificates (PEM) that vouch for the server, in place of the system's
    #[arg(long, value_name = "FILE", env = "SMS_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// Your certificate (PEM), where the server asks clients for theirs
    #[arg(long, value_name = "FILE", env = "SMS_CERT", requires = "tls_key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", env = "SMS_TLS_KEY", requires = "cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct OneMessage {
    /// The message's id
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// What a message may have besides its text.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct MessageOptions {
    /// The sender that the recipient sees: a number with +, a short code, or up to 11 characters
    #[arg(long, value_name = "SENDER")]
    pub(crate) from: Option<String>,
    /// How the text may be encoded. Default: auto
    #[arg(long, value_enum)]
    pub(crate) encoding: Option<EncodingArg>,
    /// The provider to use. Default: the server's first
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The recipient, in international form: +79991234567
    pub(crate) to: String,
    /// The text; `-` reads it from standard input
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) options: MessageOptions,
    /// How urgent it is. Default: normal
    #[arg(long, value_enum)]
    pub(crate) priority: Option<PriorityArg>,
    /// When to send it: 2026-12-31T18:00:00Z, or a time from now such as 10m
    #[arg(long, value_name = "TIME", value_parser = send_at)]
    pub(crate) send_at: Option<SendAt>,
    /// For how long sending may be tried, such as 10m. Default: as the server is configured
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) validity: Option<Duration>,
    /// Your own key for this message: sending the same again with the same key sends nothing. A
    /// --send-at beside it must be a date, for 10m from now is another time at each run. Default: a
    /// new one, which is told if it has to be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// What to do when nobody knows whether the provider took it. Default: hold
    #[arg(long, value_enum)]
    pub(crate) on_unknown: Option<UnknownArg>,
    /// Takes a number whose range is not known as assigned
    #[arg(long)]
    pub(crate) allow_unassigned: bool,
    /// Follows the message until it is final; succeeds if it is delivered
    #[arg(long)]
    pub(crate) wait: bool,
    /// Prints nothing but the message's id
    #[arg(long, short, conflicts_with_all = ["json", "wait"])]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// The text; `-` reads it from standard input
    pub(crate) text: String,
    /// The recipient: the route may depend on it
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "+79991234567",
        hide_default_value = true
    )]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) options: MessageOptions,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only messages in this state; repeat it for several
    #[arg(long = "state", value_name = "STATE", value_parser = state)]
    pub(crate) states: Vec<State>,
    /// Only messages to this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<String>,
    /// Only messages accepted since then: 2026-12-31T18:00:00Z, or a time ago such as 1h
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<Timestamp>,
    /// How many at most
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 50,
        conflicts_with = "all"
    )]
    pub(crate) limit: usize,
    /// All of them, however many there are
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Checks the configuration without starting anything
    Check(ServeArgs),
    /// Prints the configuration in effect, secrets masked
    Show,
    /// Prints a configuration file to begin with: every key, its default and its meaning
    Init,
    /// Makes an API key: prints it once, and what to add to the configuration
    Key {
        /// What to call it
        name: String,
        /// Whose messages it sends and sees
        #[arg(long, default_value = "default")]
        tenant: sms_core::TenantId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Lists them, the oldest first
    List {
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
    /// Puts them back into the queues that they came from
    Replay,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Where it listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub(crate) listen: SocketAddr,
    /// Listens beyond this machine all the same. Login and password are known to everybody, and
    /// whoever reaches the address makes it post reports to wherever they like
    #[arg(long)]
    pub(crate) dangerously_listen_beyond_loopback: bool,
    /// How long after taking a message it reports
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub(crate) report_delay: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum EncodingArg {
    /// GSM-7 if it can express every character, else UCS-2
    Auto,
    /// GSM-7, or an error
    Gsm7Strict,
    /// GSM-7 if typographic characters may be replaced by plain ones, else UCS-2
    Gsm7Smart,
    /// UCS-2
    Ucs2,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PriorityArg {
    /// One-time codes
    Otp,
    /// Ahead of ordinary messages
    High,
    /// Ordinary messages
    Normal,
    /// Campaigns
    Bulk,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum UnknownArg {
    /// Wait for a report
    Hold,
    /// Send again: silence is worse than two copies
    PreferDuplicate,
    /// Give up: two copies are worse than silence
    PreferLoss,
}

/// When to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendAt {
    pub(crate) at: Timestamp,
    /// Whether it was given as a time from now, which is another one at each run.
    pub(crate) from_now: bool,
}

fn send_at(text: &str) -> Result<SendAt, String> {
    Ok(SendAt {
        at: time(text, |now, span| now + span)?,
        from_now: parse_duration(text).is_ok(),
    })
}

fn since(text: &str) -> Result<Timestamp, String> {
    time(text, |now, span| now - span)
}

fn time(text: &str, at: fn(Timestamp, Duration) -> Timestamp) -> Result<Timestamp, String> {
    if let Ok(span) = parse_duration(text) {
        return Ok(at(SystemClock.now(), span));
    }
    Timestamp::parse_rfc3339(text)
        .map_err(|_| "write a time as 2026-12-31T18:00:00Z, or a span such as 10m".into())
}

fn state(text: &str) -> Result<State, String> {
    text.parse().map_err(|_| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("states are {}", names.join(", "))
    })
}
