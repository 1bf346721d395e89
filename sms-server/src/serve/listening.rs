//! What a person is told when an address cannot be listened on.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::failure::{Failure, chain};

/// The error of a server that takes an address, with what to do about it where that is known.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Failure {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return Failure::new(format!("{}{}", chain(error), way_out(io.kind())));
        }
        next = cause.source();
    }
    Failure::new(chain(error))
}

/// The same for the address of a key.
pub(super) fn refusal_at(key: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let hint = way_out(error.kind());
    Failure::new(format!("{key}: cannot listen on {address}: {error}{hint}"))
}

fn way_out(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => ": stop the program that listens there, or choose another port",
        ErrorKind::AddrNotAvailable => {
            ": this machine has no such address; `ip address` shows those that it has"
        }
        ErrorKind::PermissionDenied => {
            ": ports below 1024 are not for every user; choose a higher one"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_way_out() {
        let address = SocketAddr::from(([203, 0, 113, 1], 80));
        for (kind, expected) in [
            (ErrorKind::AddrInUse, "choose another port"),
            (ErrorKind::AddrNotAvailable, "no such address"),
            (ErrorKind::PermissionDenied, "choose a higher one"),
        ] {
            let error = io::Error::from(kind);
            let words = refusal_at("grpc.listen", address, &error).to_string();
            assert!(words.starts_with("grpc.listen: cannot listen on 203.0.113.1:80: "));
            assert!(words.contains(expected), "{words}");
        }
        let other = io::Error::from(ErrorKind::OutOfMemory);
        let words = refusal_at("grpc.listen", address, &other).to_string();
        assert!(words.ends_with(&other.to_string()), "{words}");
    }
}
