//! Watches and links as they are made and taken back: what an actor asks for about others.

use alloc::boxed::Box;

use super::Shard;
use super::bonds::{Deliver, Trap, Watch, bare};
use super::control::Control;
use crate::address::{Addr, Rights};
use crate::life::Reason;
use crate::links::{Down, WatchId};
use crate::message::put;
use crate::send::Refusal;

/// Watches that the actors of one core may have at once: some 200 MiB.
const WATCHES_MAX: usize = 1 << 20;
/// Links of one actor: what its end costs its core in one go, a few milliseconds.
const LINKS_MAX: usize = 1 << 16;

impl Shard {
    pub(crate) fn watch<M: Send + 'static>(
        &mut self,
        named: Addr,
        map: impl FnOnce(Down) -> M + Send + 'static,
    ) -> Result<WatchId, Refusal> {
        let Some(this) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        if !self.shared.resolve(named).unwrap_or(named).rights().contains(Rights::WATCH) {
            return Err(Refusal::Forbidden);
        }
        if self.bonds.watches.len() >= WATCHES_MAX {
            return Err(Refusal::Full);
        }
        // SAFETY: the payload is the caller's to give, and `map` makes messages of the actor's type.
        let deliver: Deliver = Box::new(move |down, out| unsafe { put(out, map(down)) });
        // One behind a ward that was revoked is watched like one who has ended.
        let (watcher, target) = (bare(this.addr()), bare(self.shared.resolve(named).unwrap_or(named)));
        let ticket = self.asks.next_name();
        let named = named.with_rights(Rights::NONE);
        self.bonds.watches.insert(ticket, Watch { watcher, target, named, deliver });
        self.bonds.extra(watcher.index()).watching.insert(ticket);
        if self.signal(target, Control::Watch { watcher, ticket }).is_err() {
            let _ = self.signal(watcher, Control::Down { who: target, reason: Reason::Gone, ticket });
        }
        Ok(WatchId(ticket))
    }

    /// Only the one who watches can end a watch.
    pub(crate) fn unwatch(&mut self, ticket: u64) -> bool {
        let watcher = bare(self.current_addr());
        if self.bonds.watches.get(&ticket).is_none_or(|watch| watch.watcher != watcher) {
            return false;
        }
        self.bonds.change(watcher.index(), |extra| _ = extra.watching.remove(&ticket));
        self.forget_watch(ticket);
        true
    }

    pub(super) fn forget_watch(&mut self, ticket: u64) {
        if let Some(Watch { watcher, target, .. }) = self.bonds.watches.remove(&ticket) {
            let _ = self.signal(target, Control::Unwatch { watcher, ticket });
        }
    }

    pub(crate) fn link(&mut self, named: Addr) -> Result<(), Refusal> {
        let this = self.current_addr();
        let named = self.shared.resolve(named).unwrap_or(named);
        if !named.rights().contains(Rights::WATCH) || this.rights() == Rights::NONE {
            return Err(Refusal::Forbidden);
        }
        let (this, peer) = (bare(this), bare(named));
        if this == peer {
            return Ok(());
        }
        let links = &mut self.bonds.extra(this.index()).links;
        if links.len() >= LINKS_MAX {
            return Err(Refusal::Full);
        }
        links.insert(peer);
        if self.signal(peer, Control::Link(this)).is_err() {
            let _ = self.signal(this, Control::Exit { who: peer, reason: Reason::Gone });
        }
        Ok(())
    }

    pub(crate) fn unlink(&mut self, named: Addr) {
        let named = self.shared.resolve(named).unwrap_or(named);
        let (this, peer) = (bare(self.current_addr()), bare(named));
        self.bonds.change(this.index(), |extra| _ = extra.links.remove(&peer));
        let _ = self.signal(peer, Control::Unlink(this));
    }

    pub(crate) fn trap_exits<M: Send + 'static>(
        &mut self,
        mut map: impl FnMut(Down) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        let Some(this) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        // SAFETY: as in `watch`.
        let trap: Trap = Box::new(move |down, out| unsafe { put(out, map(down)) });
        self.bonds.extra(this.addr().index()).trap = Some(trap);
        Ok(())
    }
}
