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
use crate::{Options, Place, tls, value};

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
}

/// A connection, and the task that moves its bytes: the connection lives as long as the task.
pub(crate) struct Live {
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
        })
    }

    /// A connection to a master that is ready to serve, and knows the scripts.
    pub(crate) async fn dial(&self, target: &Target) -> Result<Live, Failure> {
        let dialed = timeout(TIMEOUT, async {
            let address = self.resolve(target).await?;
            let mut live = self.open(&address).await?;
            prepare(&mut live.connection).await?;
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

    async fn ask_sentinel(&self, sentinel: &str, master: &str) -> Result<String, Failure> {
        let login = RedisConnectionInfo::default().set_skip_set_lib_name();
        let mut live = self.open_as(sentinel, &login).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let answer = ask_one(&mut live.connection, &question).await?;
        let parts = value::array(answer, "the master's address")?;
        let parts: Vec<String> = parts
            .into_iter()
            .map(|part| value::text(part, "the master's address"))
            .collect::<Result<_, _>>()?;
        match parts.as_slice() {
            [host, port] => Ok(join(host, port)),
            _ => Err(Failure::Answer("the master's address")),
        }
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
        Ok(Live { connection, driver })
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

/// Whether the server may be written to, and the scripts.
async fn prepare(connection: &mut MultiplexedConnection) -> Result<(), Failure> {
    let mut pipe = Pipeline::new();
    pipe.cmd("ROLE").cmd("PING");
    load_scripts(&mut pipe);
    let count = pipe.len();
    let mut answers = connection.send_packed_commands(&pipe, 0, count).await?;
    for answer in answers.iter().skip(1) {
        if let Value::ServerError(error) = answer {
            return Err(Failure::Refused(Refusal::from(error)));
        }
    }
    // Who may not ask for the role is told when the server refuses a write.
    if let Value::Array(role) = answers.swap_remove(0)
        && let Some(Value::BulkString(name)) = role.into_iter().next()
        && name != b"master"
    {
        return Err(Failure::NotMaster);
    }
    Ok(())
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
