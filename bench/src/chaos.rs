//! `sms-bench chaos`: breaks everything in turn, under load, and then checks the books.
//!
//! Real servers and processes, a network of proxies between them, and a provider that misbehaves
//! by a seed. A run is over when every message is final; it is good when the books balance and
//! everything flowed again after each fault.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use tokio::time::Instant;

mod books;
mod check;
mod config;
mod dice;
mod glimpses;
mod ledger;
mod load;
mod manner;
mod place;
mod plan;
mod provider;
mod proxy;
mod recovery;
mod reporter;
mod run;
mod strike;
mod table;
mod trace;

use books::Books;
use check::{Breach, Index};
use dice::Dice;
use ledger::Ledger;
use place::Place;
use run::Run;
use table::{Struck, Table};
use trace::Trace;

/// What `sms-bench chaos` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Messages per second.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Goes on with further rounds of faults for so many minutes; without it there is one round.
    #[arg(long)]
    minutes: Option<f64>,
    /// What the faults and the provider's manners are drawn by; a new one each time if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds within which everything must flow again after a fault was mended.
    #[arg(long, default_value_t = 30)]
    recovery: u64,
    /// Seconds within which every message must be final after the load.
    #[arg(long, default_value_t = 120)]
    patience: u64,
    /// Only faults whose names contain this.
    #[arg(long)]
    only: Option<String>,
    /// The built binary `sms`; without it cargo builds one, as this program was built.
    #[arg(long)]
    sms: Option<PathBuf>,
    /// Folder for the temporary folders.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Keeps the logs of the processes also when all is well.
    #[arg(long)]
    keep: bool,
}

/// Breaches that are printed with all that is known of their messages.
const TRACED: usize = 10;

/// `sms-bench chaos`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let binary = binary(arguments.sms.as_ref())?;
    let seed = arguments.seed.unwrap_or_else(new_seed);
    println!("seed {seed}");
    let dice = Dice::new(seed);
    let ledger = Ledger::open();
    let started = Instant::now();
    let mut place = start(&binary, dice, &ledger, &arguments).await?;
    let up = started.elapsed();
    let run = Run::new(dice, ledger, &place, &arguments)?;
    let struck = run.under_load(&mut place, &arguments).await?;
    let (books, breaches) = run.settle(&place, arguments.patience).await?;
    let table = Table {
        struck: &struck,
        books: &books,
    };
    println!("\n{table}");
    println!(
        "\n{:.0} s in all, {:.0} s of them until everything was up",
        started.elapsed().as_secs_f64(),
        up.as_secs_f64()
    );
    let verdict = judge(&struck, &books, &breaches);
    if verdict.is_err() || arguments.keep {
        keep(place, seed);
    }
    verdict
}

/// The given binary, or else one that cargo builds now, as this program was built.
fn binary(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return fs::canonicalize(given).with_context(|| format!("{}", given.display()));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--package", "sms-server"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    let built = built.context("cannot run cargo; name a built binary with --sms")?;
    ensure!(built.success(), "sms-server does not build");
    let here = std::env::current_exe().context("where is this program?")?;
    let binary = here.with_file_name("sms");
    let words = "is missing; name a built binary with --sms";
    ensure!(binary.is_file(), "{} {words}", binary.display());
    Ok(binary)
}

fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::from(now.subsec_nanos()))
}

async fn start(
    binary: &Path,
    dice: Dice,
    ledger: &Ledger,
    arguments: &Arguments,
) -> anyhow::Result<Place> {
    let spinner = ProgressBar::new_spinner().with_message("starting everything");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let place = Place::start(binary, dice, ledger, arguments.folder.as_ref()).await;
    spinner.finish_and_clear();
    place
}

/// An error unless the books balance and everything flowed again.
fn judge(struck: &[Struck], books: &Books, breaches: &[Breach]) -> anyhow::Result<()> {
    let index = Index::new(books);
    for breach in breaches.iter().take(TRACED) {
        let whose = &breach.whose;
        print!(
            "\n{breach}\n{}",
            Trace {
                index: &index,
                whose
            }
        );
    }
    for breach in breaches.iter().skip(TRACED) {
        println!("{breach}");
    }
    let stayed = struck.iter().filter(|one| one.recovered.is_none()).count();
    if !breaches.is_empty() || stayed != 0 {
        bail!(
            "{} breaches, {stayed} faults without recovery",
            breaches.len()
        );
    }
    println!("the books balance");
    Ok(())
}

/// The logs are worth reading now.
fn keep(place: Place, seed: u64) {
    let folder = place.folder.keep();
    eprintln!(
        "the logs are in {}; repeat with --seed {seed}",
        folder.display()
    );
}
