//! Making a connection.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::{ConnectError, Failure, Refusal};
use crate::script::SCRIPTS;
use crate::{Options, Place, durability, tls, value};

/// How long one try to connect may take, handshakes included.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Calls that wait to be written to a connection; further ones wait outside.
const BUFFERED_CALLS: usize = 1_024;

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To an address.
    Address(String),
    /// To whatever the sentinels say is the master.
    Sentinel {
        sentinels: Vec<String>,
        master: String,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.write_str(address),
            Self::Sentinel { master, .. } => write!(f, "the master {master}"),
        }
    }
}

/// Makes connections that are logged in.
pub(crate) struct Dialer {
    login: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    /// What a server must be like.
    options: Options,
}

/// A connection, and the task that moves its bytes: the connection lives as long as the task.
pub(crate) struct Live {
    /// Where it leads.
    pub(crate) address: String,
    pub(crate) connection: MultiplexedConnection,
    pub(crate) driver: Driver,
}

/// Ends its task when dropped.
pub(crate) struct Driver(pub(crate) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

impl Dialer {
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let mut login = RedisConnectionInfo::default()
            .set_db(options.database().into())
            .set_lib_name("sms-redis", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &options.user {
            login = login.set_username(user);
        }
        if let Some(password) = &options.password {
            login = login.set_password(password.expose());
        }
        let tls = options
            .tls
            .then(|| tls::connector(options.ca_file.as_deref()));
        Ok(Self {
            login,
            tls: tls.transpose()?,
            options: options.clone(),
        })
    }

    /// A connection to a master that is ready to serve, keeps what it confirms, and knows the
    /// scripts.
    pub(crate) async fn dial(&self, target: &Target) -> Result<Live, Failure> {
        let dialed = timeout(TIMEOUT, async {
            let address = self.resolve(target).await?;
            let mut live = self.open(&address).await?;
            self.prepare(&mut live).await?;
            Ok(live)
        });
        dialed.await.map_err(|_| Failure::Timeout {
            server: target.to_string(),
        })?
    }

    /// Asks one server something, over a connection of its own.
    pub(crate) async fn ask(&self, address: &str, what: &Pipeline) -> Result<Vec<Value>, Failure> {
        let asked = timeout(TIMEOUT, async {
            let mut live = self.open(address).await?;
            let count = what.len();
            let answers = live.connection.send_packed_commands(what, 0, count).await?;
            Ok(answers)
        });
        asked.await.map_err(|_| Failure::Timeout {
            server: address.to_owned(),
        })?
    }

    /// The address that a target has now.
    pub(crate) async fn resolve(&self, target: &Target) -> Result<String, Failure> {
        let (sentinels, master) = match target {
            Target::Address(address) => return Ok(address.clone()),
            Target::Sentinel { sentinels, master } => (sentinels, master),
        };
        let mut last = Failure::Answer("a sentinel");
        for sentinel in sentinels {
            match timeout(TIMEOUT / 3, self.ask_sentinel(sentinel, master)).await {
                Ok(Ok(address)) => return Ok(address),
                Ok(Err(failure)) => last = failure,
                Err(_) => {
                    let server = sentinel.clone();
                    last = Failure::Timeout { server };
                }
            }
        }
        Err(last)
    }

    /// Whether sentinels name another master now. If none answers, nothing is known.
    pub(crate) async fn has_moved(&self, target: &Target, from: &str) -> bool {
        if !matches!(target, Target::Sentinel { .. }) {
            return false;
        }
        let now = self.resolve(target).await;
        now.is_ok_and(|now| now != from)
    }

    async fn ask_sentinel(&self, sentinel: &str, master: &str) -> Result<String, Failure> {
        const FORM: &str = "the master's address";
        let what = "GET-MASTER-ADDR-BY-NAME";
        let answer = self.question_to_sentinel(sentinel, what, master).await?;
        let parts = value::array(answer, FORM)?;
        let parts: Vec<String> = parts
            .into_iter()
            .map(|part| value::text(part, FORM))
            .collect::<Result<_, _>>()?;
        match parts.as_slice() {
            [host, port] => Ok(join(host, port)),
            _ => Err(Failure::Answer(FORM)),
        }
    }

    /// The addresses of the replicas that a sentinel knows.
    pub(crate) async fn replicas(
        &self,
        sentinel: &str,
        master: &str,
    ) -> Result<Vec<String>, Failure> {
        const FORM: &str = "the replicas";
        let asked = self.question_to_sentinel(sentinel, "REPLICAS", master);
        let answer = timeout(TIMEOUT / 3, asked).await;
        let answer = answer.map_err(|_| Failure::Timeout {
            server: sentinel.to_owned(),
        })??;
        let mut addresses = Vec::new();
        for replica in value::array(answer, FORM)? {
            let fields = value::pairs(replica, FORM)?;
            let field = |name: &str| {
                let found = fields.iter().find(|(field, _)| field == name)?;
                value::text(found.1.clone(), FORM).ok()
            };
            if let (Some(host), Some(port)) = (field("ip"), field("port")) {
                addresses.push(join(&host, &port));
            }
        }
        Ok(addresses)
    }

    async fn question_to_sentinel(
        &self,
        sentinel: &str,
        what: &str,
        master: &str,
    ) -> Result<Value, Failure> {
        let login = RedisConnectionInfo::default().set_skip_set_lib_name();
        let mut live = self.open_as(sentinel, &login).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg(what).arg(master);
        ask_one(&mut live.connection, &question).await
    }

    /// Whether the server may be written to and is set up well, and the scripts.
    async fn prepare(&self, live: &mut Live) -> Result<(), Failure> {
        let mut pipe = Pipeline::new();
        pipe.cmd("ROLE");
        durability::ask_for_settings(&mut pipe);
        let settings = 1..pipe.len();
        pipe.cmd("PING");
        load_scripts(&mut pipe);
        let count = pipe.len();
        let answers = live.connection.send_packed_commands(&pipe, 0, count);
        let mut answers = answers.await?;
        let checked: Vec<Value> = answers.drain(settings).collect();
        for answer in answers.iter().skip(1) {
            if let Value::ServerError(error) = answer {
                return Err(Failure::Refused(Refusal::from(error)));
            }
        }
        if !answers.first().is_some_and(is_master) {
            return Err(Failure::NotMaster);
        }
        durability::check_settings(&live.address, checked, &self.options)
            .map_err(|unfit| Failure::Unfit(Arc::new(unfit)))
    }

    async fn open(&self, address: &str) -> Result<Live, Failure> {
        self.open_as(address, &self.login).await
    }

    async fn open_as(&self, address: &str, login: &RedisConnectionInfo) -> Result<Live, Failure> {
        let stream = self.stream(address).await?;
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_pipeline_buffer_size(BUFFERED_CALLS);
        let made = MultiplexedConnection::new_with_config(login, stream, config).await;
        let (connection, driver) = made?;
        let driver = Driver(tokio::spawn(driver));
        Ok(Live {
            address: address.to_owned(),
            connection,
            driver,
        })
    }

    async fn stream(&self, address: &str) -> Result<Box<dyn Stream>, Failure> {
        let failed = |doing| {
            move |error: io::Error| Failure::Dial {
                doing,
                source: Some(Arc::new(error)),
            }
        };
        let stream = TcpStream::connect(address)
            .await
            .map_err(failed("the server cannot be reached"))?;
        stream
            .set_nodelay(true)
            .map_err(failed("the connection broke"))?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::Dial {
            doing: "the server's name cannot stand in a certificate",
            source: None,
        })?;
        let stream = tls
            .connect(name, stream)
            .await
            .map_err(failed("no encrypted connection could be agreed on"))?;
        Ok(Box::new(stream))
    }
}

pub(crate) fn join(host: &str, port: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// What a server says to ROLE. Who may not ask is told when the server refuses a write.
pub(crate) fn is_master(role: &Value) -> bool {
    match role {
        Value::Array(role) => match role.first() {
            Some(Value::BulkString(name)) => name == b"master",
            _ => true,
        },
        _ => true,
    }
}

pub(crate) fn load_scripts(pipe: &mut Pipeline) {
    for code in SCRIPTS {
        pipe.cmd("SCRIPT").arg("LOAD").arg(code);
    }
}

async fn ask_one(connection: &mut MultiplexedConnection, what: &Cmd) -> Result<Value, Failure> {
    match connection.send_packed_command(what).await? {
        Value::ServerError(error) => Err(Failure::Refused(Refusal::from(&error))),
        answer => Ok(answer),
    }
}

impl Place {
    /// The one server there is, if it is not a cluster.
    pub(crate) fn target(&self) -> Option<Target> {
        match self {
            Self::Single { address, .. } => Some(Target::Address(address.clone())),
            Self::Sentinel {
                sentinels, master, ..
            } => Some(Target::Sentinel {
                sentinels: sentinels.clone(),
                master: master.clone(),
            }),
            Self::Cluster { .. } => None,
        }
    }
}
