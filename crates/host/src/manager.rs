//! What a service manager is told (`sd_notify`): ready, stopping, still alive. Without `$NOTIFY_SOCKET` nobody asks, and
//! nothing is told.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Tells the manager one line. A manager that does not listen is no reason to stop.
pub(crate) fn tell(line: &str) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // An abstract name is written with `@` in the place of its zero byte.
    let address = match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&place),
    };
    let sent = UnixDatagram::unbound()
        .and_then(|socket| address.and_then(|address| socket.send_to_addr(line.as_bytes(), &address)));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// How often the manager wants to hear that this process is alive, if it does: half of its own bound.
fn watchdog_interval() -> Option<Duration> {
    let for_us = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
    let bound_us: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    (for_us && bound_us > 1).then(|| Duration::from_micros(bound_us / 2))
}

/// Says that this process is alive, from the thread that does the work, for as long as somebody wants to hear it.
pub(crate) async fn keep_alive() {
    let Some(interval) = watchdog_interval() else { return };
    let mut ticks = tokio::time::interval(interval);
    loop {
        ticks.tick().await;
        tell("WATCHDOG=1");
    }
}
