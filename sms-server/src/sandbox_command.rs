//! `sms sandbox`: the provider simulator alone.

use std::io::IsTerminal as _;

use serde_json::json;
use sms_provider_http::sandbox::{Sandbox, SandboxConfig};

use crate::args::{Cli, SandboxArgs};
use crate::failure::{Failure, chain};
use crate::output;
use crate::serve::StopSignals;

/// Serves until a signal comes.
pub(crate) async fn run(cli: &Cli, args: &SandboxArgs) -> Result<(), Failure> {
    check_exposure(args)?;
    let mut signals = StopSignals::listen().map_err(Failure::new)?;
    let config = SandboxConfig {
        listen: args.listen,
        report_delay: args.report_delay..=args.report_delay,
        ..SandboxConfig::default()
    };
    let (login, password) = (config.login.clone(), config.password.clone());
    let sandbox = Sandbox::start(config)
        .await
        .map_err(|error| Failure::new(chain(&error)))?;
    if cli.json {
        let line = json!({
            "event": "listening",
            "sandbox": sandbox.addr().to_string(),
            "url": sandbox.url(),
        });
        output::offer(&format!("{line}\n"));
    } else {
        output::offer(&text(&sandbox, &login, password.expose()));
    }
    signals.next().await;
    let totals = sandbox.totals();
    let line = json!({
        "event": "stopped",
        "requests": totals.requests,
        "takings": totals.takings,
        "reports": totals.reports,
        "reports_lost": totals.reports_lost,
    });
    if cli.json {
        output::offer(&format!("{line}\n"));
    } else if std::io::stdout().is_terminal() {
        let (taken, reports) = (totals.takings, totals.reports);
        output::offer(&format!(
            "\n{taken} messages taken, {reports} reports posted\n"
        ));
    }
    Ok(())
}

/// The simulator proves nobody and calls whatever address it is given: from other machines that is
/// a way into this network.
fn check_exposure(args: &SandboxArgs) -> Result<(), Failure> {
    let loopback = args.listen.ip().to_canonical().is_loopback();
    if loopback || args.dangerously_listen_beyond_loopback {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--listen: {} is reached from other machines, and whoever reaches it can have requests \
         sent from here: listen on 127.0.0.1, or add --dangerously-listen-beyond-loopback",
        args.listen
    )))
}

fn text(sandbox: &Sandbox, login: &str, password: &str) -> String {
    format!(
        "A provider to try things with is up: it takes messages and reports them delivered, but \
         sends nothing.\n\n\
         For sms.toml:\n\n\
         [[provider]]\nname = \"trial\"\nkind = \"megafon\"\nurl = \"{}\"\nfrom = \"Trial\"\n\
         login = \"{login}\"\npassword = \"{password}\"\n\n\
         Words in a text make it misbehave: #fail #expire #reject #throttle #never #twice #early \
         #late #cut #hang #error\n\
         Stop with Ctrl-C.\n",
        sandbox.url()
    )
}
