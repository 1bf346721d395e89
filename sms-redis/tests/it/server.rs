//! A `redis-server` of our own: on a free port, in a temporary folder, gone with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sms_redis::{Options, RedisStore};
use tempfile::TempDir;

/// A folder and a port at which a server can be started, killed and started again.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    process: Option<Process>,
}

/// The shell that started the server ends it when our end of its standard input is closed, that
/// is: also when this process is killed.
#[derive(Debug)]
struct Process {
    shell: Child,
    id: u32,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends by itself once the server is gone.
        let _ = self.shell.wait();
    }
}

/// Removes the folder, too, unless it is told that the server will be started again.
const RUN: &str = r#"folder=$1; shift
"$@" >>"$folder/output" 2>&1 & server=$!; echo $server; read -r again
kill -9 $server 2>/dev/null; wait $server 2>/dev/null
[ -n "$again" ] || rm -rf "$folder""#;

/// What a store of messages needs.
pub(crate) const DURABLE: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
];

impl Server {
    /// Starts one that is fit for a store.
    pub(crate) fn start() -> Self {
        Self::start_with(&DURABLE)
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(free_port(), arguments);
        server.run();
        server
    }

    /// Starts a replica of this one, and waits until it follows.
    pub(crate) async fn start_replica(&self, arguments: &[&str]) -> Self {
        let follows = format!("127.0.0.1 {}", self.port);
        let arguments = [&DURABLE, arguments, &["--replicaof", &follows]].concat();
        let replica = Self::start_with(&arguments);
        wait_until(async || replica.ask(&["role"]).contains("connected")).await;
        replica
    }

    pub(crate) fn prepare(port: u16, arguments: &[&str]) -> Self {
        Self {
            port,
            folder: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            process: None,
        }
    }

    /// It has these arguments, too, when it is started next; the last one that sets something wins.
    pub(crate) fn set(&mut self, arguments: &[&str]) {
        self.arguments
            .extend(arguments.iter().map(ToString::to_string));
    }

    /// Starts it, on what it left behind if it was killed, and waits until it serves.
    pub(crate) fn run(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let mut arguments = vec!["redis-server".to_owned()];
        // A configuration file can be given a secret or written by a sentinel.
        let configuration = self.path("redis.conf");
        if configuration.exists() {
            arguments.push(configuration.display().to_string());
        }
        arguments.extend(["--dir".to_owned(), self.folder.path().display().to_string()]);
        if !self.arguments.iter().any(|argument| argument == "--port") {
            arguments.extend(["--port".to_owned(), self.port.to_string()]);
        }
        arguments.extend(["--bind", "127.0.0.1", "--save", ""].map(str::to_owned));
        arguments.extend(self.arguments.clone());
        self.process = Some(spawn(self.folder.path(), &arguments));
        self.wait_until_it_serves();
    }

    fn wait_until_it_serves(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            if self.serves() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let output = std::fs::read_to_string(self.path("output")).unwrap_or_default();
        panic!(
            "redis-server on port {} does not serve: {output}",
            self.port
        );
    }

    /// Whether it answers; one with TLS is not asked.
    fn serves(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        if self
            .arguments
            .iter()
            .any(|argument| argument == "--tls-port")
        {
            return true;
        }
        let limit = Some(Duration::from_secs(1));
        stream.set_read_timeout(limit).unwrap();
        let mut answer = [0; 64];
        let asked = stream
            .write_all(b"PING\r\n")
            .and_then(|()| stream.read(&mut answer));
        let answer = &answer[..asked.unwrap_or(0)];
        answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Kills it; what it wrote stays.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        let mut process = self.process.take().expect("it runs");
        let input = process.shell.stdin.as_mut().unwrap();
        input.write_all(b"again\n").unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs");
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(process.id.to_string())
            .status();
        assert!(sent.unwrap().success(), "kill -{signal}");
    }

    /// What `redis-cli` answers.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        redis_cli(&[&["-p", &port], arguments].concat())
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

pub(crate) fn redis_cli(arguments: &[&str]) -> String {
    let asked = Command::new("redis-cli").args(arguments).output();
    let output = asked.expect("redis-cli is missing: apt-get install redis-tools");
    String::from_utf8(output.stdout).unwrap()
}

fn spawn(folder: &Path, arguments: &[String]) -> Process {
    let found = Command::new("redis-server").arg("--version").output();
    found.expect("redis-server is missing: apt-get install redis-server");
    let mut shell = Command::new("sh")
        .args(["-c", RUN, "sh"])
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = shell.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let id = line.trim().parse().unwrap();
    Process { shell, id }
}

/// Waits until something that happens by itself has happened.
pub(crate) async fn wait_until(is_so: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < end, "it does not come so");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that nothing listens on. Neither it nor its cluster bus port, which lies 10,000 above, is
/// one of those that the kernel gives to connections (32,768 and up), and no test of this process
/// gets it again, so both are still free when the server takes them.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let drawn = TAKEN.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(97).wrapping_add(drawn);
        let port = u16::try_from(10_000 + number % 10_000).unwrap();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
}

/// A prefix that no other test uses.
pub(crate) fn fresh_prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A store of its own on a server.
pub(crate) async fn store_at(url: &str) -> RedisStore {
    let options: Options = url.parse().unwrap();
    RedisStore::connect(&options).await.unwrap()
}
