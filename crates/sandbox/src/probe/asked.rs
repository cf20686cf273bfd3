//! Whether a child's calls to the network can be answered: it must reach a port that was granted, and not another one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Bench, act, end_of, judge};
use crate::broker;
use crate::confinement::Confinement;
use crate::house;
use crate::launch::{Apart, Last, Recipe, Telling};
use crate::layer::{Layer, Proof};
use crate::reach::Reach;
use crate::seccomp::{Watch, compile};

/// 5 s for a child's word to come: it takes some microseconds, and not coming at all is ended earlier.
const WORD_WITHIN: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

impl Bench {
    pub(super) fn ask_a_broker(&mut self) -> Result<Proof, String> {
        let layers = vec![Layer::UserNamespace, Layer::NetNamespace, Layer::NetBroker];
        let held = Confinement { layers, ..Confinement::none() };
        let (house, ()) =
            house::open(&held, Path::new("/"), |_| Ok(())).map_err(|error| error.to_string())?;
        let Some(names) = &house.names else {
            let why = house.missing.first().map(|(_, why)| why.clone());
            return Err(why.unwrap_or_else(|| "there is no network of its own".to_owned()));
        };
        let ports = [listener()?, listener()?];
        for (port, listener) in act::PORTS.iter().zip(&ports) {
            let at = listener.local_addr().map_err(|error| error.to_string())?;
            port.store(at.port(), Ordering::Relaxed);
        }
        let granted = ports[0].local_addr().map_err(|error| error.to_string())?;
        let telling = Telling::new(names).map_err(|error| error.to_string())?;
        let argv = house::words();
        let filter = compile(&[], None, Watch::Network);
        let null = crate::launch::lifted(self.null.try_clone().map_err(|error| error.to_string())?);
        let null = null.map_err(|error| error.to_string())?;
        let mut recipe = Recipe {
            table_end: None,
            stdio: [null.as_fd(); 3],
            extra_fds: &[],
            join: None,
            apart: Apart::Session,
            spaces: house.spaces(None, &argv),
            cwd: None,
            umask: Confinement::UMASK,
            rlimits: &[],
            no_new_privs: true,
            ruleset: None,
            filter: &filter,
            watch: Some(telling.end()),
            capabilities: None,
            last: Last::Act(act::reach_a_port_that_was_not_granted),
        };
        let with = std::thread::scope(|scope| {
            scope.spawn(|| answer(&telling, granted));
            let end = end_of(&recipe, None, &mut self.stack).and_then(|(end, _)| end);
            // A child that gave up has sent nothing; this ends the wait for it.
            let _ = rustix::io::write(telling.end(), b"0");
            end
        });
        (recipe.spaces, recipe.filter, recipe.watch) = (None, &[], None);
        let without = end_of(&recipe, None, &mut self.stack).and_then(|(end, _)| end);
        Ok(judge(with, without, libc::ECONNREFUSED))
    }
}

fn listener() -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no port of the loopback: {error}"))
}

/// Answers the child until its end. What goes wrong is seen by what the child can't do.
fn answer(telling: &Telling<'_>, granted: SocketAddr) {
    let _ = poll(&mut [PollFd::from_borrowed_fd(telling.ours(), PollFlags::IN)], Some(&WORD_WITHIN));
    if let Ok(watched) = telling.read() {
        let _ = broker::serve(watched, Reach::of([granted.to_string().as_str()]), |_| {});
    }
}
