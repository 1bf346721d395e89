//! A `rabbitmq-server` of our own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

const INSTALL: &str = "rabbitmq-server is missing; install it with `apt-get install -y \
    rabbitmq-server` (its own service need not run)";
const STARTING: Duration = Duration::from_secs(120);

/// Runs the broker until its standard input ends, which it does when the tests end, however they
/// end; then removes its folder. What is started here is of one process group, except for what ends
/// that group.
const KEEPER: &str = r#"
epmd -address 127.0.0.1 >/dev/null 2>&1 &
"$1" </dev/null >>"$2" 2>&1 &
read _
setsid sh -c 'kill -9 "-$1"; sleep 1; rm -rf "$0"' "$3" $$
"#;

/// A broker in a folder and on ports of its own.
pub(crate) struct Broker {
    folder: TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    epmd_port: u16,
    dist_port: u16,
    pub(crate) authority: String,
    keeper: Child,
}

/// The one broker of this run. Tests that leave it alone share it.
pub(crate) type Shared = RwLockReadGuard<'static, Broker>;

/// The broker for a test that disturbs it. Whatever was done to it is undone at the end.
pub(crate) struct Exclusive(RwLockWriteGuard<'static, Broker>);

fn the_broker() -> &'static RwLock<Broker> {
    static BROKER: OnceLock<RwLock<Broker>> = OnceLock::new();
    BROKER.get_or_init(|| RwLock::new(Broker::start()))
}

pub(crate) async fn shared() -> Shared {
    the_broker().read().await
}

pub(crate) async fn exclusive() -> Exclusive {
    Exclusive(the_broker().write().await)
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        self.thaw();
        if self.0.keeper.try_wait().is_ok_and(|ended| ended.is_some()) {
            self.restart();
        }
    }
}

impl std::ops::Deref for Exclusive {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        &self.0
    }
}

impl Exclusive {
    /// Like a power failure.
    pub(crate) fn kill(&mut self) {
        self.0.signal(Signal::KILL);
        self.0.keeper.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.0.keeper = self.0.spawn();
        self.0.wait_until_up();
    }

    /// The processes stand still; the kernel still takes connections for them.
    pub(crate) fn freeze(&self) {
        self.0.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.0.signal(Signal::CONT);
    }

    /// Makes a queue stand still: it is there, and does nothing. RabbitMQ does that by itself to a
    /// queue whose files it has lost, as it has when it is killed right after it made the queue:
    /// 3.10 cannot start it, 4.0 starts it without a leader.
    pub(crate) fn hang(&self, queue: &str) {
        self.ctl(&["eval", &format!("sys:suspend('%2F_{queue}').")]);
    }

    /// Undoes that.
    pub(crate) fn go_on(&self, queue: &str) {
        self.ctl(&["eval", &format!("sys:resume('%2F_{queue}').")]);
    }

    /// Has it write down which queues there are. It does so by itself, but half a second late, and
    /// killed before that it loses what is in them.
    pub(crate) fn write_down_queues(&self) {
        self.ctl(&["eval", "[ok = dets:sync(Table) || Table <- dets:all()]."]);
    }

    /// Runs `rabbitmqctl`.
    pub(crate) fn ctl(&self, arguments: &[&str]) {
        let output = self.0.command("rabbitmqctl").args(arguments).output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {output:?}"
        );
    }
}

impl Broker {
    pub(crate) fn start() -> Self {
        let [port, tls_port, epmd_port, dist_port] = free_ports();
        let mut broker = Self {
            folder: folder(),
            programs: programs(),
            port,
            tls_port,
            epmd_port,
            dist_port,
            authority: String::new(),
            keeper: Command::new("true").spawn().unwrap(),
        };
        broker.keeper.wait().unwrap();
        broker.write_files();
        broker.keeper = broker.spawn();
        broker.wait_until_up();
        broker
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    fn write_files(&mut self) {
        let folder = self.folder.path().to_owned();
        self.authority = write_certificates(&folder);
        let path = folder.display();
        let config = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\n\
             listeners.ssl.1 = 127.0.0.1:{}\n\
             ssl_options.cacertfile = {path}/ca.pem\n\
             ssl_options.certfile = {path}/cert.pem\n\
             ssl_options.keyfile = {path}/key.pem\n\
             ssl_options.verify = verify_none\n\
             log.file.level = warning\n\
             disk_free_limit.absolute = 10MB\n\
             raft.wal_max_size_bytes = 16000000\n",
            self.port, self.tls_port
        );
        fs::write(folder.join("rabbitmq.conf"), config).unwrap();
        fs::write(folder.join("plugins"), "[].").unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(self.programs.join(program));
        command
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("RABBITMQ_NODENAME", format!("sms{}@localhost", self.port))
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            // Gentle to the machine: one scheduler that does not spin.
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 +sbwt none")
            .stdin(Stdio::null());
        command
    }

    fn spawn(&self) -> Child {
        use std::os::unix::process::CommandExt;

        let like = self.command("rabbitmq-server");
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "sh"])
            .arg(like.get_program())
            .arg(self.folder.path().join("output"))
            .arg(self.folder.path())
            .process_group(0)
            .stdin(Stdio::piped());
        for (key, value) in like.get_envs() {
            keeper.env(key, value.unwrap());
        }
        keeper.spawn().expect(INSTALL)
    }

    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + STARTING;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let late = Instant::now() > deadline;
            let output = self.folder.path().join("output");
            assert!(
                !late && self.keeper.try_wait().unwrap().is_none(),
                "the broker does not start: {}",
                fs::read_to_string(output).unwrap_or_default()
            );
            // There is no event to wait for in another process that starts.
            sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(i32::try_from(self.keeper.id()).unwrap()).unwrap();
        // It may have ended already.
        let _ = kill_process_group(group, signal);
    }
}

/// The scripts behind Debian's wrappers, which insist on a user of their own; elsewhere what is
/// on the path.
fn programs() -> PathBuf {
    let packaged = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten();
    let mut folders: Vec<PathBuf> = packaged
        .filter_map(|entry| Some(entry.ok()?.path().join("sbin")))
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let has_server = |folder: &PathBuf| folder.join("rabbitmq-server").is_file();
    folders.into_iter().find(has_server).expect(INSTALL)
}

/// In memory where that is possible: the broker waits for the disk at every confirm, and a machine
/// that builds and tests other things meanwhile makes it wait long. What a killed process has
/// written is there either way.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn free_ports() -> [u16; 4] {
    // All are held until the last is found, so that they differ.
    let listeners = [(); 4].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Writes the certificate of the broker; returns that of the authority.
fn write_certificates(folder: &Path) -> String {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    authority.pem()
}
