//! The machine of a run, as far as figures depend on it.

use std::{fmt, fs, path::Path, process::Command};

/// Processor, kernel, and the file system that holds the stores.
#[derive(Debug)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    file_system: String,
}

impl Machine {
    /// Looks at this machine; what cannot be read is "unknown".
    pub(crate) fn look(folder: Option<&Path>) -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let temporary = std::env::temp_dir();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: known(
                model
                    .unwrap_or_default()
                    .trim_start_matches(['\t', ' ', ':']),
            ),
            kernel: known(kernel.trim()),
            file_system: file_system(folder.unwrap_or(&temporary)),
        }
    }
}

fn known(text: &str) -> String {
    if text.is_empty() { "unknown" } else { text }.to_owned()
}

fn file_system(folder: &Path) -> String {
    let output = Command::new("stat")
        .args(["--file-system", "--format=%T"])
        .arg(folder)
        .output();
    let name = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    known(&name.unwrap_or_default())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cores, {}, Linux {}, stores on {}",
            self.cores, self.processor, self.kernel, self.file_system
        )?;
        if self.file_system == "tmpfs" {
            write!(f, " (memory: what is durable costs nothing there)")?;
        }
        Ok(())
    }
}
