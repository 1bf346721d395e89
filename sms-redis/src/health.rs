//! What an operator may want to know of the connections.

/// How the connections of a store are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The masters that this process has talked to, by address.
    pub servers: Vec<ServerHealth>,
}

/// How the connections to one server are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerHealth {
    /// Its address, or the name that sentinels know it by.
    pub address: String,
    /// Whether there are connections to it now.
    pub is_connected: bool,
    /// How many connections were made since the start. There are two at a time.
    pub connections: u64,
}
