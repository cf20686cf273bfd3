//! The net helper's own process: it takes lives over from the kernel, serves each on a thread of its own, and ends with the kernel.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use rustix::stdio::stdin;
use sandbox::broker::{Leash, Manner, NotTaken, Refusal, Standing, Want, observe, serve};
use sandbox::{Reach, Watched};

use super::lives::Lives;
use super::{Handed, Heard, MESSAGE_BYTES_MAX, Told, Watching, What};
use crate::observe::{Seen, Wish};

/// 256 KiB for a thread that serves one life.
const STACK_BYTES: usize = 256 << 10;

/// 10 refusals of one life are told in [`TOLD_WITHIN`]; who tries more is seen by these.
const TOLD_MAX: u32 = 10;

/// A minute: see [`TOLD_MAX`].
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// 256 different refusals of one life are remembered, so that none is told twice.
const REMEMBERED_MAX: usize = 256;

/// 8,192 different wants of one observed life are told.
const SEEN_MAX: usize = 8_192;

/// The net helper's whole life. Its standard input is the line to the kernel.
pub fn net_helper_main() -> ExitCode {
    let lives = Arc::new(Lives::default());
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    loop {
        match take(&mut bytes) {
            Ok(Taken::Life(handed, watched)) => begin(handed, watched, &lives),
            Ok(Taken::Reach(module, generation, net)) => change(&lives, module, generation, &net),
            Ok(Taken::Nothing) => {}
            // The kernel is gone, and with it every child whose calls are answered here.
            Ok(Taken::End) => return ExitCode::SUCCESS,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return ExitCode::FAILURE,
        }
    }
}

/// What came from the kernel.
enum Taken {
    Life(Handed, Watched),
    Reach(String, u64, BTreeSet<String>),
    /// What can't be understood.
    Nothing,
    End,
}

fn take(bytes: &mut [u8]) -> io::Result<Taken> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let part = io::IoSliceMut::new(bytes);
    let got = recvmsg(stdin(), &mut [part], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?.bytes;
    if got == 0 {
        return Ok(Taken::End);
    }
    let fds = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds: Vec<OwnedFd> = fds.flatten().collect();
    let told = serde_json::from_slice(&bytes[..got]);
    Ok(match (told, <[OwnedFd; 2]>::try_from(fds)) {
        (Ok(Told::Life(handed)), Ok([calls, names])) => Taken::Life(handed, Watched { calls, names }),
        (Ok(Told::Reach { module, generation, net }), _) => Taken::Reach(module, generation, net),
        _ => Taken::Nothing,
    })
}

/// A life that can't be served is left without network: its calls fail.
fn begin(handed: Handed, watched: Watched, lives: &Arc<Lives>) {
    let reach = Reach::of(handed.terms.net.iter().map(String::as_str));
    let grounds = handed.terms.watching.map(Watching::grounds);
    let is_open = grounds.as_ref().is_some_and(|grounds| grounds.manner == Manner::Open);
    // One that is observed in the open has no reach that could be changed.
    let reach = if is_open { Reach::everywhere() } else { reach };
    let Ok((leash, reins)) = Leash::with_reins(reach) else { return };
    let Some(seat) =
        lives.clone().take_up((handed.module.clone(), handed.generation), (!is_open).then_some(reins))
    else {
        return;
    };
    let work = move || {
        let _seat = seat;
        let mut teller = Teller::new(handed.module, handed.generation);
        // Its end is the life's; what kept it from serving, the life sees.
        let _ = match grounds {
            None => serve(watched, leash, |refusal| teller.tell(refusal)),
            Some(grounds) => observe(watched, leash, grounds, |want, standing| teller.see(want, standing)),
        };
    };
    // A thread that can't be started drops all of it.
    let _ = std::thread::Builder::new().name("life".to_owned()).stack_size(STACK_BYTES).spawn(work);
}

/// Other places for all that is served of a life.
fn change(lives: &Lives, module: String, generation: u64, net: &BTreeSet<String>) {
    let reach = Reach::of(net.iter().map(String::as_str));
    let key = (module, generation);
    for reins in lives.reins_of(&key) {
        let (module, generation) = key.clone();
        let told = move |open: Vec<SocketAddr>| {
            if !open.is_empty() {
                let open = open.iter().map(SocketAddr::to_string).collect();
                tell(&module, generation, What::StillOpen(open), SendFlags::empty());
            }
        };
        if reins.change(reach.clone(), told) == Err(NotTaken::Busy) {
            // It goes on with its old places, which only its end changes.
            let all = vec!["all that it was granted before".to_owned()];
            tell(&key.0, key.1, What::StillOpen(all), SendFlags::empty());
        }
    }
}

/// Tells the kernel of refusals: each once, and few.
struct Teller {
    module: String,
    generation: u64,
    told: HashSet<Refusal>,
    seen: BTreeSet<Seen>,
    since: Instant,
    count: u32,
}

impl Teller {
    fn new(module: String, generation: u64) -> Self {
        Self {
            module,
            generation,
            told: HashSet::new(),
            seen: BTreeSet::new(),
            since: Instant::now(),
            count: 0,
        }
    }

    fn tell(&mut self, refusal: Refusal) {
        if self.told.contains(&refusal) {
            return;
        }
        if self.since.elapsed() >= TOLD_WITHIN {
            (self.since, self.count) = (Instant::now(), 0);
        }
        if self.count >= TOLD_MAX || self.told.len() >= REMEMBERED_MAX {
            return;
        }
        self.count += 1;
        let what = What::Refused { act: refusal.act().to_owned(), grant: refusal.grant() };
        self.told.insert(refusal);
        // A kernel that has no time for it now hears of the next one.
        self.send(what, SendFlags::DONTWAIT);
    }

    /// Of a life that is observed: each once, and the life waits until the kernel has taken it.
    fn see(&mut self, want: Want, standing: Standing) {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let wish = match want {
            Want::Read(path) => Wish::Read(text(path)),
            Want::Write(path) => Wish::Write(text(path)),
            Want::Run(path) => Wish::Run(text(path)),
            Want::Net(place) => Wish::Net(place),
            Want::Call(call) => Wish::Call(call),
        };
        let seen = Seen { wish, is_granted: standing == Standing::Granted };
        if self.seen.len() < SEEN_MAX && self.seen.insert(seen.clone()) {
            self.send(What::Seen(seen), SendFlags::empty());
        }
    }

    fn send(&self, what: What, flags: SendFlags) {
        tell(&self.module, self.generation, what, flags);
    }
}

fn tell(module: &str, generation: u64, what: What, flags: SendFlags) {
    let heard = Heard { module: module.to_owned(), generation, what };
    if let Ok(message) = serde_json::to_vec(&heard) {
        // A kernel that is gone needs no news.
        let _ = send(stdin(), &message, flags | SendFlags::NOSIGNAL);
    }
}
