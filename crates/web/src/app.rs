//! What all requests share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::operator::{OnBehalf, Role};

use crate::access::Access;
use crate::agents::Talks;
use crate::alerts::running::Alerts;
use crate::door::Door;
use crate::events::Hub;
use crate::gathered::Gathered;
use crate::history::History;
use crate::metrics::Counts;
use crate::once::Once;
use crate::pace::Pace;
use crate::tls::Certificates;

/// The one value of the process.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) door: Door,
    pub(crate) access: Access,
    pub(crate) hub: Arc<Hub>,
    pub(crate) history: History,
    pub(crate) once: Once,
    pub(crate) gathered: Gathered,
    pub(crate) pace: Pace,
    pub(crate) talks: Talks,
    pub(crate) alerts: Alerts,
    pub(crate) counts: Counts,
    /// The address of TCP, when there is one.
    pub(crate) address: Option<SocketAddr>,
    /// What makes TCP safe, when something does.
    pub(crate) certificates: Option<Arc<Certificates>>,
    /// The machine's name in links.
    pub(crate) name: Option<String>,
    /// The folder of its own.
    pub(crate) state: PathBuf,
    /// One package on its way at a time.
    pub(crate) uploading: tokio::sync::Mutex<()>,
    /// One change with `If-Match` at a time, so that none comes between the look and the change of another one.
    pub(crate) matching: tokio::sync::Mutex<()>,
}

impl App {
    /// The beginning of every link.
    pub(crate) fn origin(&self) -> Option<String> {
        let address = self.address?;
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        // An address that stands for all of the machine's is one that nobody can go to.
        let place = match (&self.name, address.ip().is_unspecified()) {
            (Some(name), _) => format!("{name}:{}", address.port()),
            (None, true) => format!("localhost:{}", address.port()),
            (None, false) => address.to_string(),
        };
        Some(format!("{scheme}://{place}"))
    }
}

/// This process asks for itself: what it shows to everybody it may see.
pub(crate) fn own() -> OnBehalf {
    OnBehalf { name: "ostoja-web".to_owned(), role: Role::Developer }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
