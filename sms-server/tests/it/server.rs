//! Running the binary.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take that should take a moment, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary in a folder, without whatever this process's environment says.
pub(crate) fn sms(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("SMS_") || name_text == "NO_COLOR" {
            command.env_remove(name);
        }
    }
    command
}

/// A port that nothing listens on, for a server that has to be told one. It is none of those that
/// the kernel gives to connections (32,768 and up), and no test of this process gets it again, so it
/// is still free when the server takes it.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let drawn = TAKEN.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(97).wrapping_add(drawn);
        let port = u16::try_from(20_000 + number % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// `sms serve` in a folder of its own.
pub(crate) struct Server {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    folder: PathBuf,
    pub(crate) grpc: String,
    pub(crate) admin: String,
    pub(crate) said: Value,
}

impl Server {
    /// Starts on free ports with this configuration, and waits until it listens.
    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        let ports = "[grpc]\nlisten = \"127.0.0.1:0\"\n[delivery]\nlisten = \"127.0.0.1:0\"\n\
                     [admin]\nlisten = \"127.0.0.1:0\"\n";
        Self::start_exactly(folder, &format!("{config}\n{ports}"))
    }

    /// Starts with exactly this configuration.
    pub(crate) fn start_exactly(folder: &Path, config: &str) -> Self {
        std::fs::write(folder.join("sms.toml"), config).unwrap();
        Self::spawn(folder, &["serve", "--json", "--config", "sms.toml"], &[])
    }

    /// Starts with these arguments and variables.
    pub(crate) fn spawn(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let mut child = sms(folder)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(folder.join("log")).unwrap();
            panic!("the server did not start: {line:?}\n{log}")
        });
        let address = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        Self {
            grpc: format!("http://{}", address("grpc")),
            admin: address("admin"),
            folder: folder.to_owned(),
            _stdout: stdout,
            child,
            said,
        }
    }

    /// Runs a client command against it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        sms(&self.folder)
            .env("SMS_SERVER", &self.grpc)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// The same, which must succeed; what it wrote.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON, one value for each line.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.says(&[&["--json"], arguments].concat());
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        text.lines().map(parse).collect()
    }

    /// The log so far, also of servers that ran in the folder before.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success());
    }

    /// As when the power fails.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the body of what is at a path.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

/// What a command wrote to standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned()
}
