//! What the process is told when it starts, and why it does not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use abi::Explain;

/// Port 7117, where people look for it.
pub const PORT: u16 = 7117;

/// Where to listen for TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere: only on the Unix socket.
    None,
    /// There; on a free port of that address when it is taken.
    At(SocketAddr),
}

impl Default for Listen {
    fn default() -> Self {
        Self::At(SocketAddr::from(([127, 0, 0, 1], PORT)))
    }
}

impl FromStr for Listen {
    type Err = WebError;

    fn from_str(text: &str) -> Result<Self, WebError> {
        if text == "none" {
            return Ok(Self::None);
        }
        let address: SocketAddr = text.parse().map_err(|_| WebError::NoAddress { text: text.to_owned() })?;
        if address.ip().is_loopback() {
            Ok(Self::At(address))
        } else {
            Err(WebError::OffLoopback { address })
        }
    }
}

/// How the process is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The operator door's socket.
    pub kernel_socket: PathBuf,
    /// A folder of its own: tokens, sessions, its socket.
    pub state: PathBuf,
    /// Where to listen for TCP.
    pub listen: Listen,
}

/// Why the process does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// It is no address.
    #[error("`{text}` is neither an address with a port nor `none`")]
    NoAddress {
        /// What was given.
        text: String,
    },
    /// Whoever can reach it could listen in: there is no TLS.
    #[error("`{address}` is not on the loopback, and there is no TLS to hide what is said there")]
    OffLoopback {
        /// What was given.
        address: SocketAddr,
    },
    /// Its folder can't be made or read.
    #[error("the folder `{}` can't be used", path.display())]
    State {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No socket could be opened.
    #[error("can't listen on `{place}`")]
    Bind {
        /// Where.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The system gives no threads or no chance.
    #[error("the system refuses what every process needs")]
    System(#[source] std::io::Error),
}

impl Explain for WebError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => "web::listen::no_address",
            Self::OffLoopback { .. } => "web::listen::off_loopback",
            Self::State { .. } => "web::state::unusable",
            Self::Bind { .. } => "web::listen::taken",
            Self::System(_) => "web::start::system",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoAddress { .. } => Some("127.0.0.1:7117, or none".to_owned()),
            Self::OffLoopback { .. } => {
                Some("listen on 127.0.0.1, and forward the port: ssh -L 7117:127.0.0.1:7117 HOST".to_owned())
            }
            Self::State { .. } | Self::Bind { .. } | Self::System(_) => None,
        }
    }
}
