//! Processes that are started, measured and ended here.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

use crate::usage::Usage;

/// How long a process may take until it serves.
const START: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);

/// A child process; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its output in `folder/NAME.log`.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Self::spawn(name, command, folder)
    }

    /// Starts `command` with its output in `folder/NAME.log`.
    pub(crate) fn spawn(
        name: &'static str,
        mut command: Command,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("{}", log.display()))?;
        let child = command
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| {
                let program = command.as_std().get_program();
                format!("cannot start {}", program.to_string_lossy())
            })?;
        Ok(Self { name, child, log })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Sends it a signal, as `kill` does.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let sent = kill_process(self.pid()?, signal);
        sent.with_context(|| format!("no signal for {}", self.name))
    }

    /// Sends a signal to the process group that it leads.
    pub(crate) fn signal_group(&self, signal: Signal) -> anyhow::Result<()> {
        let sent = kill_process_group(self.pid()?, signal);
        sent.with_context(|| format!("no signal for the group of {}", self.name))
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        self.child.wait().await?;
        Ok(())
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw)
            .with_context(|| format!("{} has ended: {}", self.name, self.said()))
    }

    /// What it and its children have used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.child.id();
        let id = id.with_context(|| format!("{} has ended: {}", self.name, self.said()))?;
        Usage::of(id)
    }

    /// Waits until `ready` says so; an error if the process ends or takes too long.
    pub(crate) async fn wait_until(
        &mut self,
        mut ready: impl AsyncFnMut() -> bool,
    ) -> anyhow::Result<()> {
        let mut waited = Duration::ZERO;
        while !ready().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.name, self.said());
            }
            if waited >= START {
                bail!(
                    "{} does not serve after {START:?}:\n{}",
                    self.name,
                    self.said()
                );
            }
            tokio::time::sleep(START_POLL).await;
            waited += START_POLL;
        }
        Ok(())
    }

    /// The end of its output.
    fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Loopback addresses with ports that are free now. They are all held until all are found, so
/// they differ.
pub(crate) fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let mut held = Vec::with_capacity(N);
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address).context("no free port")?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_addresses_differ() {
        let [a, b] = free_addresses().unwrap();
        assert_ne!(a, b);
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo no luck; exit 3"];
        let mut process =
            Process::start("child", Path::new("/bin/sh"), &arguments, folder.path()).unwrap();
        let said = process.wait_until(async || false).await.unwrap_err();
        let said = said.to_string();
        assert!(said.contains("no luck") && said.contains('3'), "{said}");
    }
}
