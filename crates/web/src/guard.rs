//! What every request over TCP has to be before it is looked at: meant for this host, and not sent by a foreign page.
//!
//! A page of somebody else's can make a browser send requests here, and by DNS rebinding even under its own name. The
//! browser says which name it used (`Host`) and which page asks (`Origin`); both have to be ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};

use crate::problem::Problem;
use crate::tls::Certificates;

#[cfg(test)]
mod tests;

/// 4 KiB: longer than any path and query of ours.
const URI_BYTES_MAX: usize = 4096;

/// Words in a query that only a secret stands behind.
const SECRET_WORDS: [&str; 4] = ["token", "access_token", "authorization", "csrf"];

/// Where a connection came in: what makes names ours.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The address that was connected to.
    pub(crate) own: SocketAddr,
    /// Who connected.
    pub(crate) peer: IpAddr,
    /// What makes it safe, when something does.
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl Site {
    fn scheme(&self) -> &'static str {
        if self.certificates.is_some() { "https://" } else { "http://" }
    }

    /// Whether browsers are to come here by TLS only: not on the loopback, where other programs of the same name don't.
    pub(crate) fn is_strict(&self) -> bool {
        self.certificates.is_some() && !self.own.ip().is_loopback()
    }

    fn default_port(&self) -> u16 {
        if self.certificates.is_some() { 443 } else { 80 }
    }

    /// Whether `Host` names us: by this connection's address or, over TLS, by a name that the certificate was made out for.
    /// The port of such a name may be another one, as somebody may forward it: an attacker's name is in no certificate.
    fn has(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(self.default_port())),
        };
        let is_loopback = self.own.ip().is_loopback();
        let is_ours = match name {
            "127.0.0.1" | "[::1]" => is_loopback,
            name => {
                (is_loopback && name.eq_ignore_ascii_case("localhost"))
                    || name.trim_matches(['[', ']']) == self.own.ip().to_string()
            }
        };
        let is_certified =
            || self.certificates.as_ref().is_some_and(|certificates| certificates.is_for(name));
        (is_ours && port == Some(self.own.port())) || (port.is_some() && is_certified())
    }
}

/// Whether a request is one that was meant for the address that is listened on.
pub(crate) fn check(site: &Site, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if uri.path_and_query().is_some_and(|path| path.as_str().len() > URI_BYTES_MAX) {
        let text = format!("the path and the query have more than {URI_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "web::request::too_long", text));
    }
    // A proxy's form, `GET http://elsewhere/`: nobody is to think that this is one.
    if uri.authority().is_some() {
        return Err(misdirected());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| hosts.next().is_none() && site.has(host)) else {
        return Err(misdirected());
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let asking = origin.to_str().ok().and_then(|origin| origin.strip_prefix(site.scheme()));
        // On the loopback its names are one machine; elsewhere another port may be another program of somebody else's.
        let is_own = |asking: &str| match site.certificates {
            Some(_) => asking.eq_ignore_ascii_case(host),
            None => site.has(asking),
        };
        if !asking.is_some_and(is_own) {
            return Err(foreign());
        }
    }
    // Older than `Origin` on reads, and told by every browser of today: a page of another site may not even look.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let is_foreign = matches!(site, Some("cross-site" | "same-site"));
    let navigates =
        headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate") && *method == Method::GET;
    if is_foreign && !navigates {
        return Err(foreign());
    }
    no_secret_in(uri)
}

/// A URL is written into histories and logs; what stands there is no secret any more.
pub(crate) fn no_secret_in(uri: &Uri) -> Result<(), Problem> {
    let names =
        uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names {
        if SECRET_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
            let problem = Problem::bad(format!("`{name}` stands in the URL, where others can read it"));
            return Err(
                problem.help("send it as `Authorization: Bearer …`, and make a new one: this one was seen")
            );
        }
    }
    Ok(())
}

fn misdirected() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "web::request::host",
        "`Host` names another machine than this one",
    )
}

fn foreign() -> Problem {
    Problem::forbidden("the page that asks is not one of ours")
}
