//! What the process is told when it starts, and why it does not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use abi::Explain;

use crate::tls::{CertificateError, Files};

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
        text.parse().map(Self::At).map_err(|_| WebError::NoAddress { text: text.to_owned() })
    }
}

impl Listen {
    /// Whether it may be listened there without TLS.
    ///
    /// # Errors
    /// [`WebError::OffLoopback`].
    pub fn check_plain(self) -> Result<(), WebError> {
        match self {
            Self::At(address) if !address.ip().is_loopback() => Err(WebError::OffLoopback { address }),
            Self::At(_) | Self::None => Ok(()),
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
    /// With what TCP is made safe; nothing on the loopback, if one likes.
    pub tls: Option<Files>,
    /// The machine's name in links; when there is none, its address.
    pub name: Option<String>,
}

impl Options {
    /// Whether all of it may be.
    ///
    /// # Errors
    /// [`WebError::OffLoopback`].
    pub(crate) fn check(&self) -> Result<(), WebError> {
        if self.tls.is_some() { Ok(()) } else { self.listen.check_plain() }
    }
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
    /// The certificate or its key.
    #[error("there can be no TLS")]
    Certificate {
        /// Why.
        #[source]
        source: CertificateError,
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
            Self::Certificate { .. } => "web::tls::certificate",
            Self::State { .. } => "web::state::unusable",
            Self::Bind { .. } => "web::listen::taken",
            Self::System(_) => "web::start::system",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoAddress { .. } => Some("127.0.0.1:7117, or none".to_owned()),
            Self::OffLoopback { .. } => {
                Some("ostoja dashboard --tls-self-signed, or listen on 127.0.0.1 and forward the port: ssh -L 7117:127.0.0.1:7117 HOST".to_owned())
            }
            Self::Certificate { .. } => Some("ostoja-web.tls.cert and .key name two files in PEM".to_owned()),
            Self::State { .. } | Self::Bind { .. } | Self::System(_) => None,
        }
    }
}
