//! Which places of the network a module's `net` values mean, as a value that can be asked: pure, so that it is tested without a network.
//!
//! | value | means |
//! |---|---|
//! | `api.example:443` | this host, this port |
//! | `api.example` | this host, every port |
//! | `*.example:443` | every host below it |
//! | `*:443` | every host, this port; not this machine |
//! | `10.0.0.7:80`, `[::1]:80` | this address |
//! | `localhost:80` | the loopback, v4 and v6 |
//!
//! A value that names an address of this machine also lets a module listen there. A value that is none of these means nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

#[cfg(test)]
mod tests;

/// 253 bytes: the longest name that can be asked for.
pub(crate) const NAME_BYTES_MAX: usize = 253;

/// The name that means this machine wherever it is asked for.
pub(crate) const LOCALHOST: &str = "localhost";

/// The places that may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Below(String),
    Name(String),
    Address(IpAddr),
}

impl Reach {
    /// What these values mean together.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rules: values.into_iter().filter_map(Rule::parse).collect() }
    }

    /// Every place there is, this machine's own with them: for a child that is observed in the open.
    pub fn everywhere() -> Self {
        Self::of(["*", LOCALHOST, "0.0.0.0", "::"])
    }

    /// Whether one of the values means this host at this port; without a port, whether it may be asked for.
    pub fn admits(&self, host: &str, port: Option<u16>) -> bool {
        match (host.parse::<IpAddr>(), port) {
            (Ok(address), port) => {
                let at = SocketAddr::new(address, port.unwrap_or(0));
                self.allows_address(plain(at)) || self.allows_listening(at)
            }
            (Err(_), Some(port)) => self.allows_name(host, port),
            (Err(_), None) => self.knows(host),
        }
    }

    /// The ports, sorted, when every value names one.
    pub(crate) fn ports(&self) -> Option<Vec<u16>> {
        let ports: Option<Vec<u16>> = self.rules.iter().map(|rule| rule.port).collect();
        let mut ports = ports?;
        ports.sort_unstable();
        ports.dedup();
        Some(ports)
    }

    /// Whether this name may be asked for at all.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.host.is_named(name))
    }

    /// Whether what this name resolves to may be reached at this port.
    pub(crate) fn allows_name(&self, name: &str, port: u16) -> bool {
        self.rules.iter().any(|rule| rule.host.is_named(name) && rule.has(port))
    }

    /// Whether this address may be reached whatever its name. Ask with [`plain`] addresses.
    pub(crate) fn allows_address(&self, at: SocketAddr) -> bool {
        let means = |host: &Host| match host {
            Host::Any => is_elsewhere(at.ip()),
            Host::Address(address) => *address == at.ip(),
            Host::Name(name) => name == LOCALHOST && at.ip().is_loopback(),
            Host::Below(_) => false,
        };
        self.rules.iter().any(|rule| rule.has(at.port()) && means(&rule.host))
    }

    /// Whether it may listen there. Every address of the machine is meant by no value but that one itself.
    pub(crate) fn allows_listening(&self, at: SocketAddr) -> bool {
        let at = SocketAddr::new(at.ip().to_canonical(), at.port());
        let means = |host: &Host| match host {
            Host::Address(address) => *address == at.ip(),
            Host::Name(name) => name == LOCALHOST && at.ip().is_loopback(),
            Host::Any | Host::Below(_) => false,
        };
        at.port() != 0 && self.rules.iter().any(|rule| rule.has(at.port()) && means(&rule.host))
    }

    /// The names of single hosts that may be reached at this port, which an address of unknown origin may belong to.
    pub(crate) fn names_at(&self, port: u16) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(move |rule| match &rule.host {
            Host::Name(name) if rule.has(port) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl fmt::Display for Reach {
    /// `api.example:443 [::1]:80`, or `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rules.is_empty() {
            return f.write_str("nothing");
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            match (&rule.host, rule.port) {
                (Host::Address(IpAddr::V6(address)), Some(_)) => write!(f, "{space}[{address}]")?,
                (Host::Address(address), _) => write!(f, "{space}{address}")?,
                (Host::Name(name), _) => write!(f, "{space}{name}")?,
                (Host::Below(name), _) => write!(f, "{space}*.{name}")?,
                (Host::Any, _) => write!(f, "{space}*")?,
            }
            if let Some(port) = rule.port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

impl Rule {
    fn parse(value: &str) -> Option<Self> {
        let (host, port) = match port_of(value) {
            Some(port) => (value.rsplit_once(':')?.0, Some(port)),
            None => (value, None),
        };
        Some(Self { host: Host::parse(host)?, port })
    }

    fn has(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        match text.strip_prefix("*.") {
            Some(below) => name(below).map(Self::Below),
            None => name(text).map(Self::Name),
        }
    }

    fn is_named(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(own) => own == name,
            Self::Below(own) => name.strip_suffix(own.as_str()).is_some_and(|left| left.ends_with('.')),
            Self::Address(_) => false,
        }
    }
}

/// A host's name as it is compared: small letters, no dot at its end. Nothing when it is no name.
pub(crate) fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_plain);
    is_name.then(|| text.to_ascii_lowercase())
}

/// The port of `host:port` or `[v6]:port`; none for a bare host, and for a bare IPv6 address, whose colons are its own.
pub(crate) fn port_of(value: &str) -> Option<u16> {
    let (host, port) = value.rsplit_once(':')?;
    let bare_v6 = host.contains(':') && !host.ends_with(']');
    if bare_v6 { None } else { port.parse().ok().filter(|port| *port != 0) }
}

/// The address as it is compared: a v4 address in the clothes of v6 is itself, and to connect to "any address" means the loopback.
pub(crate) fn plain(at: SocketAddr) -> SocketAddr {
    let address = match at.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, at.port())
}

/// Whether an address can be that of a host that a name means. This machine and what is reached through no router can't: whoever
/// answers for a name could else open them to a module that was granted the name.
pub(crate) fn is_elsewhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let is_this_net = address.octets()[0] == 0;
            !(is_this_net
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast())
        }
        IpAddr::V6(address) => {
            !(address.is_unspecified()
                || address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_multicast())
        }
    }
}
