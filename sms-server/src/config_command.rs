//! `sms config …`.

use serde_json::{Value, json};
use sms_core::{SystemEntropy, TenantId};
use sms_grpc::ApiKeys;

use crate::args::{Cli, ConfigCommand};
use crate::config::{self, Loaded, show};
use crate::failure::Failure;
use crate::serve::Roles;
use crate::{output, serve};

/// Runs the command.
pub(crate) async fn run(cli: &Cli, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Init => output::text(config::DEFAULT_TOML),
        ConfigCommand::Key { name, tenant } => key(name, tenant, cli.json),
        ConfigCommand::Show => show_effective(&load(cli)?, cli.json),
        ConfigCommand::Check(args) => check(&load(cli)?, Roles::of(&args.roles), cli.json).await,
    }
}

fn load(cli: &Cli) -> Result<Loaded, Failure> {
    Ok(config::load(cli.config.as_deref(), std::env::vars_os())?)
}

async fn check(loaded: &Loaded, roles: Roles, json: bool) -> Result<(), Failure> {
    serve::check(loaded, roles).await?;
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    if json {
        return output::line(&json!({ "ok": true, "file": file }).to_string());
    }
    let what = file.unwrap_or_else(|| "the default configuration (there is no ./sms.toml)".into());
    output::line(&format!("{what}: ok"))
}

fn show_effective(loaded: &Loaded, json: bool) -> Result<(), Failure> {
    if json {
        return output::line(&Value::Object(show::effective(&loaded.config)).to_string());
    }
    output::text(&show::as_toml(&loaded.config).map_err(Failure::new)?)
}

fn key(name: &str, tenant: &TenantId, json: bool) -> Result<(), Failure> {
    let generated = ApiKeys::generate(&SystemEntropy);
    let (key, hash) = (generated.key.expose(), generated.hash.to_string());
    if json {
        let object = json!({ "name": name, "key": key, "hash": hash, "tenant": tenant });
        return output::line(&object.to_string());
    }
    let quoted = toml::Value::String(name.into());
    let tenant = toml::Value::String(tenant.to_string());
    output::text(&format!(
        "The key, for the client; it is shown this once and stored nowhere:\n\n  {key}\n\n\
         For the configuration of the server:\n\n\
         [[api_key]]\nname = {quoted}\ntenant = {tenant}\nhash = \"{hash}\"\n\
         scopes = [\"send\", \"read\"]\n"
    ))
}
